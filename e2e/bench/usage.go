package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticks is USER_HZ, which Linux fixes at 100 on every processor Go knows.
const ticks = 100

// process is one whose work is counted. Of a tree the living descendants count too, and the dead ones that have been
// waited for, as the postmaster does for backends that have ended.
type process struct {
	pid  int
	tree bool
}

// cpu is user and system time since the process began. A descendant that ends while the tree is read could be missed or
// counted twice, so the tree is read again until none has.
func (p process) cpu() (time.Duration, error) {
	own, err := statOf(p.pid)
	for err == nil && p.tree {
		sum := time.Duration(0)
		for _, pid := range descendants(p.pid) {
			if one, err := statOf(pid); err == nil {
				sum += one.spent + one.reaped
			}
		}
		before := own.reaped
		if own, err = statOf(p.pid); own.reaped == before {
			return own.spent + own.reaped + sum, err
		}
	}
	return own.spent, err
}

// memory is the resident set in bytes; of a tree the sum of the proportional ones, so that shared pages count once.
func (p process) memory() int64 {
	if !p.tree {
		return field(p.pid, "status", "VmRSS:")
	}
	sum := field(p.pid, "smaps_rollup", "Pss:")
	for _, pid := range descendants(p.pid) {
		sum += field(pid, "smaps_rollup", "Pss:")
	}
	return sum
}

// stat is what is read of /proc/PID/stat (proc(5)).
type stat struct {
	parent        int
	spent, reaped time.Duration
}

func statOf(pid int) (stat, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, fmt.Errorf("read the time of process %d: %w", pid, err)
	}
	text := string(raw)
	words := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // the name in brackets may hold anything
	if len(words) < 15 {
		return stat{}, fmt.Errorf("read the time of process %d: %q", pid, text)
	}
	number := func(i int) int { n, _ := strconv.Atoi(words[i]); return n }
	spent := func(i int) time.Duration { return time.Duration(number(i)+number(i+1)) * time.Second / ticks }
	return stat{parent: number(1), spent: spent(11), reaped: spent(13)}, nil
}

func descendants(root int) (out []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if s, err := statOf(pid); err == nil {
				children[s.parent] = append(children[s.parent], pid)
			}
		}
	}
	for queue := children[root]; len(queue) > 0; queue = queue[1:] {
		out = append(out, queue[0])
		queue = append(queue, children[queue[0]]...)
	}
	return out
}

// field is the value in bytes of one "Name:  123 kB" line of a file in /proc/PID, or 0.
func field(pid int, file, name string) int64 {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	for line := range strings.Lines(string(raw)) {
		if rest, found := strings.CutPrefix(line, name); found {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// meter reads several processes, by name.
type meter map[string]process

// reading is the time that each process has spent so far.
type reading map[string]time.Duration

func (m meter) read() (reading, error) {
	out := reading{}
	for name, p := range m {
		spent, err := p.cpu()
		if err != nil {
			return nil, err
		}
		out[name] = spent
	}
	return out, nil
}

// since is what each process spent after the earlier reading.
func (r reading) since(earlier reading) reading {
	out := reading{}
	for name, spent := range r {
		out[name] = spent - earlier[name]
	}
	return out
}

// sum is the time of all.
func (r reading) sum() (d time.Duration) {
	for _, spent := range r {
		d += spent
	}
	return d
}
