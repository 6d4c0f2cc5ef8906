// Package media turns sound and pictures into packets and back.
//
// # Sound
//
// Inside the engine sound is mono PCM of 16 bit at 48 kHz. An AudioSource gives
// it: a microphone, an AudioFile (WAV, Ogg/Opus), a tone. An AudioSender reads
// the source every 20 ms, encodes and sends. At the other end an AudioReceiver
// takes the packets into its jitter buffer, and a Playout pulls 10 ms at a time
// and gives them to an AudioSink: a loudspeaker, a WAVSink.
//
// AudioCodecs lists what this build can carry. Opus needs cgo and libopus to be
// encoded; without them it can be received only, and G.722 comes first.
// NewAudioEncoder and NewAudioDecoder hide the rates of the codecs: all of them
// take and give 48 kHz.
//
// # Pictures
//
// Pictures stay encoded. A VideoSource gives EncodedFrames in VP8, H.264, VP9 or
// AV1: a camera's hardware encoder, a VideoFile (IVF, H.264). A VideoSender cuts
// them into packets and spreads large frames over time; requests for key frames
// and the bitrate that the network carries go back to the source. A
// VideoReceiver puts packets in order, waits for repaired ones, gives whole
// frames that can be decoded to a VideoSink, and asks for a key frame when there
// is no other way on; for the decoder behind the sink, which may lose its picture
// all by itself, there is RequestKeyFrame.
//
//	file, err := media.OpenVideoFile("picture.ivf", nil)
//	if err != nil { … } // a *FileError with name, position and reason
//	defer file.Close()
//	sender, err := media.NewVideoSender(&media.VideoSenderOptions{
//		Codecs: negotiated, Source: file, Send: session.WriteVideo,
//	})
//	if err != nil { … }
//	defer sender.Close()
//
// # Lifecycle and threads
//
// Senders, receivers and playouts run from NewX to Close; sources and sinks
// belong to whoever made them and must outlive what uses them.
// Methods may be called from any goroutine. Functions in options are called from
// the goroutines that their comments name and must not block. Close of the video
// parts does not wait, and so may be called from those functions; Done tells
// when their goroutine has ended.
//
// The packages below are of use by themselves: opus, g722, g711, resample,
// conceal, dtmf, tone, wav, ogg, ivf, h264file, jitter, level, mix.
package media
