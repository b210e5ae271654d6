package faults

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// row is one line of the table: what was counted and measured, and what was wanted.
type row struct {
	t       *testing.T
	name    string // "R01 sqlite"
	figures []string
	missed  []string
}

var printing sync.Mutex

func newRow(t *testing.T, number, kind string) *row { return &row{t: t, name: number + " " + kind} }

// says adds a figure that nothing was promised about.
func (r *row) says(format string, args ...any) {
	r.figures = append(r.figures, fmt.Sprintf(format, args...))
}

// wants adds a figure with what was wanted of it.
func (r *row) wants(ok bool, want, format string, args ...any) {
	figure := fmt.Sprintf(format, args...) + " (want " + want + ")"
	r.figures = append(r.figures, figure)
	if !ok {
		r.missed = append(r.missed, figure)
	}
}

// exactly adds a count that must be want.
func (r *row) exactly(n, want int, what string) {
	r.wants(n == want, comma(want), "%s %s", comma(n), what)
}

// within adds a time that the product promises. The short form, whose machine is shared, allows three times as much.
func (r *row) within(d, limit time.Duration, what string) {
	allowed := of(3*limit, limit)
	r.wants(d <= allowed, "<= "+short(limit), "%s %s", what, short(d))
}

// measured adds a figure that a shared machine decides about: asserted in the long form, printed in both.
func (r *row) measured(ok bool, want, format string, args ...any) {
	r.wants(ok || !long, want, format, args...)
}

// ends asks the invariants of houses that have stopped and prints the line.
func (r *row) ends(houses ...*house) {
	r.t.Helper()
	for _, h := range houses {
		asked, err := h.eyes.Broken(r.t.Context())
		if err != nil {
			r.missed = append(r.missed, err.Error())
		}
		r.figures = append(r.figures, fmt.Sprintf("%d invariants hold", asked))
	}
	verdict := "ok"
	if len(r.missed) > 0 {
		verdict = "MISSED"
		r.t.Errorf("%s: missed: %s", r.name, strings.Join(r.missed, "; "))
	}
	printing.Lock()
	defer printing.Unlock()
	fmt.Printf("%s: %s %s\n", r.name, strings.Join(r.figures, ", "), verdict)
}

// short is a duration as people say it.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	default:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
}

// comma writes 1234 as 1,234.
func comma(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// times are durations of many calls.
type times []time.Duration

// p is the q-th hundredth, by nearest rank.
func (d times) p(q int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, (len(sorted)*q+99)/100-1)]
}
