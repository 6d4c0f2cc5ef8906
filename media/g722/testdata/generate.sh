#!/bin/sh
# Makes the reference vectors anew, with espeak-ng and ffmpeg: a voice, an
# overdriven voice, and both encoded and decoded.
set -eu
cd "$(dirname "$0")"
espeak-ng -v en-gb -w voice.tmp.wav "Seven"
ffmpeg -v error -y -ss 0.05 -t 0.5 -i voice.tmp.wav -ar 16000 -ac 1 -f s16le voice.pcm
ffmpeg -v error -y -ss 0.05 -t 0.3 -i voice.tmp.wav -af volume=30dB -ar 16000 -ac 1 -f s16le loud.pcm
rm voice.tmp.wav
for f in voice loud; do
	ffmpeg -v error -y -f s16le -ar 16000 -ac 1 -i $f.pcm -c:a g722 -f g722 $f.g722
	ffmpeg -v error -y -f g722 -i $f.g722 -f s16le $f.decoded
done
