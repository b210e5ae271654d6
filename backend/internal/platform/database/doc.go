// Package database keeps the state of the house in SQLite (one process, a file) or PostgreSQL (any number of replicas),
// behind one door.
//
//   - InTx is the only way to write and the only way to open a transaction. tx.Now is the one instant of the act,
//     AfterCommit runs what must happen only if it lasted.
//   - Read gives a handle for reading; on SQLite it comes from a pool that cannot write.
//   - Migrate brings the schema forward from goose files that both dialects share; see expand.go for their type words.
//
// Both dialects keep time as UTC with microseconds: timestamptz on PostgreSQL, text of one fixed width on SQLite
// ("2026-03-01T09:00:00.000000Z"), so that it sorts, compares and can be read by people. Models use time.Time.
//
// Errors that mean "the database is away" (down, read-only, full, too slow, too many connections) become
// ErrUnavailable, whatever the dialect; the house answers 503 and recovers by itself when the database is back.
//
// What only SQLite says: one process per file, held by a lock beside it; one writer at a time, served in the order of
// asking. Nothing else in the house may assume that it is alone.
//
// Neighbours: clock (the instant), fault (ErrUnavailable). GORM is used here and in the rooms' store.go only; no
// associations, hooks or AutoMigrate.
package database
