// Command go checks the Go package for resource management that the official
// repository published at v46.3.0, unmodified, against a Parley service. It is
// a module of its own: that release is large, and nothing else wants it.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// config is what the runner says in the file that PARLEY_SDK names.
type config struct {
	ConnectionString string `json:"connectionString"`
	ARMEndpoint      string `json:"armEndpoint"`
	ARMToken         string `json:"armToken"`
	SubscriptionID   string `json:"subscriptionId"`
	Helper           string `json:"helper"`
}

// suite counts the checks.
type suite struct {
	config
	passed, failed int
}

func main() {
	s := &suite{}
	text, err := os.ReadFile(os.Getenv("PARLEY_SDK"))
	if err == nil {
		err = json.Unmarshal(text, &s.config)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s.resourceManager()
	fmt.Printf("suite: %d passed, %d failed\n", s.passed, s.failed)
	if s.failed > 0 {
		os.Exit(1)
	}
}

// check runs one check and prints its line.
func (s *suite) check(name string, run func() error) {
	if err := run(); err != nil {
		s.failed++
		fmt.Printf("FAIL arm: %s: %v\n", name, err)
		return
	}
	s.passed++
	fmt.Println("ok   arm:", name)
}

// same says how two values differ.
func same[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

// helper asks the runner to do what the package cannot.
func (s *suite) helper(path string, body map[string]any, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	resp, err := http.Post(s.Helper+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, err = io.ReadAll(resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("helper %s: %s", path, text)
	}
	return json.Unmarshal(text, answer)
}

// user makes a user with a connection string and returns its id.
func (s *suite) user(connectionString *string) (string, error) {
	if connectionString == nil {
		return "", errors.New("no connection string")
	}
	var answer struct {
		Status int    `json:"status"`
		ID     string `json:"id"`
	}
	if err := s.helper("/user", map[string]any{"connectionString": *connectionString}, &answer); err != nil {
		return "", err
	}
	if answer.Status != http.StatusCreated {
		return "", refusal{answer.Status}
	}
	return answer.ID, nil
}

// refusal is the status that a connection string was refused with.
type refusal struct{ status int }

func (r refusal) Error() string { return fmt.Sprintf("status %d", r.status) }
