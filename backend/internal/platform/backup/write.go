package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

// Source is what to back up.
type Source struct {
	DB       *database.DB
	Keys     secret.Keys
	ID       string
	MadeAt   time.Time
	Program  string   // version
	LeaveOut []string // tables
	// Told hears of every table that is done; may be nil.
	Told func(table string, rows int64)
}

// Write writes one consistent moment of the database to w, while others read and write. It holds a few MiB in memory.
func Write(ctx context.Context, s Source, w io.Writer) (*Manifest, error) {
	conn, done, err := s.DB.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	schema, err := s.DB.SchemaVersion(ctx)
	if err != nil {
		return nil, err
	}
	if schema == 0 {
		return nil, fmt.Errorf("the database has no schema yet: there is nothing to back up. Start `vestibule serve` once")
	}
	b := &writer{Source: s, tar: tar.NewWriter(w), manifest: Manifest{
		Format: Format, ID: s.ID, MadeAt: s.MadeAt.UTC(), Program: s.Program, Dialect: string(s.DB.Dialect()), Schema: schema,
		Fingerprint: Fingerprint(s.Keys), LeftOut: s.LeaveOut,
	}}
	if err := b.entry(nameHeader, fmt.Appendf(nil, "%d\n", Format)); err != nil {
		return nil, err
	}
	if b.manifest.Tables, err = tablesOf(ctx, conn, s.DB.Dialect(), s.LeaveOut); err != nil {
		return nil, err
	}
	for i := range b.manifest.Tables {
		if err := b.table(ctx, conn, &b.manifest.Tables[i]); err != nil {
			return nil, fmt.Errorf("back up %s: %w", b.manifest.Tables[i].Name, err)
		}
	}
	return &b.manifest, b.finish()
}

type writer struct {
	Source
	tar      *tar.Writer
	manifest Manifest
}

func (b *writer) entry(name string, content []byte) error {
	h := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: b.MadeAt.UTC().Truncate(time.Second), Format: tar.FormatUSTAR}
	if err := b.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	if _, err := b.tar.Write(content); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

// finish writes the manifest, its seal and the tar file's end.
func (b *writer) finish() error {
	raw, err := json.MarshalIndent(b.manifest, "", " ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if err := b.entry(nameManifest, raw); err != nil {
		return err
	}
	if err := b.entry(nameMAC, []byte(hex.EncodeToString(seal(b.Keys, raw))+"\n")); err != nil {
		return err
	}
	if err := b.tar.Close(); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

// table writes all rows, part by part.
func (b *writer) table(ctx context.Context, conn *sql.Conn, t *Table) error {
	rows, err := conn.QueryContext(ctx, "SELECT "+listed(t.Columns, b.DB.Dialect() == database.Postgres)+` FROM "`+t.Name+`"`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	p := newPart()
	values, into := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		into[i] = &values[i]
	}
	for number := 1; ; {
		more := rows.Next()
		if more {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if err := p.add(t.Columns, values); err != nil {
				return err
			}
		}
		if p.rows > 0 && (!more || p.rows >= partRows || p.size >= partBytes) {
			if err := b.part(t, p, number); err != nil {
				return err
			}
			p, number = newPart(), number+1
		}
		if !more {
			break
		}
	}
	if b.Told != nil {
		b.Told(t.Name, t.Rows)
	}
	return rows.Err()
}

func (b *writer) part(t *Table, p *part, number int) error {
	packed, err := p.close()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(packed)
	name := fmt.Sprintf("data/%s/%05d.jsonl.gz", t.Name, number)
	b.manifest.Parts = append(b.manifest.Parts, Part{Name: name, Table: t.Name, Rows: p.rows, SHA256: hex.EncodeToString(sum[:])})
	t.Rows += p.rows
	return b.entry(name, packed)
}

// part gathers rows in memory.
type part struct {
	rows, size int64
	packed     bytes.Buffer
	zip        *gzip.Writer
}

func newPart() *part {
	p := &part{}
	p.zip = gzip.NewWriter(&p.packed)
	return p
}

func (p *part) add(columns []Column, values []any) error {
	row := make([]any, len(values))
	for i, v := range values {
		var err error
		if row[i], err = plain(columns[i].Kind, v); err != nil {
			return fmt.Errorf("column %s: %w", columns[i].Name, err)
		}
	}
	line, err := json.Marshal(row)
	if err != nil {
		return err
	}
	p.rows++
	p.size += int64(len(line)) + 1
	_, err = p.zip.Write(append(line, '\n'))
	return err
}

func (p *part) close() ([]byte, error) {
	err := p.zip.Close()
	return p.packed.Bytes(), err
}
