#!/bin/sh
# Makes the small files of the tests anew. Needs ffmpeg with libx264, libvpx,
# libaom and libopus, and espeak-ng.
set -eu
cd "$(dirname "$0")"
exact="-fflags +bitexact -flags +bitexact -map_metadata -1"
picture="-f lavfi -i testsrc2=size=160x120:rate=20:duration=2 -pix_fmt yuv420p"
f="ffmpeg -v error -y"
# A key frame each second; several slices and B-free, as for calls.
$f $picture -c:v libx264 -profile:v baseline -preset veryslow -b:v 60k -g 20 -bf 0 -x264-params slices=2:scenecut=0 $exact h264.h264
$f $picture -c:v libx264 -profile:v high -preset veryslow -b:v 60k -g 20 -bf 0 -x264-params scenecut=0 $exact h264-high.h264
$f $picture -c:v libvpx-vp9 -b:v 60k -g 20 -deadline good -cpu-used 2 -lag-in-frames 12 -auto-alt-ref 1 $exact vp9.ivf
$f $picture -c:v libaom-av1 -b:v 60k -g 20 -usage realtime -cpu-used 8 $exact av1.ivf
# One second of a voice in many forms.
espeak-ng -v en-gb -w voice.tmp.wav "One two three four"
$f -t 1 -i voice.tmp.wav -ac 1 -ar 48000 -c:a pcm_s16le $exact voice-48000-s16.wav
rm voice.tmp.wav
v="-i voice-48000-s16.wav"
$f $v -ar 8000 -c:a pcm_u8 $exact voice-8000-u8.wav
$f $v -ar 44100 -ac 2 -t 0.3 -c:a pcm_s24le $exact voice-44100-s24-stereo.wav
$f $v -ar 16000 -t 0.5 -c:a pcm_s32le $exact voice-16000-s32.wav
$f $v -ar 22050 -t 0.5 -c:a pcm_f32le $exact voice-22050-f32.wav
$f $v -ar 8000 -c:a pcm_mulaw $exact voice-8000-mulaw.wav
$f $v -ar 8000 -c:a pcm_alaw $exact voice-8000-alaw.wav
$f $v -ac 2 -c:a libopus -b:a 48k $exact voice-stereo.ogg
$f $v -c:a libopus -b:a 24k -frame_duration 60 -page_duration 100000 $exact voice-60ms.ogg
ls -l
