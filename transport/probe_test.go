package transport_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/parley-rtc/parley/transport"
)

func TestProbeSDP(t *testing.T) {
	a := newEnd(t, "a", transport.Options{VideoCodecs: videoCodecs()})
	o, err := a.Offer(context.Background())
	fmt.Println(o.SDP, len(o.SDP), err)
	b := newEnd(t, "b", transport.Options{VideoCodecs: videoCodecs()})
	w, err := b.Answer(context.Background(), o)
	fmt.Println(w.SDP, len(w.SDP), err)
	fmt.Println(b.Codecs(1), b.Codecs(2))
	b.until("end", func() bool { return b.ended })
	fmt.Println(b.candidates)
}
