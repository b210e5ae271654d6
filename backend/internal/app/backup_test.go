package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/operation"
	"github.com/vestibule-id/vestibule/backend/internal/platform/backup"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// backedUp is a house with a story behind it, and its backup. Two mails wait to be sent.
func backedUp(t *testing.T, dialect database.Dialect) (h *testHouse, jonas *browser, file string) {
	t.Helper()
	h = openHouse(t, dialect)
	h.sends(h.browser(), "maria@fabrikam.de")
	jonas = h.as("j.becker@contoso.com")
	jonas.POST("/api/v1/approvals/"+jonas.GET("/api/v1/approvals?state=waiting").field("data.0.id")+"/decision", `{"decision":"approve"}`).status(200)
	h.mails()
	h.clk.Advance(15 * time.Minute)
	require.NoError(t, h.Audit.SealSettled(t.Context(), func(audit.Seal) {}))
	h.sends(h.browser(), "anna@fabrikam.de") // letters wait
	lukas := h.browser()
	id := lukas.POST("/api/v1/signups", `{"flow":"supplier"}`).status(201).field("id")
	lukas.POST("/api/v1/signups/"+id+"/email", `{"email":"lukas@northwind.test"}`).status(202) // and a code
	file = filepath.Join(t.TempDir(), "house.tar")
	made, err := h.Backup(t.Context(), file, nil)
	require.NoError(t, err)
	require.Equal(t, string(dialect), made.Dialect)
	return h, jonas, file
}

// restore loads file into a fresh database, and opens a house on it whose doors are those of a test.
func restore(t *testing.T, file string, to database.Dialect, more ...string) (*testHouse, *Restored) {
	t.Helper()
	clk := clock.NewFake(dbtest.Start.Add(time.Hour))
	cfg := settings(t, dbtest.EmptyURL(t, to), more...)
	done, err := Restore(t.Context(), Restoration{Config: cfg, Logger: slog.New(slog.DiscardHandler), Clock: clk, Version: "test", Path: file})
	require.NoError(t, err)
	built, err := Build(t.Context(), Options{Config: cfg, Logger: slog.New(slog.DiscardHandler), Version: "test", Clock: clk})
	require.NoError(t, err)
	t.Cleanup(built.Close)
	require.NoError(t, built.Migrate(t.Context()))
	h := &testHouse{House: built, t: t, clk: clk, read: map[string]bool{}}
	ready := &readiness{}
	ready.set(nil)
	h.engine, err = built.router(web.NewHealth(clk), ready)
	require.NoError(t, err)
	h.events()
	return h, done
}

// contents are all rows of a house that a backup keeps, by table, as JSON in the order of their ids.
func contents(t *testing.T, h *testHouse, but ...string) map[string][]map[string]any {
	t.Helper()
	file := filepath.Join(t.TempDir(), "contents.tar")
	m, err := h.Backup(t.Context(), file, nil)
	require.NoError(t, err)
	out := map[string][]map[string]any{}
	columns := map[string][]backup.Column{}
	for _, table := range m.Tables {
		columns[table.Name] = table.Columns
	}
	raw, err := os.Open(file)
	require.NoError(t, err)
	defer func() { _ = raw.Close() }()
	for archive := tar.NewReader(raw); ; {
		entry, err := archive.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		table, isPart := strings.CutPrefix(filepath.Dir(entry.Name), "data/")
		if !isPart {
			continue
		}
		for _, line := range lines(t, archive) {
			row := map[string]any{}
			for i, c := range columns[table] {
				row[c.Name] = line[i]
				if text, ok := line[i].(string); ok && (strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")) { // PostgreSQL writes JSON its own way
					var v any
					require.NoError(t, json.Unmarshal([]byte(text), &v))
					row[c.Name] = v
				}
			}
			for _, column := range but {
				delete(row, column)
			}
			out[table] = append(out[table], row)
		}
	}
	return out
}

