package stack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres is a server in which tests make databases of their own.
type Postgres struct {
	URL  string // of its maintenance database
	From string // where it was found, for the log

	folder string // of a throw-away cluster; empty when the server is somebody else's
	server *exec.Cmd
	log    *Log
}

// OpenPostgres takes VESTIBULE_TEST_POSTGRES_URL if it is set, and else starts a throw-away cluster from the first
// binaries found on PATH, under /usr/lib/postgresql, or in e2e's node_modules. Close it.
func OpenPostgres(ctx context.Context) (*Postgres, error) {
	if given := os.Getenv("VESTIBULE_TEST_POSTGRES_URL"); given != "" {
		p := &Postgres{URL: given, From: "VESTIBULE_TEST_POSTGRES_URL"}
		return p, p.ping(ctx)
	}
	found, err := findBinaries()
	if err != nil {
		return nil, err
	}
	return openCluster(ctx, found, volatile)
}

// volatile is a cluster that keeps nothing over a power cut and is quick instead; durable is one as in production, with
// fsync and synchronous commits.
var (
	volatile = []string{"-F", "-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "max_connections=400", "-c", "shared_buffers=64MB"}
	durable  = []string{"-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "max_connections=200", "-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB"}
)

// OpenDurablePostgres starts a throw-away cluster with the durability of production, for measuring and for faults. It
// never takes somebody else's server: its processes are counted. Close it.
func OpenDurablePostgres(ctx context.Context) (*Postgres, error) {
	found, err := findBinaries()
	if err != nil {
		return nil, err
	}
	return openCluster(ctx, found, durable)
}

// OpenSmallPostgres is OpenDurablePostgres on a disk of some 100 MB: the cluster lives in a folder of it and keeps its log
// short.
func OpenSmallPostgres(ctx context.Context, disk string) (*Postgres, error) {
	found, err := findBinaries()
	if err != nil {
		return nil, err
	}
	p := &Postgres{From: found.from, folder: filepath.Join(disk, "cluster"), log: &Log{}}
	if err := os.Mkdir(p.folder, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	small := append(slices.Clone(durable[:len(durable)-2]), "-c", "min_wal_size=4MB", "-c", "max_wal_size=8MB")
	if err := p.startCluster(ctx, found, small, "--wal-segsize=1"); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// PID is the process id of a cluster of ours, or 0.
func (p *Postgres) PID() int {
	if p.server == nil || p.server.Process == nil {
		return 0
	}
	return p.server.Process.Pid
}

func openCluster(ctx context.Context, found binaries, settings []string) (*Postgres, error) {
	folder, err := os.MkdirTemp("", "vestibule-pg-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	p := &Postgres{From: found.from, folder: folder, log: &Log{}}
	if err := p.startCluster(ctx, found, settings); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// startCluster makes a cluster, by initdb with the words of made as well, and starts it on a free loopback port.
func (p *Postgres) startCluster(ctx context.Context, b binaries, settings []string, made ...string) error {
	owner, err := clusterOwner(p.folder)
	if err != nil {
		return err
	}
	b = readableBy(b, owner, p.folder)
	data := filepath.Join(p.folder, "data")
	initdb := exec.CommandContext(ctx, b.initdb, append(made, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")...) //nolint:gosec // our own words
	initdb.SysProcAttr, initdb.Dir = owner, p.folder
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb (%s): %w: %s", b.from, err, bytes.TrimSpace(out))
	}
	port, err := FreePort()
	if err != nil {
		return err
	}
	words := append([]string{"-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", p.folder}, settings...)
	p.server = exec.Command(b.postgres, words...) //nolint:gosec // our own words
	p.server.SysProcAttr, p.server.Dir = owner, p.folder
	p.server.Stdout, p.server.Stderr = p.log, p.log
	if err := p.server.Start(); err != nil {
		return fmt.Errorf("start postgres (%s): %w", b.from, err)
	}
	p.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := Until(ctx, "PostgreSQL", func() bool { return p.ping(ctx) == nil }); err != nil {
		return fmt.Errorf("%w; it said: %s", err, p.log.Tail(5))
	}
	return nil
}

func (p *Postgres) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return fmt.Errorf("reach PostgreSQL (%s): %w", p.From, err)
	}
	return conn.Close(ctx)
}

// NewDatabase makes an empty database and returns its address.
func (p *Postgres) NewDatabase(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return "", fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	random := make([]byte, 6)
	_, _ = rand.Read(random) // never fails
	name := "vestibule_" + hex.EncodeToString(random)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	address, err := url.Parse(p.URL)
	if err != nil {
		return "", fmt.Errorf("read the address of PostgreSQL: %w", err)
	}
	address.Path = "/" + name
	return address.String(), nil
}

// Close stops a cluster of ours and removes it; somebody else's server is left alone.
func (p *Postgres) Close() {
	if p.server != nil && p.server.Process != nil {
		_ = p.server.Process.Signal(syscall.SIGQUIT) // immediate: there is nothing to keep
		_ = p.server.Wait()
	}
	if p.folder != "" {
		_ = os.RemoveAll(p.folder)
	}
}
