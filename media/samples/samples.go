// Package samples holds small recordings that demonstrations and tests play:
// two voices and a moving test picture. generate.sh makes them anew.
package samples

import "embed"

//go:embed speech-caller.ogg speech-callee.ogg video.ivf
var files embed.FS

// The names of the files, for messages.
const (
	SpeechCallerName = "speech-caller.ogg"
	SpeechCalleeName = "speech-callee.ogg"
	VideoName        = "video.ivf"
)

// SpeechCaller is 12 s of a voice as an Ogg/Opus file, 48 kHz mono.
func SpeechCaller() []byte { return read(SpeechCallerName) }

// SpeechCallee is 12 s of another voice as an Ogg/Opus file, 48 kHz mono.
func SpeechCallee() []byte { return read(SpeechCalleeName) }

// Video is 6 s of a test picture as an IVF file: VP8, 320 × 240, 25 frames a
// second, a key frame every 2 s. The frames carry their numbers.
func Video() []byte { return read(VideoName) }

// read cannot fail: the compiler has put the files in.
func read(name string) []byte {
	data, _ := files.ReadFile(name)
	return data
}