// TestRestoreDrill is security.md R18 and R19: a backup that was made while the house was open, in every direction between
// the databases, gives a working portal with every row, and history does not play again.
func TestRestoreDrill(t *testing.T) {
	t.Parallel()
	for _, from := range []database.Dialect{database.SQLite, database.Postgres} {
		for _, to := range []database.Dialect{database.SQLite, database.Postgres} {
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				t.Parallel()
				old, jonas, file := backedUp(t, from)
				restored, done := restore(t, file, to)

				before, after := contents(t, old), contents(t, restored)
				for _, table := range []string{"directory_users", "directory_grants", "directory_apps", "flow_versions", "requests", "approval_decisions", "approval_assignments"} {
					require.ElementsMatch(t, before[table], after[table], table)
					require.NotEmpty(t, after[table], table)
				}
				require.Subset(t, names(after["audit_events"]), names(before["audit_events"]))
				sealed, err := restored.Audit.Verify(t.Context(), audit.Noted{})
				require.NoError(t, err)
				require.Empty(t, sealed.Breaks, "events read the same on both databases")
				require.NotZero(t, sealed.Events)

				// Nothing of before is alive.
				jonas.testHouse = restored
				jonas.GET("/api/v1/me").problem(401, "not_signed_in")
				for _, table := range []string{"identity_sessions", "identity_codes", "identity_signins", "approval_links"} {
					require.Zero(t, restored.count(table), table)
				}
				for _, s := range before["signups"] {
					require.NotContains(t, hashes(after["signups"]), s["token_hash"])
				}
				// Nothing leaves by itself, and what was waiting is listed for a person.
				require.Empty(t, restored.mails(), "old mails are held")
				require.Equal(t, int64(2), done.Held)
				require.Equal(t, 2, restored.count("jobs WHERE state = 'dead' AND kind = 'mail'"))
				require.Zero(t, restored.count("mails WHERE state IN ('queued', 'retrying')"))

				// The portal works: sign in, find the guest, decide what waits, let a held mail go.
				jonas = restored.as("j.becker@contoso.com")
				require.Contains(t, jonas.GET("/api/v1/approvals?state=waiting").status(200).Body.String(), "anna@fabrikam.de")
				restored.as("maria@fabrikam.de").GET("/api/v1/me/apps").status(200)
				require.Contains(t, restored.as("i.vogel@contoso.com").GET("/api/v1/guests?search=lindqvist").status(200).Body.String(), "maria@fabrikam.de", "the search index is there")
				restored.sends(restored.browser(), "lukas@northwind.test")
				restored.mails()
				omar := restored.as("o.haddad@contoso.com")
				omar.POST("/api/v1/jobs/"+omar.GET("/api/v1/jobs?limit=1").field("data.0.id")+"/retry", "").status(204)
				require.Len(t, restored.mails(), 1)
			})
		}
	}
}

func names(rows []map[string]any) (out []string) {
	for _, r := range rows {
		if r["name"] != "operation.backed_up" { // written after the moment that is backed up
			out = append(out, r["id"].(string))
		}
	}
	return out
}

func hashes(rows []map[string]any) (out []any) {
	for _, r := range rows {
		out = append(out, r["token_hash"])
	}
	return out
}

// TestBackup_HoldsNoSecrets (T104): no session, code, link or key of the house is in the file, in any encoding it has.
func TestBackup_HoldsNoSecrets(t *testing.T) {
	t.Parallel()
	h, jonas, file := backedUp(t, database.SQLite)
	var all bytes.Buffer
	raw, err := os.Open(file)
	require.NoError(t, err)
	defer func() { _ = raw.Close() }()
	for archive := tar.NewReader(raw); ; {
		entry, err := archive.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if strings.HasPrefix(entry.Name, "data/") {
			require.NoError(t, json.NewEncoder(&all).Encode(lines(t, archive)))
			continue
		}
		_, err = io.Copy(&all, archive)
		require.NoError(t, err)
	}
	secrets := []string{h.Config.SecretKey.Reveal(), "kJ8s2Lq9"}
	for name, value := range jonas.cookies {
		if strings.Contains(name, "session") {
			secrets = append(secrets, value)
		}
	}
	require.GreaterOrEqual(t, len(secrets), 3)
	for _, s := range secrets {
		require.False(t, strings.Contains(all.String(), s))
	}
	for _, table := range neverBackedUp {
		require.False(t, strings.Contains(all.String(), `"name": "`+table+`"`), table)
	}
	require.True(t, strings.Contains(all.String(), "maria@fabrikam.de"), "people are in it: say so in docs/backup.md")
}

