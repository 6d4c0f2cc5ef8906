package store

import "database/sql"

// Querier reads. The queries use $1, $2, … for their arguments.
type Querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
	QueryRow(query string, args ...any) *sql.Row
}

// Tx is the writer's side of a transaction. It is valid only inside the
// function that was given it.
type Tx struct {
	on statements
}

// statements run inside the writer's transaction.
type statements interface {
	exec(query string, args ...any) (sql.Result, error)
	query(query string, args ...any) (*sql.Rows, error)
	queryRow(query string, args ...any) *sql.Row
}

// Exec runs a statement. The query text should be a constant: statements are
// kept prepared by their text.
func (t *Tx) Exec(query string, args ...any) (sql.Result, error) { return t.on.exec(query, args...) }

// Query runs a statement that returns rows. The caller closes them before the
// next statement.
func (t *Tx) Query(query string, args ...any) (*sql.Rows, error) { return t.on.query(query, args...) }

// QueryRow runs a statement that returns at most one row. The caller scans it
// before the next statement.
func (t *Tx) QueryRow(query string, args ...any) *sql.Row { return t.on.queryRow(query, args...) }
