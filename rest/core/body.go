package core

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxBody is how much of an answer is kept in memory. Answers of the contract
// are far smaller; a larger one is a fault or an attack.
const maxBody = 64 << 20

// ErrBodyTooLarge says that an answer is larger than a client takes into memory.
var ErrBodyTooLarge = errors.New("core: the answer is larger than 64 MiB")

// payload is a body that is in memory and can be read again.
type payload struct {
	*bytes.Reader
	data []byte
}

func (*payload) Close() error { return nil }

// readBody is the policy that takes the whole answer, so that the retry policy
// above sees an answer that breaks off.
func readBody(req *Request) (*http.Response, error) {
	resp, err := req.Next()
	if err != nil {
		return nil, err
	}
	if req.stream && resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	if _, err := Payload(resp); err != nil {
		return nil, err
	}
	return resp, nil
}

// Payload returns the body of an answer and leaves it readable again. The
// bytes must not be changed.
func Payload(resp *http.Response) ([]byte, error) {
	if p, ok := resp.Body.(*payload); ok {
		if _, err := p.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("core: read the answer again: %w", err)
		}
		return p.data, nil
	}
	if resp.Body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	closeErr := resp.Body.Close()
	switch {
	case err != nil:
		return nil, fmt.Errorf("core: read the answer: %w", err)
	case len(data) > maxBody:
		return nil, NonRetriable(ErrBodyTooLarge)
	case closeErr != nil:
		return nil, fmt.Errorf("core: read the answer: %w", closeErr)
	}
	resp.Body = &payload{Reader: bytes.NewReader(data), data: data}
	return data, nil
}

// drop reads what little is left of an answer that nobody wants, so that its
// connection can be used again.
func drop(resp *http.Response) {
	if resp == nil || resp.Body == nil {
		return
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	_ = resp.Body.Close()
}