// TestRestore_Refuses: what does not fit is refused with its remedy, and nothing was written.
func TestRestore_Refuses(t *testing.T) {
	t.Parallel()
	_, _, good := backedUp(t, database.SQLite)
	whole, err := os.ReadFile(good)
	require.NoError(t, err)
	written := func(t *testing.T, content []byte) string {
		path := filepath.Join(t.TempDir(), "b.tar")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	flipped := func(at int) []byte {
		c := bytes.Clone(whole)
		c[at] ^= 1
		return c
	}
	for _, tc := range []struct {
		name    string
		content []byte
		more    []string // settings
		want    error
		remedy  string
	}{
		{"a letter that somebody took for a backup", []byte("Dear operator,\n"), nil, backup.ErrNotBackup, "backup create"},
		{"an empty file", nil, nil, backup.ErrNotBackup, "backup create"},
		{"the copy stopped half-way", whole[:len(whole)/2], nil, backup.ErrCut, "Copy it again"},
		{"the copy stopped at the last block", whole[:len(whole)-512], nil, backup.ErrCut, "Copy it again"},
		{"one bit of a row fell over", flipped(bytes.Index(whole, []byte("data/directory_users/")) + 600), nil, backup.ErrAltered, "Copy it again"},
		{"one bit of the manifest fell over", flipped(bytes.Index(whole, []byte(`"keyFingerprint"`)) + 2), nil, backup.ErrOtherKey, "secret.key"},
		{"somebody has written another count", bytes.Replace(whole, []byte(`"program": "test"`), []byte(`"program": "tset"`), 1), nil, backup.ErrAltered, "Copy it again"},
		{"something was put behind it", append(bytes.Clone(whole), "more"...), nil, backup.ErrAltered, "Copy it again"},
		{"a format of the future", bytes.Replace(whole, []byte("1\n"), []byte("9\n"), 1), nil, backup.ErrNewer, "that version"},
		{"another house's key", whole, []string{"VESTIBULE_SECRET_KEY=Zq4Lw8s2Xk9Jr7Tn1Vb6Ym3Pc5Hd0Gf2"}, backup.ErrOtherKey, "put the key of the portal"},
		{"no key at all", whole, []string{"VESTIBULE_SECRET_KEY="}, backup.ErrOtherKey, "put the key of the portal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cfg := settings(t, "sqlite://"+dir+"/new.db", append([]string{"VESTIBULE_DATA_DIR=" + dir}, tc.more...)...)
			_, err := Restore(t.Context(), Restoration{Config: cfg, Logger: slog.New(slog.DiscardHandler), Version: "test", Path: written(t, tc.content)})
			require.ErrorIs(t, err, tc.want)
			require.Contains(t, err.Error(), tc.remedy)
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left, "nothing was written: no database, no key")
		})
	}
}

