package testkit_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-rtc/parley/internal/testkit"
)

func one(t *testing.T, url, query string) string {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var value string
	if err := conn.QueryRow(context.Background(), query).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func makeObject(t *testing.T, url string) {
	t.Helper()
	one(t, url, "WITH x AS (SELECT lo_create(4711)) SELECT 'made' FROM x")
}

func TestPostgreSQL_DatabasesAreApart(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	a, b := testkit.PostgreSQL(t), testkit.PostgreSQL(t)
	makeObject(t, a)
	if got := one(t, b, "SELECT count(*)::text FROM pg_largeobject_metadata"); got != "0" {
		t.Errorf("%s objects of the other database", got)
	}
}

func TestStartPostgreSQL_SurvivesAKill(t *testing.T) {
	testkit.CheckLeaks(t, 2*time.Minute)
	server := testkit.StartPostgreSQL(t)
	url := server.Database(t)
	makeObject(t, url)
	server.Kill(t)
	server.Start(t)
	if got := one(t, url, "SELECT count(*)::text FROM pg_largeobject_metadata"); got != "1" {
		t.Errorf("%s objects after the kill", got)
	}
}
