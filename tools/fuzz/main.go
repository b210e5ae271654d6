// Command fuzz runs every fuzz target of the backend and prints one table: how often each was tried, what it found that
// was new, and what broke it. Two targets run at a time, each with one worker, so that two processors are enough.
//
// What breaks a target is written beside it, in testdata/fuzz: it is a test from then on. Exit status 1 says that there
// is one.
//
//	go run ./fuzz -time 2m          all targets, two minutes each, going on from what earlier runs found interesting
//	go run ./fuzz -time 10s -fresh  all targets, from the seeds in the repository only
//	go run ./fuzz -only FuzzModel   one of them
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"
)

// target is a fuzz function; row is its place in our list of what is to be fuzzed (docs/security.md).
type target struct{ row, room, name, what string }

// targets are all of them: a test finds the one that was forgotten.
var targets = []target{
	{"F01", "platform/email", "FuzzParse", "addresses: one reading for every reader"},
	{"F03", "identity", "FuzzReturnTo", "where a sign-in may lead"},
	{"F05", "flow", "FuzzParse", "flow files and the engine"},
	{"F05", "signup", "FuzzWalk", "no step without its proof"},
	{"F06", "identity", "FuzzCodes", "one-time codes against a model"},
	{"F07", "approval", "FuzzModel", "requests and decisions against a model"},
	{"F10", "notification", "FuzzRender", "mails"},
	{"F10", "signup", "FuzzUnproven", "mails to addresses nobody has proven"},
	{"F11", "platform/web", "FuzzJSON", "bodies"},
	{"F15", "platform/log", "FuzzHandler", "log lines"},
}

// atOnce is how many targets run side by side.
const atOnce = 2

// shrinks is how often an input may be run to make it smaller. It is few: a run of a model takes a hundredth of a
// second, and what a database does is never quite the same twice, so that shrinking for long finds little.
const shrinks = "5x"

type options struct {
	backend string
	each    time.Duration
	fresh   bool
}

func main() {
	each := flag.Duration("time", 2*time.Minute, "how long each target runs")
	fresh := flag.Bool("fresh", false, "begin with the seeds in the repository, and keep nothing but what breaks")
	only := flag.String("only", "", "run the targets of this name")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := options{backend: filepath.Join("..", "backend"), each: *each, fresh: *fresh}
	broken, err := o.runAll(ctx, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
	}
	if err != nil || broken {
		stop()
		os.Exit(1)
	}
}

// runAll prints the table when all have run, and what each that broke has said.
func (o options) runAll(ctx context.Context, only string) (broken bool, err error) {
	work, err := os.MkdirTemp(quickFolder(), "vestibule-fuzz-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	results := make([]result, len(targets))
	var wait sync.WaitGroup
	gate := make(chan struct{}, atOnce)
	for i, t := range targets {
		if only != "" && t.name != only {
			continue
		}
		wait.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			results[i] = o.run(ctx, t, filepath.Join(work, fmt.Sprint(i)))
		})
	}
	wait.Wait()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "row\ttarget\texecutions\tnew interesting\tcrashes\twhat")
	for i, t := range targets {
		r := results[i]
		if !r.ran {
			continue
		}
		_, _ = fmt.Fprintf(table, "%s\t%s.%s\t%d\t%d\t%d\t%s\n", t.row, t.room, t.name, r.executions, r.interesting, len(r.crashes), t.what)
		broken = broken || r.failed
	}
	if err := table.Flush(); err != nil {
		return broken, err
	}
	for i, t := range targets {
		if results[i].failed {
			fmt.Printf("\n%s.%s:\n%s\n", t.room, t.name, results[i].said)
		}
	}
	return broken, nil
}

// ours counts what the fuzzer goes by, coverage, in our packages and in the parser of flow files. Counting everywhere, as
// `go test -fuzz` does, would compile every library again, the database engine among them, and reward inputs for what the
// engine does with its pages.
var ours = []string{"-gcflags=github.com/vestibule-id/vestibule/...=-d=libfuzzer", "-gcflags=go.yaml.in/yaml/...=-d=libfuzzer"}

// run builds the target's test with coverage for the fuzzer and runs it in the folder of its package.
func (o options) run(ctx context.Context, t target, work string) result {
	if err := os.MkdirAll(work, 0o700); err != nil {
		return result{ran: true, failed: true, said: err.Error()}
	}
	folder, binary := filepath.Join(o.backend, "internal", t.room), filepath.Join(work, "test")
	build := exec.CommandContext(ctx, "go", append([]string{"test", "-c", "-o", binary}, append(ours, ".")...)...)
	build.Dir = folder
	if said, err := build.CombinedOutput(); err != nil {
		return result{ran: true, failed: true, said: string(said) + err.Error()}
	}
	run := exec.CommandContext(ctx, binary, "-test.run", "^$", "-test.fuzz", "^"+t.name+"$", "-test.fuzztime", o.each.String(), "-test.parallel", "1",
		"-test.fuzzminimizetime", shrinks, "-test.fuzzcachedir", o.kept(ctx, t, work))
	run.Dir, run.Env = folder, append(os.Environ(), "TMPDIR="+work)
	said, err := run.CombinedOutput()
	r := read(string(said))
	r.ran, r.failed = true, err != nil
	return r
}

// kept is where inputs that found something new go: nowhere that lasts, or where `go test -fuzz` keeps them.
func (o options) kept(ctx context.Context, t target, work string) string {
	cache, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
	if err != nil || o.fresh {
		return filepath.Join(work, "kept")
	}
	return filepath.Join(strings.TrimSpace(string(cache)), "fuzz", "vestibule", t.room)
}

// quickFolder is in memory where there is such a place: the models' databases wait for no disk there.
func quickFolder() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return os.TempDir()
}
