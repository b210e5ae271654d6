package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// How a cluster is stopped (PostgreSQL manual §19.5).
const (
	Fast      = syscall.SIGINT  // ends sessions, writes everything down
	Immediate = syscall.SIGQUIT // as a crash: what was written is found again from the log
)

// Stop ends a cluster of ours, and waits until it has ended. Begin begins it again.
func (p *Postgres) Stop(how syscall.Signal) error {
	if p.PID() == 0 {
		return errors.New("only a throw-away cluster can be stopped")
	}
	if err := p.server.Process.Signal(how); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	_ = p.server.Wait() // how it ended does not matter
	return nil
}

// Begin starts a stopped cluster at the same address and returns at once; see Accepts.
func (p *Postgres) Begin() error {
	again := exec.Command(p.server.Path, p.server.Args[1:]...) //nolint:gosec // as before
	again.SysProcAttr, again.Dir, again.Stdout, again.Stderr = p.server.SysProcAttr, p.server.Dir, p.log, p.log
	if err := again.Start(); err != nil {
		return fmt.Errorf("start postgres again: %w", err)
	}
	p.server = again
	return nil
}

// Accepts waits, at most 60 seconds, until the cluster takes connections, and says since when.
func (p *Postgres) Accepts(ctx context.Context) (since time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = Until(ctx, "PostgreSQL", func() bool { return p.ping(ctx) == nil })
	return time.Now(), err
}

// Processes are the process ids of a cluster of ours, its first one first.
func (p *Postgres) Processes() ([]int, error) {
	children, err := childrenOf(p.PID())
	return append([]int{p.PID()}, children...), err
}

// Signal sends a signal to every process of a cluster of ours: SIGSTOP makes it hang, SIGCONT go on.
func (p *Postgres) Signal(s syscall.Signal) error {
	all, err := p.Processes()
	if err != nil {
		return err
	}
	for _, pid := range all {
		if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal a process of PostgreSQL: %w", err)
		}
	}
	return nil
}

// ours are the connections of houses to a database, and nobody else's.
const ours = " FROM pg_stat_activity WHERE datname = $1 AND application_name = 'vestibule'"

// Backends are the process ids of a house's connections to a database; one that only listens comes last.
func (p *Postgres) Backends(ctx context.Context, database string) (pids []int, err error) {
	conn, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return nil, fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, "SELECT pid"+ours+" ORDER BY query LIKE 'LISTEN%', backend_start", database)
	if err != nil {
		return nil, fmt.Errorf("list backends: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// Terminate ends every connection of a house to a database, as an administrator would.
func (p *Postgres) Terminate(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid)"+ours, database)
	return err
}

// childrenOf lists the processes that a process has started.
func childrenOf(parent int) (pids []int, err error) {
	found, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(found) == 0 {
		return nil, errors.New("processes are found through /proc, which is not here: this needs Linux")
	}
	for _, path := range found {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		text := string(raw)
		after := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // proc(5): state, then the parent
		if len(after) > 1 && after[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// Copy makes a database that is like another one of this cluster, to which nobody may be connected, and returns its
// address.
func (p *Postgres) Copy(ctx context.Context, from string) (string, error) {
	address, err := p.NewDatabase(ctx)
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return "", fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	name := pgx.Identifier{address[strings.LastIndexByte(address, '/')+1:]}
	if cut := strings.IndexByte(name[0], '?'); cut >= 0 {
		name[0] = name[0][:cut]
	}
	for _, statement := range []string{"DROP DATABASE " + name.Sanitize(), "CREATE DATABASE " + name.Sanitize() + " TEMPLATE " + pgx.Identifier{from}.Sanitize()} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return "", fmt.Errorf("copy a database: %w", err)
		}
	}
	return address, nil
}
