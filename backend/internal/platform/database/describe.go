package database

import (
	"context"
	"strings"
	"time"
)

// Describe names the database's program and version, such as "PostgreSQL 17.2"; without the version while it is away.
func (db *DB) Describe(ctx context.Context) string {
	name, query := "SQLite", "SELECT sqlite_version()"
	if db.pg != nil {
		name, query = "PostgreSQL", "SELECT current_setting('server_version')"
	}
	var version string
	if err := db.Read(ctx).Raw(query).Scan(&version).Error; err != nil {
		return name
	}
	version, _, _ = strings.Cut(version, " ")
	return name + " " + version
}

// ClockOffset is how far the database's clock is ahead of ours; other is false where both are one (SQLite). It assumes that
// the answer took as long as the question.
func (db *DB) ClockOffset(ctx context.Context) (ahead time.Duration, other bool, err error) {
	if db.pg == nil {
		return 0, false, nil
	}
	asked := db.clock.Now()
	var theirs time.Time
	if err := db.pg.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&theirs); err != nil {
		return 0, true, db.mapped(ctx, err)
	}
	return theirs.Sub(asked.Add(db.clock.Now().Sub(asked) / 2)), true, nil
}