// TestRestore_NeverOverwrites a database that holds anything, nor one that a server has open.
func TestRestore_NeverOverwrites(t *testing.T) {
	t.Parallel()
	_, _, file := backedUp(t, database.SQLite)
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			url := dbtest.URL(t, dialect)
			cfg := settings(t, url)
			try := func() error {
				_, err := Restore(t.Context(), Restoration{Config: cfg, Logger: slog.New(slog.DiscardHandler), Version: "test", Path: file})
				return err
			}
			h, err := Build(t.Context(), Options{Config: cfg, Logger: slog.New(slog.DiscardHandler), Version: "test"})
			require.NoError(t, err)
			require.NoError(t, h.DB.InTx(t.Context(), func(tx *database.Tx) error {
				return operation.PutMark(tx, operation.Mark{Name: "mine", At: tx.Now})
			}))
			if dialect == database.SQLite {
				require.ErrorContains(t, try(), "another vestibule has")
			}
			h.Close()
			err = try()
			require.ErrorIs(t, err, backup.ErrNotEmpty)
			require.ErrorContains(t, err, "operation_marks")
			db := dbtest.Open(t, url, clock.System())
			mark, err := operation.FindMark(t.Context(), db, "mine")
			require.NoError(t, err)
			require.NotNil(t, mark, "what was there is there")
			var users int
			require.NoError(t, db.Read(t.Context()).Raw("SELECT count(*) FROM directory_users").Scan(&users).Error)
			require.Zero(t, users, "nothing was added")
		})
	}
}

// TestRestore_OfANewerSchema is refused by name, before the database is made.
func TestRestore_OfANewerSchema(t *testing.T) {
	t.Parallel()
	h, _, _ := backedUp(t, database.SQLite)
	require.NoError(t, h.DB.InTx(t.Context(), func(tx *database.Tx) error {
		return tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9001, TRUE)").Error
	}))
	file := filepath.Join(t.TempDir(), "future.tar")
	_, err := h.Backup(t.Context(), file, nil)
	require.NoError(t, err)
	dir := t.TempDir()
	_, err = Restore(t.Context(), Restoration{Config: settings(t, "sqlite://"+dir+"/new.db"), Logger: slog.New(slog.DiscardHandler), Path: file})
	require.ErrorIs(t, err, backup.ErrNewer)
	require.ErrorContains(t, err, "9001")
	require.NoFileExists(t, dir+"/new.db")
}

// TestRestore_Interrupted: a database with rows whose restore did not end is not served from.
func TestRestore_Interrupted(t *testing.T) {
	t.Parallel()
	h := openHouse(t, database.SQLite)
	require.NoError(t, h.DB.InTx(t.Context(), func(tx *database.Tx) error {
		return operation.PutMark(tx, operation.Mark{Name: operation.MarkUnfinished, At: tx.Now})
	}))
	require.ErrorIs(t, h.Migrate(t.Context()), ErrUnfinished)
}

// TestBackup_NeverOverwritesNorLeavesHalfAFile.
func TestBackup_NeverOverwritesNorLeavesHalfAFile(t *testing.T) {
	t.Parallel()
	h := openHouse(t, database.SQLite)
	dir := t.TempDir()
	old := filepath.Join(dir, "old.tar")
	require.NoError(t, os.WriteFile(old, []byte("dear"), 0o600))
	_, err := h.Backup(t.Context(), old, nil)
	require.ErrorContains(t, err, "never overwrites")
	kept, err := os.ReadFile(old)
	require.NoError(t, err)
	require.Equal(t, "dear", string(kept))

	stopped, stop := context.WithCancel(t.Context())
	_, err = h.Backup(stopped, filepath.Join(dir, "new.tar"), func(string, int64) { stop() })
	require.Error(t, err)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "only what was there before")

	_, err = h.Backup(t.Context(), filepath.Join(dir, "missing", "new.tar"), nil)
	require.ErrorContains(t, err, "cannot be written")

	_, err = h.Backup(t.Context(), filepath.Join(dir, "new.tar"), nil)
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(dir, "new.tar"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	mark, err := operation.FindMark(t.Context(), h.DB, operation.MarkBackup)
	require.NoError(t, err)
	require.NotNil(t, mark)
}

func lines(t *testing.T, packed io.Reader) (out [][]any) {
	t.Helper()
	zip, err := gzip.NewReader(packed)
	require.NoError(t, err)
	decoder := json.NewDecoder(zip)
	for decoder.More() {
		var row []any
		require.NoError(t, decoder.Decode(&row))
		out = append(out, row)
	}
	return out
}
