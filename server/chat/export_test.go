package chat

import "io"

// Scaled makes the small view of a picture; empty when there is none.
func Scaled(data io.ReadSeeker) (kind string, size int64, err error) {
	kind, err = imageType(data)
	if err != nil {
		return "", 0, err
	}
	small, smallKind := shrink(kind, data)
	if small == nil {
		return "", 0, nil
	}
	return smallKind, small.Size(), nil
}
