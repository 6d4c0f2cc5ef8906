package training_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/parley-rtc/parley/signaling/internal/training"
)

// TestTrain_GivesTheCommittedDictionary fails when the corpus, the packed form
// or the training changed and the dictionary was not made anew:
//
//	go run ./signaling/internal/training/traindict -out signaling/internal/wire/dict/v1.zdict
//
// Once a version has been released, make the next one instead and keep both.
func TestTrain_GivesTheCommittedDictionary(t *testing.T) {
	corpus, err := os.ReadFile("corpus/descriptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	got, err := training.Train(string(corpus), 1)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../wire/dict/v1.zdict")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the corpus gives another dictionary (%d bytes) than the committed one (%d bytes)", len(got), len(want))
	}
}

func TestTrain_BadCorpus(t *testing.T) {
	for name, corpus := range map[string]string{
		"no kind":      "v=0\n",
		"unknown kind": "--- picture\nx\n",
		"empty":        "",
	} {
		if _, err := training.Train(corpus, 1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := training.Train("--- offer\nv=0\n", 0); err == nil {
		t.Error("version 0: no error")
	}
}
