#!/bin/sh
# Makes the reference vectors anew, with ffmpeg: what it encodes each 13th
# 16 bit value to, and what it decodes each byte to.
set -eu
cd "$(dirname "$0")"
for law in mulaw alaw; do
	python3 -c 'import sys, struct
v = range(-32768, 32768, 13)
sys.stdout.buffer.write(struct.pack("<%dh" % len(v), *v))' |
		ffmpeg -v error -y -f s16le -ar 8000 -ac 1 -i - -c:a "pcm_$law" -f "$law" "encoded.$law"
	python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)))' |
		ffmpeg -v error -y -f "$law" -ar 8000 -ac 1 -i - -f s16le "decoded.$law"
done
