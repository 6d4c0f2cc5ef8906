package store

// EndTransaction ends the transaction of a write in SQLite, as a failure to
// read from the disk does, without anybody noticing.
func EndTransaction(tx *Tx) error { return tx.on.(*sqliteWriter).control("ROLLBACK") }
