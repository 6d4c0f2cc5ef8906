package media

import "github.com/parley-rtc/parley/media/h264file"

// parameterSets keeps the last sequence and picture parameter sets of a source.
// Some encoders write them once, but a receiver that starts at a later key frame
// needs them there.
type parameterSets struct{ sequence, picture []byte }

// complete returns the access unit with the parameter sets in front if it is a
// key frame that lacks them, and remembers those that it has.
func (s *parameterSets) complete(unit []byte) []byte {
	key, has := false, false
	h264file.Each(unit, func(nal []byte) {
		switch nal[0] & 0x1f {
		case h264file.NALKeySlice:
			key = true
		case h264file.NALSequence:
			s.sequence, has = append([]byte(nil), nal...), true
		case h264file.NALPicture:
			s.picture = append([]byte(nil), nal...)
		}
	})
	if !key || has || s.sequence == nil || s.picture == nil {
		return unit
	}
	var whole []byte
	for _, nal := range [][]byte{s.sequence, s.picture} {
		whole = append(append(whole, 0, 0, 0, 1), nal...)
	}
	return append(whole, unit...)
}
