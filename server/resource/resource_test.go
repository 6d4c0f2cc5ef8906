package resource_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-rtc/parley/internal/testkit"
	"github.com/parley-rtc/parley/server/guid"
	"github.com/parley-rtc/parley/server/resource"
	"github.com/parley-rtc/parley/server/store"
)

func open(t *testing.T, path string) (*store.Store, *resource.Directory) {
	t.Helper()
	st, err := store.Open(context.Background(), store.Options{Path: path, URL: testkit.Database(t, path)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	d, err := resource.Open(context.Background(), resource.Options{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	return st, d
}

func TestOpen_KeepsTheDefaultResource(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	path := filepath.Join(t.TempDir(), "a.db")
	st, first := open(t, path)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	_, second := open(t, path)
	a, b := first.Default(), second.Default()
	if a.ID != b.ID || a.SubscriptionID != b.SubscriptionID || !bytes.Equal(a.PrimaryKey, b.PrimaryKey) || !bytes.Equal(a.SecondaryKey, b.SecondaryKey) {
		t.Error("the resource changed over a restart")
	}
	if a.Name != "local" || len(a.Keys()) != 2 || len(a.PrimaryKey) != 64 || bytes.Equal(a.PrimaryKey, a.SecondaryKey) {
		t.Errorf("resource %v", a)
	}
	if first.ByID(a.ID) != a || first.ByID(guid.New()) != nil {
		t.Error("not found by its id")
	}
	_, other := open(t, filepath.Join(t.TempDir(), "b.db"))
	if other.Default().ID == a.ID || bytes.Equal(other.Default().PrimaryKey, a.PrimaryKey) {
		t.Error("two services share a resource")
	}
}

func TestResource_KeysStayOutOfTexts(t *testing.T) {
	testkit.CheckLeaks(t, time.Minute)
	_, d := open(t, filepath.Join(t.TempDir(), "a.db"))
	r := d.Default()
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "resource", r)
	texts := log.String() + fmt.Sprintf("%v %+v %s", r, r, r)
	for _, key := range r.Keys() {
		for _, form := range []string{base64.StdEncoding.EncodeToString(key), fmt.Sprintf("%d", key), fmt.Sprintf("%x", key), string(key)} {
			if strings.Contains(texts, form) {
				t.Errorf("a key is in %s", texts)
			}
		}
	}
}
