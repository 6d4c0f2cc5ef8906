// Package store keeps what the service must not lose, in SQL: SQLite in one
// file, or PostgreSQL for services of many nodes. The schema, the queries and
// what they promise are the same.
//
// One goroutine writes: it groups everything that waits into one durable
// transaction, so that a thousand small writes cost a few disk flushes. Write
// returns after the flush; Post returns at once. Several connections read at
// the same time. Every transaction is serializable, also among the nodes of a
// cluster: a function may look and then write what follows from it.
//
//	st, err := store.Open(ctx, store.Options{Path: "parley.db"})
//	err = st.Write(ctx, func(tx *store.Tx) error {
//		_, err := tx.Exec("UPDATE … WHERE state = $1", …)
//		return err
//	})
//	st.Close()
//
// A function given to Write or Post may run more than once: another node was
// faster, the connection broke, or another member of the group failed. It must
// change nothing but the database and what it assigns its results to; a slice
// that it appends to starts inside of it.
//
// # Queries for both
//
// What holds for PostgreSQL holds for SQLite too, not the other way round:
//
//   - Types are BIGINT, TEXT and BLOB; texts compare and sort by their bytes
//     and hold no NUL character. Go values have the column's type: int64, not
//     bool; []byte, not string, for BLOB. A comparison is scanned into a bool.
//   - An argument whose type does not follow from a column beside it says it:
//     CAST($1 AS BIGINT). That is so in INSERT … SELECT $1, in SELECT $1, and in
//     $1 > 0, where a literal makes it 32 bits wide. One argument has one type
//     in all its places.
//   - One statement a call. Rows are closed, and a row is scanned, before the
//     next statement.
//   - No rowid, no LastInsertId: RETURNING. LOWER(x) = LOWER($1), as LIKE minds
//     the case. COALESCE, not IFNULL. LIMIT takes no negative number. Every
//     SELECT that is not grouped names what it sorts by.
package store
