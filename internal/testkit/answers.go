package testkit

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-rtc/parley/internal/contract"
)

// CheckContract holds what a service recorded, its answers, against the
// specifications. Without these it does nothing: scripts/contract-checks says
// so.
func CheckContract(t testing.TB, recording io.Reader) {
	t.Helper()
	root := Specifications()
	if root == "" {
		return
	}
	result, err := contract.CheckRecording(root, recording)
	if err != nil {
		t.Error(err)
		return
	}
	for _, problem := range result.Problems {
		t.Error(problem)
	}
	t.Logf("%d kinds of answers hold against the specifications, %d more are in none", len(result.Checked), len(result.Unspecified))
}

// tokenShape is that of a JSON Web Token.
var tokenShape = regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}`)

// HasSecret tells whether a log holds one of a service's secrets, or anything
// that looks like a token. Empty secrets do not count.
func HasSecret(log string, secrets ...string) bool {
	for _, secret := range secrets {
		if secret != "" && strings.Contains(log, secret) {
			return true
		}
	}
	return tokenShape.MatchString(log)
}
