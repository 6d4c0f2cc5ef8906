// Package store keeps what the service must not lose, in SQL. The embedded
// database is SQLite in one file; the queries and the schema are such that
// PostgreSQL can take their place.
//
// One goroutine writes: it groups everything that waits into one durable
// transaction, so that a thousand small writes cost a few disk flushes. Write
// returns after the flush; Post returns at once. Several connections read at
// the same time.
//
//	st, err := store.Open(ctx, store.Options{Path: "parley.db"})
//	err = st.Write(ctx, func(tx *store.Tx) error {
//		_, err := tx.Exec("UPDATE … WHERE state = $1", …)
//		return err
//	})
//	st.Close()
//
// A function given to Write or Post may run more than once and must change
// nothing but the database and what it assigns its results to.
package store
