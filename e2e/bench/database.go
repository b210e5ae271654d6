package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
)

// database opens the place's database to write in it, which a measurement does only while the house is closed.
func (p *place) database() (*sql.DB, error) {
	if p.kind == postgres {
		return sql.Open("pgx", p.plan.Database)
	}
	file := (&url.URL{Path: p.plan.File()}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)&_pragma=cache_size(-262144)&_pragma=temp_store(2)")
	if err == nil {
		db.SetMaxOpenConns(1) // temporary tables are of one connection
	}
	return db, err
}

// write runs statements, separated by semicolons.
func (p *place) write(ctx context.Context, statements string) error {
	db, err := p.database()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, statements); err != nil {
		return fmt.Errorf("write into the %s database: %w", p.kind, err)
	}
	return nil
}
