package samples_test

import (
	"bytes"
	"testing"

	"github.com/parley-rtc/parley/media/samples"
)

func TestSamples_Files_AreThereAndSmall(t *testing.T) {
	caller, callee, video := samples.SpeechCaller(), samples.SpeechCallee(), samples.Video()
	if !bytes.HasPrefix(caller, []byte("OggS")) || !bytes.HasPrefix(callee, []byte("OggS")) || !bytes.HasPrefix(video, []byte("DKIF")) {
		t.Error("not the files that they should be")
	}
	if bytes.Equal(caller, callee) {
		t.Error("both sides have the same voice")
	}
	if len(caller)+len(callee) > 150_000 || len(video) > 200_000 {
		t.Errorf("%d + %d + %d bytes", len(caller), len(callee), len(video))
	}
}
