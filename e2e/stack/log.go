package stack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Poll is how often a condition is looked at while waiting for it.
const Poll = 15 * time.Millisecond

// Until asks cond again and again until it holds or ctx ends. It returns ctx's error, with what, when it never held.
func Until(ctx context.Context, what string, cond func() bool) error {
	tick := time.NewTicker(Poll)
	defer tick.Stop()
	for !cond() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// Log keeps everything a process printed. Safe for use by several goroutines.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
	tee  io.Writer // may be nil
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tee != nil {
		_, _ = l.tee.Write(p)
	}
	return l.text.Write(p)
}

// String is everything so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Lines are the lines so far.
func (l *Log) Lines() []string { return strings.Split(strings.TrimRight(l.String(), "\n"), "\n") }

// Tail is the last n lines, for an error message.
func (l *Log) Tail(n int) string {
	lines := l.Lines()
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}

// Wait returns the first line that contains part, as soon as there is one.
func (l *Log) Wait(ctx context.Context, part string) (line string, err error) {
	err = Until(ctx, "a log line with "+part, func() bool {
		for _, one := range l.Lines() {
			if strings.Contains(one, part) {
				line = one
				return true
			}
		}
		return false
	})
	return line, err
}
