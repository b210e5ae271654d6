package database

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// typeWords are the few words in which the two dialects differ.
var typeWords = map[Dialect]map[string]string{
	Postgres: {
		"id":    "TEXT",
		"text":  "TEXT",
		"key":   `TEXT COLLATE "C"`, // compared byte by byte, as SQLite does
		"json":  "JSONB",
		"time":  "TIMESTAMPTZ",
		"bytes": "BYTEA",
		"bool":  "BOOLEAN",
		"int":   "BIGINT",
		"bigid": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
	},
	SQLite: {
		"id":    "TEXT",
		"text":  "TEXT",
		"key":   "TEXT COLLATE BINARY",
		"json":  "TEXT",
		"time":  stampType,
		"bytes": "BLOB",
		"bool":  "BOOLEAN",
		"int":   "INTEGER",
		"bigid": "INTEGER PRIMARY KEY AUTOINCREMENT",
	},
}

var typeWord = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// expand writes one migration for one dialect: type words are replaced, and of the blocks
//
//	-- +postgres
//	…
//	-- +end
//
// (or -- +sqlite) only the dialect's own remain. Goose's own "-- +goose …" lines are left alone.
func expand(dialect Dialect, name string, sql []byte) ([]byte, error) {
	var out strings.Builder
	var block Dialect
	for i, line := range strings.SplitAfter(string(sql), "\n") {
		switch mark := strings.TrimSpace(line); mark {
		case "-- +postgres", "-- +sqlite":
			if block != "" {
				return nil, fmt.Errorf("%s:%d: %q inside a block of %s: end that first with -- +end", name, i+1, mark, block)
			}
			block = Dialect(strings.TrimPrefix(mark, "-- +"))
		case "-- +end":
			if block == "" {
				return nil, fmt.Errorf("%s:%d: -- +end without a block", name, i+1)
			}
			block = ""
		default:
			if block == "" || block == dialect {
				out.WriteString(line)
			}
		}
	}
	if block != "" {
		return nil, fmt.Errorf("%s: the block of %s has no -- +end", name, block)
	}
	var unknown error
	expanded := typeWord.ReplaceAllStringFunc(out.String(), func(word string) string {
		meaning, ok := typeWords[dialect][typeWord.FindStringSubmatch(word)[1]]
		if !ok {
			unknown = fmt.Errorf("%s: the type word %s is not one of %v", name, word, slices.Sorted(maps.Keys(typeWords[dialect])))
		}
		return meaning
	})
	return []byte(expanded), unknown
}

// expandedFS shows the migrations in base as they read for one dialect.
type expandedFS struct {
	base    fs.FS
	dialect Dialect
}

func (e expandedFS) Open(name string) (fs.File, error) {
	f, err := e.base.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	sql, err := expand(e.dialect, name, raw)
	if err != nil {
		return nil, err
	}
	return &expandedFile{Reader: bytes.NewReader(sql), info: info}, nil
}

func (e expandedFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(e.base, name) }

type expandedFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f *expandedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *expandedFile) Close() error               { return nil }
