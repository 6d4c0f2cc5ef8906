package wire

import (
	_ "embed"
	"fmt"
)

// Codecs are the codecs of one client or acceptor, the newest dictionary
// first. Empty: no compression.
type Codecs []*Codec

//go:embed dict/v1.zdict
var dictionaryV1 []byte

// NewCodecs makes a codec for each dictionary there is.
func NewCodecs(concurrency int) (Codecs, error) {
	one, err := NewCodec(1, dictionaryV1, concurrency)
	if err != nil {
		return nil, err
	}
	return Codecs{one}, nil
}

// Versions are those of the dictionaries, best first.
func (c Codecs) Versions() []uint32 {
	var v []uint32
	for _, one := range c {
		v = append(v, one.version)
	}
	return v
}

// Find returns the codec of a version, nil for version 0.
func (c Codecs) Find(version uint32) (*Codec, error) {
	if version == 0 {
		return nil, nil //nolint:nilnil // no codec means no compression
	}
	for _, one := range c {
		if one.version == version {
			return one, nil
		}
	}
	return nil, fmt.Errorf("%w: dictionary %d", ErrMalformed, version)
}

// Choose returns the best codec that the far end has, too, or nil.
func (c Codecs) Choose(theirs []uint32) *Codec {
	for _, v := range theirs {
		if one, err := c.Find(v); err == nil && one != nil {
			return one
		}
	}
	return nil
}
