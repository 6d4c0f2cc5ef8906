// Traindict makes the compression dictionary of signaling from the corpus next
// to it: session descriptions and candidates as real sessions made them. It
// puts them into the frames of whole calls, because frames are what is
// compressed. The same corpus gives the same dictionary, byte for byte.
//
//	go run ./signaling/internal/training/traindict -corpus DIR -out FILE
//
// A dictionary that was released is never changed: a better one gets the next
// version, beside it.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/parley-rtc/parley/signaling/internal/training"
)

func main() {
	corpus := flag.String("corpus", "signaling/internal/training/corpus/descriptions.txt", "file with the corpus")
	out := flag.String("out", "", "file to write")
	version := flag.Uint("version", 1, "version of the dictionary")
	flag.Parse()
	if err := run(*corpus, *out, uint32(*version)); err != nil {
		fmt.Fprintln(os.Stderr, "traindict:", err)
		os.Exit(1) //nolint:forbidigo // a program
	}
}

func run(corpus, out string, version uint32) error {
	text, err := os.ReadFile(corpus)
	if err != nil {
		return fmt.Errorf("read corpus: %w", err)
	}
	dictionary, err := training.Train(string(text), version)
	if err != nil {
		return err
	}
	if out == "" {
		_, err = os.Stdout.Write(dictionary)
	} else {
		err = os.WriteFile(out, dictionary, 0o644) //nolint:gosec // not a secret
	}
	if err != nil {
		return fmt.Errorf("write dictionary: %w", err)
	}
	return nil
}
