package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// The markers in the document that the table is written between.
const (
	markBegin = "<!-- bench -->"
	markEnd   = "<!-- /bench -->"
)

// report is the table under what it was measured with.
func (b *bench) report(took time.Duration) string {
	command := "make bench"
	if b.quick {
		command += " QUICK=1"
	}
	floor := "pgbench"
	if pgbenchTool() == "" {
		floor = "our own loop with pgbench's script, since there is no pgbench here"
	}
	var out strings.Builder
	fmt.Fprintf(&out, "Measured on %s at commit %s by `%s` in %s, on %s. PostgreSQL: %s, fsync and synchronous commit on. ",
		time.Now().UTC().Format("2 January 2006"), commit(), command, took.Round(time.Second), computer(), b.postgres.From)
	fmt.Fprintf(&out, "The floor of PostgreSQL: %s. Load before the end: %s. Median of %d repeats (least–most); large lists have %d rows, "+
		"their deep page is number %d.\n\n", floor, loadAverage(), b.repeats, b.rows(), b.pick(deepPage, deepPage/10))
	out.WriteString(b.table())
	return out.String()
}

func commit() string {
	cmd := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=10")
	cmd.Dir = stack.Root()
	out, err := cmd.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// computer is the processor's name and the number of its cores, the memory and the system.
func computer() string {
	name := runtime.GOARCH
	raw, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(raw)) {
		if before, after, found := strings.Cut(line, ":"); found && strings.TrimSpace(before) == "model name" {
			name = strings.TrimSpace(after)
			break
		}
	}
	memory := ""
	raw, _ = os.ReadFile("/proc/meminfo")
	if words := strings.Fields(string(raw)); len(words) > 1 {
		var kb int
		_, _ = fmt.Sscan(words[1], &kb)
		memory = fmt.Sprintf(", %d GiB", (kb+1<<19)>>20)
	}
	return fmt.Sprintf("%d cores of %s%s, %s", runtime.NumCPU(), name, memory, runtime.GOOS)
}

// loadAverage is the machine's load over five minutes: far above the number of cores, others were at work too.
func loadAverage() string {
	raw, _ := os.ReadFile("/proc/loadavg")
	if words := strings.Fields(string(raw)); len(words) > 1 {
		return words[1]
	}
	return "unknown"
}

// writeInto puts text between the markers of a file.
func writeInto(file, text string) error {
	if !filepath.IsAbs(file) {
		file = filepath.Join(stack.Root(), file)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(raw), markBegin)
	_, after, ends := strings.Cut(rest, markEnd)
	if !begins || !ends {
		return fmt.Errorf("%s has no %s and %s", file, markBegin, markEnd)
	}
	return os.WriteFile(file, []byte(before+markBegin+"\n"+text+markEnd+after), 0o644)
}
