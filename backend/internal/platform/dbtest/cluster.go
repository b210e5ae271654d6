package dbtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// heartbeat is how often a test process says that it still needs the shared cluster; guardian waits 3 minutes.
	heartbeat  = 20 * time.Second
	startLimit = 60 * time.Second
)

// guardian runs the server ($1) in the folder $2 until no test process has touched $2/alive for three minutes, and removes
// the folder and the server's copy ($3, if there is one). Moving the file away first makes sure that a process which
// arrives just now starts its own.
const guardian = `
cd "$2" || exit 1
"$1" -D "$2/data" -k "$2" -p 5432 -c listen_addresses= -F -c full_page_writes=off -c synchronous_commit=off \
	-c wal_level=minimal -c max_wal_senders=0 -c max_connections=400 -c shared_buffers=128MB -c autovacuum=off \
	-c max_wal_size=4GB -c checkpoint_timeout=1h -c log_min_messages=fatal >>"$2/log" 2>&1 </dev/null &
server=$!
while sleep 5 && kill -0 $server; do
	[ -n "$(find "$2/alive" -mmin -3)" ] && continue
	mv "$2/alive" "$2/gone"
	[ -n "$(find "$2/gone" -mmin -3)" ] && mv "$2/gone" "$2/alive" && continue
	kill -QUIT $server
done
wait $server
rm -rf "$2" "$3"
`

// cluster is what the note in the temporary folder says about the shared one.
type cluster struct{ Dir string }

func (c cluster) url() string {
	return "postgres://postgres@/postgres?host=" + c.Dir + "&port=5432&sslmode=disable"
}

// sharedCluster takes the machine's cluster, or starts it. One process at a time gets here.
func sharedCluster() (*Server, error) {
	note := filepath.Join(os.TempDir(), "vestibule-postgres-"+strconv.Itoa(os.Geteuid()))
	lock, err := os.OpenFile(note+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the test cluster: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock the test cluster: %w", err)
	}
	var c cluster
	if raw, err := os.ReadFile(note); err == nil && json.Unmarshal(raw, &c) == nil && c.stillNeeded() == nil && c.answers(time.Second) == nil {
		go c.keepAlive()
		return &Server{URL: c.url()}, nil
	}
	if c, err = startCluster(); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	go c.keepAlive()
	return &Server{URL: c.url()}, os.WriteFile(note, raw, 0o600)
}

func startCluster() (cluster, error) {
	bin, err := binaries()
	if err != nil {
		return cluster{}, err
	}
	dir, err := os.MkdirTemp(quickFolder(), "vestibule-pg-")
	if err != nil {
		return cluster{}, fmt.Errorf("make the test cluster's folder: %w", err)
	}
	c := cluster{Dir: dir}
	as, err := unprivileged(dir)
	if err != nil {
		return cluster{}, err
	}
	bin, copied, err := runnable(bin, as)
	if err != nil {
		return cluster{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "alive"), nil, 0o666); err != nil {
		return cluster{}, err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.Dir, initdb.SysProcAttr = dir, as
	if out, err := initdb.CombinedOutput(); err != nil {
		return cluster{}, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	guard := exec.Command("/bin/sh", "-c", guardian, "vestibule-test-postgres", filepath.Join(bin, "postgres"), dir, copied)
	guard.Dir, guard.SysProcAttr = dir, as
	if err := guard.Start(); err != nil {
		return cluster{}, fmt.Errorf("start postgres: %w", err)
	}
	if err := c.answers(startLimit); err != nil {
		said, _ := os.ReadFile(filepath.Join(dir, "log"))
		return cluster{}, fmt.Errorf("postgres in %s does not answer: %w\n%s", dir, err, said)
	}
	return c, guard.Process.Release()
}

// quickFolder is in memory where there is enough of it: a clone takes 30 ms there, and up to ten times that on a disk.
func quickFolder() string {
	const memory, enough = "/dev/shm", 2 << 30
	var free syscall.Statfs_t
	if syscall.Statfs(memory, &free) == nil && uint64(free.Bavail)*uint64(free.Bsize) >= enough {
		return memory
	}
	return os.TempDir()
}

// unprivileged hands dir to a user who is not root, and says how to run as that user, in a session of its own.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2, os.Chown(dir, uid, gid)); err != nil {
			return nil, err
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return attr, nil
	}
	return nil, errors.New("initdb refuses root, and there is neither a user postgres nor nobody to run it: run the tests as another user")
}

// answers asks until the server answers or limit has passed.
func (c cluster) answers(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.url())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
		}
	}
}

// stillNeeded tells the guardian to wait; an error means that it is already leaving.
func (c cluster) stillNeeded() error {
	now := time.Now()
	return os.Chtimes(filepath.Join(c.Dir, "alive"), now, now)
}

func (c cluster) keepAlive() {
	for range time.Tick(heartbeat) {
		_ = c.stillNeeded()
	}
}
