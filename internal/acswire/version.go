package acswire

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"time"
)

// ErrInvalidVersion says that a text is not an api-version.
var ErrInvalidVersion = errors.New("acswire: invalid api-version")

// Version is an api-version: a date, and the name of a preview if it is one.
// The zero value is no version.
type Version struct {
	date    string
	preview int // 0 stable, n is preview n-1, so that "preview" sorts before "preview1"
}

// ParseVersion reads "2023-10-01", "2025-03-02-preview" or "2020-07-20-preview2".
// Its error is ErrInvalidVersion.
func ParseVersion(s string) (Version, error) {
	if len(s) < len(time.DateOnly) || len(s) > 32 {
		return Version{}, ErrInvalidVersion
	}
	date, suffix := s[:len(time.DateOnly)], s[len(time.DateOnly):]
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return Version{}, ErrInvalidVersion
	}
	if suffix == "" {
		return Version{date: date}, nil
	}
	number, ok := strings.CutPrefix(strings.ToLower(suffix), "-preview")
	if !ok {
		return Version{}, ErrInvalidVersion
	}
	if number == "" {
		return Version{date: date, preview: 1}, nil
	}
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil || number[0] == '0' {
		return Version{}, ErrInvalidVersion
	}
	return Version{date: date, preview: int(n) + 1}, nil
}

// String returns the version as it stands in a query.
func (v Version) String() string {
	switch v.preview {
	case 0:
		return v.date
	case 1:
		return v.date + "-preview"
	default:
		return v.date + "-preview" + strconv.Itoa(v.preview-1)
	}
}

// Compare orders versions by date; the previews of a date come before its
// stable version.
func (v Version) Compare(other Version) int {
	if c := strings.Compare(v.date, other.date); c != 0 {
		return c
	}
	return cmp.Compare(v.rank(), other.rank())
}

func (v Version) rank() int {
	if v.preview == 0 {
		return 1 << 16
	}
	return v.preview
}

// IsZero tells whether it is no version.
func (v Version) IsZero() bool { return v == Version{} }

// IsPreview tells whether it is a preview.
func (v Version) IsPreview() bool { return v.preview > 0 }

// stable and preview write versions of the tables; preview's n is the number
// behind the word, 0 for none.
func stable(date string) Version { return Version{date: date} }

func preview(date string, n int) Version { return Version{date: date, preview: n + 1} }

// VersionTokenLifetime is the first api-version in which a caller may say how
// long a token lives.
func VersionTokenLifetime() Version { return stable("2022-10-01") }

// VersionCustomID is the first api-version in which an identity may carry a
// custom id.
func VersionCustomID() Version { return preview("2025-03-02", 0) }

// VersionChatMetadata is the first contract with metadata of messages.
func VersionChatMetadata() Version { return stable("2021-09-07") }

// VersionChatAttachments is the first contract with attachments of messages.
func VersionChatAttachments() Version { return stable("2023-11-07") }

// VersionChatProperties is the first contract with metadata and retention
// policies of threads.
func VersionChatProperties() Version { return preview("2024-06-05", 0) }

// VersionChatErrors is the first contract of chat whose errors have the form of
// the other areas. The service was recorded up to the one before.
func VersionChatErrors() Version { return preview("2024-06-05", 0) }

// VersionChatFirst is the first contract of chat, with forms of its own.
func VersionChatFirst() Version { return preview("2020-09-21", 2) }
