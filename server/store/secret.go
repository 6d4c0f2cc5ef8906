package store

import (
	"context"
	"crypto/rand"
	"fmt"
)

// Secret returns the random bytes that are kept under a name, drawn the first
// time that anybody asks for it.
func (s *Store) Secret(ctx context.Context, name string, size int) ([]byte, error) {
	var value []byte
	err := s.Read(ctx, func(q Querier) error {
		return q.QueryRow("SELECT value FROM secrets WHERE name = $1", name).Scan(&value)
	})
	if err == nil {
		return value, nil
	}
	if !IsNotFound(err) {
		return nil, fmt.Errorf("store: secret %s: %w", name, err)
	}
	fresh := make([]byte, size)
	_, _ = rand.Read(fresh) // crypto/rand.Read never fails since Go 1.24
	err = s.Write(ctx, func(tx *Tx) error {
		if _, err := tx.Exec("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, fresh); err != nil {
			return err
		}
		return tx.QueryRow("SELECT value FROM secrets WHERE name = $1", name).Scan(&value)
	})
	if err != nil {
		return nil, fmt.Errorf("store: secret %s: %w", name, err)
	}
	return value, nil
}
