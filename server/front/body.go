package front

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/parley-rtc/parley/internal/acswire"
)

const (
	// A body of this size at most gets its memory at once, a larger one as it
	// comes: a length that is only announced costs nothing.
	trustedLength = 64 << 10
	// slowestUpload is what a client must reach with a large body, in bytes a
	// second.
	slowestUpload = 64 << 10
	uploadGrace   = time.Minute
)

// BodyFile is a large body.
type BodyFile struct {
	io.ReadSeeker
	// Size is its length.
	Size int64

	file *os.File
	hash [sha256.Size]byte
}

// readBody reads the whole body and compares it with the hash that the
// request announces, which nobody may leave out who signs it. What is larger
// than acswire.MaxBuffered goes to a file, and only when the operation takes it.
func (x *exchange) readBody(request *Request) error {
	limit := request.Operation.MaxRequest
	if limit == 0 {
		limit = acswire.MaxBuffered
	}
	if x.r.ContentLength > limit {
		return x.tooLarge(limit)
	}
	if limit > acswire.MaxBuffered {
		// More than the server's own time for a request; the connection's
		// deadlines are set anew for the next one. Not every writer can.
		control, until := http.NewResponseController(x.w), time.Now().Add(uploadGrace+time.Duration(limit/slowestUpload)*time.Second)
		_ = control.SetReadDeadline(until)
		_ = control.SetWriteDeadline(until.Add(uploadGrace))
	}
	body := http.MaxBytesReader(x.w, x.r.Body, limit)
	var err error
	if request.Body, err = buffer(body, x.r.ContentLength); err != nil {
		return x.unreadable(err, limit)
	}
	if len(request.Body) > acswire.MaxBuffered {
		if request.BodyFile, err = x.spool(request.Body, body, limit); err != nil {
			return err
		}
		request.Body = nil
	}
	announced := x.r.Header.Get(acswire.HeaderContentHash)
	if announced == "" && request.Principal.Kind != PrincipalAccessKey {
		return nil
	}
	sum := request.bodyHash()
	if !hmac.Equal([]byte(announced), []byte(base64.StdEncoding.EncodeToString(sum[:]))) {
		return request.unauthorized("The x-ms-content-sha256 header does not match the body.")
	}
	return nil
}

// bodyHash returns the SHA-256 of the body.
func (r *Request) bodyHash() [sha256.Size]byte {
	if r.BodyFile != nil {
		return r.BodyFile.hash
	}
	return sha256.Sum256(r.Body)
}

// buffer reads what fits into memory, and one byte more when there is more.
func buffer(body io.Reader, length int64) ([]byte, error) {
	if length == 0 {
		return nil, nil
	}
	if length > 0 && length <= trustedLength {
		data := make([]byte, length)
		_, err := io.ReadFull(body, data)
		return data, err
	}
	return io.ReadAll(io.LimitReader(body, acswire.MaxBuffered+1))
}

// spool writes a body to a file: what was read already, then the rest.
func (x *exchange) spool(begun []byte, rest io.Reader, limit int64) (*BodyFile, error) {
	file, err := os.CreateTemp(x.front.options.TempDir, "body-*")
	if err != nil {
		return nil, fmt.Errorf("front: keep a body: %w", err)
	}
	b := &BodyFile{ReadSeeker: file, file: file}
	x.spooled = b
	hash := sha256.New()
	b.Size, err = io.Copy(io.MultiWriter(file, hash), io.MultiReader(bytes.NewReader(begun), rest))
	if err != nil {
		var written *os.PathError
		if errors.As(err, &written) {
			return nil, fmt.Errorf("front: keep a body: %w", err)
		}
		return nil, x.unreadable(err, limit)
	}
	hash.Sum(b.hash[:0])
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("front: keep a body: %w", err)
	}
	return b, nil
}

// remove deletes the file.
func (b *BodyFile) remove() error {
	return errors.Join(b.file.Close(), os.Remove(b.file.Name()))
}

func (x *exchange) tooLarge(limit int64) *Error {
	// What is still to come is not worth reading.
	x.w.Header().Set("Connection", "close")
	return &Error{
		Status: http.StatusRequestEntityTooLarge, Code: acswire.CodePayloadTooLarge,
		Message: fmt.Sprintf("The body is larger than %d bytes.", limit),
	}
}

func (x *exchange) unreadable(err error, limit int64) *Error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return x.tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.w.Header().Set("Connection", "close")
		return &Error{Status: http.StatusRequestTimeout, Code: acswire.CodeRequestTimeout, Message: "The body did not come in time."}
	}
	return badBody("The body could not be read.")
}

// checkType refuses a body that the operation does not take. One without a
// type passes: what it is shows when it is read.
func (r *Request) checkType() error {
	if r.Operation.Request == nil || len(r.Body) == 0 && r.BodyFile == nil {
		return nil
	}
	if coding := r.http.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return unsupportedType("The body must not be encoded.")
	}
	given, types := r.http.Header.Get(acswire.HeaderContentType), r.Operation.RequestTypes
	if given == "" || given == "application/json" && len(types) == 0 {
		return nil
	}
	media, params, err := mime.ParseMediaType(given)
	switch {
	case err != nil:
		return unsupportedType("The content type is not well-formed.")
	case len(types) > 0:
		if !slices.Contains(types, media) {
			return unsupportedType("The content type must be one of: " + strings.Join(types, ", ") + ".")
		}
		return nil
	case !isJSON(media):
		return unsupportedType("The content type must be application/json.")
	case params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
		return unsupportedType("The body must be UTF-8.")
	}
	return nil
}

func unsupportedType(message string) *Error {
	return &Error{Status: http.StatusUnsupportedMediaType, Code: acswire.CodeUnsupportedMediaType, Message: message}
}

// isJSON tells whether a media type is JSON or built on it (RFC 6839 3.1).
func isJSON(media string) bool {
	return media == "application/json" || media == "text/json" ||
		strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}
