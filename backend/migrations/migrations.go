package migrations

import "embed"

// FS holds the files, for database.Migrate.
//
//go:embed *.sql
var FS embed.FS
