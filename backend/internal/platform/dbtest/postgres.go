package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/vestibule-id/vestibule/backend/migrations"
)

// EnvPostgres names a running server to use: a superuser's address.
const EnvPostgres = "VESTIBULE_TEST_POSTGRES_URL"

const (
	serverLimit = 30 * time.Second // for making a template or a clone, on a busy machine
	// templateLock keeps two processes from making the same template; any fixed number of ours.
	templateLock = 7_384_113
)

// Server is a PostgreSQL server for tests.
type Server struct {
	// URL is a superuser's address of its maintenance database.
	URL string
}

var findServer = sync.OnceValues(func() (*Server, error) {
	if given := os.Getenv(EnvPostgres); given != "" {
		return &Server{URL: given}, nil
	}
	return sharedCluster()
})

// Cluster finds or starts the server that the tests share.
func Cluster(t testing.TB) *Server {
	t.Helper()
	server, err := findServer()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// Database is the address of a database of this server.
func (s *Server) Database(name string) string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return s.URL
	}
	u.Path = "/" + name
	return u.String()
}

var migratedTemplate struct {
	once sync.Once
	name string
	err  error
}

// template is the name of a migrated database to clone, made once per server and schema.
func template(t testing.TB, s *Server) string {
	t.Helper()
	m := &migratedTemplate
	m.once.Do(func() { m.name, m.err = s.makeTemplate() })
	if m.err != nil {
		t.Fatalf("migrate the PostgreSQL template: %v", m.err)
	}
	return m.name
}

func (s *Server) makeTemplate() (string, error) {
	hash, err := schemaHash()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), serverLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return "", err
	}
	name := "vestibule_" + hash
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil || exists {
		return name, err
	}
	draft := name + "_draft"
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + draft, "CREATE DATABASE " + draft + " TEMPLATE template0"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return "", err
		}
	}
	if err := migrate(ctx, s.Database(draft)); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+draft+" RENAME TO "+name)
	return name, err
}

// schemaHash changes with every migration, so that an old template is never taken for a new one.
func schemaHash() (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(migrations.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(migrations.FS, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(hash, "%s %d\n%s", path, len(raw), raw)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil))[:12], err
}

var clones atomic.Int64

// clone makes a database for one test and drops it afterwards, whoever is still connected.
func (s *Server) clone(t testing.TB, from string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), clones.Add(1))
	if err := s.admin("CREATE DATABASE " + name + " TEMPLATE " + from); err != nil {
		t.Fatalf("make the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.admin("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Logf("the test's database %s stays behind: %v", name, err)
		}
	})
	return s.Database(name)
}

func (s *Server) admin(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), serverLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	if err != nil && strings.Contains(err.Error(), "already exists") { // an earlier process with our number left it
		name := strings.Fields(statement)[2]
		if _, err = conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err == nil {
			_, err = conn.Exec(ctx, statement)
		}
	}
	return err
}
