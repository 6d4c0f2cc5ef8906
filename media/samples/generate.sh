#!/bin/sh
# Makes the samples anew. Needs espeak-ng, opusenc (opus-tools) and ffmpeg with
# libvpx. The results differ a little between versions of these programs.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { # file, voice, speed, pitch, text
	espeak-ng -v "$2" -s "$3" -p "$4" -w "$work/$1.raw.wav" "$5"
	# A second of quiet at the end keeps the loop from running together; the
	# level is that of a voice close to a microphone.
	ffmpeg -v error -y -i "$work/$1.raw.wav" -af "loudnorm=I=-20:TP=-3,aresample=48000,apad=pad_dur=0.6" \
		-ac 1 -ar 48000 "$work/$1.wav"
	opusenc --quiet --speech --bitrate 32 --discard-comments --padding 0 --serial "$6" "$work/$1.wav" "$1.ogg"
}

say speech-caller en-gb 150 45 "Hello, this is the first side of the call. \
The quick brown fox jumps over the lazy dog, and nine wizards hurry to see how it ends. \
Can you hear every word of it?" 1
say speech-callee en-us+f3 145 62 "Good morning, here is the other side. \
She sells sea shells by the sea shore, while five boxing dwarfs jump quickly at dawn. \
Yes, I can hear you very well." 2

# The picture carries its frame number and time. A key frame every two seconds.
ffmpeg -v error -y -f lavfi -i testsrc2=size=320x240:rate=25:duration=6 -pix_fmt yuv420p \
	-c:v libvpx -b:v 220k -maxrate 260k -bufsize 260k -deadline good -cpu-used 0 -g 50 -keyint_min 50 \
	-auto-alt-ref 0 -lag-in-frames 0 -error-resilient 0 -threads 1 -fflags +bitexact -flags +bitexact video.ivf
ls -l ./*.ogg ./*.ivf
