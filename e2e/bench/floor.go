package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// pace is what a floor came to: how many a second, and what one cost.
type pace struct {
	PerSecond float64       `json:"perSecond"`
	CPU       time.Duration `json:"cpu"` // of one
}

func sqlFile(name string) string { return filepath.Join(stack.Root(), "e2e", "bench", "sql", name) }

// floorOf is the least that a sign-up can cost on this machine now: its two rows and their commit, at 8 clients.
func (b *bench) floorOf(ctx context.Context, kind string) (pace, error) {
	if kind == sqlite {
		return b.child(ctx, "sqlite", strconv.Itoa(b.pick(3000, 1500)))
	}
	return b.pgbench(ctx)
}

// pgbench runs the script of the floor in a database of its own, in fresh tables.
func (b *bench) pgbench(ctx context.Context) (p pace, err error) {
	if b.floorURL == "" {
		if b.floorURL, err = b.postgres.NewDatabase(ctx); err != nil {
			return p, err
		}
	}
	db, err := sql.Open("pgx", b.floorURL)
	if err != nil {
		return p, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	schema, err := os.ReadFile(sqlFile("floor-schema.sql"))
	if err != nil {
		return p, err
	}
	if _, err := db.ExecContext(ctx, string(schema)); err != nil {
		return p, fmt.Errorf("make the floor's tables: %w", err)
	}
	if _, err := db.ExecContext(ctx, "CHECKPOINT"); err != nil {
		return p, err
	}
	server := process{pid: b.postgres.PID(), tree: true}
	before, err := server.cpu()
	if err != nil {
		return p, err
	}
	run := b.pgbenchRun
	if tool := pgbenchTool(); tool == "" {
		run = b.pgbenchOurs
	}
	done, perSecond, err := run(ctx)
	if err != nil {
		return p, err
	}
	if err := alone(ctx, db); err != nil {
		return p, err
	}
	after, err := server.cpu()
	return pace{PerSecond: perSecond, CPU: (after - before) / time.Duration(max(done, 1))}, err
}

// alone waits until nobody else is connected to the database: the time of a backend that is about to end counts too.
func alone(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var failed error
	others := 0
	err := stack.Until(ctx, "pgbench to leave", func() bool {
		failed = db.QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'").Scan(&others)
		return failed != nil || others == 0
	})
	return errors.Join(failed, err)
}

var (
	processed = regexp.MustCompile(`transactions actually processed: (\d+)`)
	tps       = regexp.MustCompile(`(?m)^tps = ([\d.]+)`)
)

// pgbenchTool is the program, or "": the PostgreSQL of npm has none.
func pgbenchTool() string {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	slices.Sort(found)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

func (b *bench) pgbenchRun(ctx context.Context) (done int, perSecond float64, err error) {
	cmd := exec.CommandContext(ctx, pgbenchTool(), "-n", "-M", "prepared", "-f", sqlFile("floor.sql"), "-c", "8", "-j", "2", //nolint:gosec // our own words
		"-T", strconv.Itoa(b.pick(3, 2)), b.floorURL)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	n, rate := processed.FindSubmatch(out), tps.FindSubmatch(out)
	if n == nil || rate == nil {
		return 0, 0, fmt.Errorf("pgbench said: %s", out)
	}
	done, _ = strconv.Atoi(string(n[1]))
	perSecond, _ = strconv.ParseFloat(string(rate[1]), 64)
	return done, perSecond, nil
}

// The script's statements for our own loop, where there is no pgbench.
const (
	floorSignup = `INSERT INTO signup(email,company,status,token_hash,payload) VALUES ('l' || $1::text || '@load.example.test','Example Company Ltd','pending',
	decode(md5($1::text)||md5($1::text),'hex'), (SELECT v FROM pad)) RETURNING id`
	floorOutbox = `INSERT INTO outbox(kind,signup_id,rcpt,run_at,body) VALUES ('verify', $1, 'l' || $2::text || '@load.example.test', now(),
	'{"link":"https://portal.example.test/verify?t=abcdefabcdefabcdefabcdef"}')`
)

// pgbenchOurs does what pgbench does with the same statements.
func (b *bench) pgbenchOurs(ctx context.Context) (done int, perSecond float64, err error) {
	db, err := sql.Open("pgx", b.floorURL)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	o := closed(ctx, 8, 1<<30, time.Duration(b.pick(3, 2))*time.Second, func(ctx context.Context, worker int, n int64) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		name, id := fmt.Sprintf("%d-%d", worker, n), int64(0)
		if err := tx.QueryRowContext(ctx, floorSignup, name).Scan(&id); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if _, err := tx.ExecContext(ctx, floorOutbox, id, name); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
	return o.accepted, o.perSecond(), o.whole()
}

// child runs a floor in a process of its own, whose time is its own, and reads the one line that it prints.
func (b *bench) child(ctx context.Context, args ...string) (p pace, err error) {
	self, err := os.Executable()
	if err != nil {
		return p, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"child"}, args...)...)
	cmd.Dir, cmd.Stderr = b.folder, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return p, fmt.Errorf("measure the floor of %s: %w", args[0], err)
	}
	return p, json.Unmarshal(out, &p)
}

// gin starts a bare Gin in a process of its own. End it with stop.
func (b *bench) gin(ctx context.Context) (addr string, pid int, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", 0, nil, err
	}
	cmd := exec.CommandContext(ctx, self, "child", "gin")
	cmd.Stderr = os.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		return "", 0, nil, err
	}
	addr, err = bufio.NewReader(out).ReadString('\n')
	stop = func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	}
	if err != nil {
		stop()
		return "", 0, nil, fmt.Errorf("start a bare Gin: %w", err)
	}
	return addr[:len(addr)-1], cmd.Process.Pid, stop, nil
}
