package stack

import (
	"context"
	_ "embed" // the questions
	"errors"
	"fmt"
	"strings"
)

//go:embed invariants.sql
var invariantsSQL string

// Invariant is a question to a house's database whose answer is 0.
type Invariant struct {
	Name  string // what holds, as a sentence
	Query string // empty: Waits says what is missing
	Waits string // the capability without which there is no table to ask
}

// Invariants are the questions of invariants.sql, in its order. The SQL is the same for both databases.
func Invariants() []Invariant {
	var out []Invariant
	for line := range strings.Lines(invariantsSQL) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "-- name: "); ok {
			out = append(out, Invariant{Name: name})
		} else if sentence, ok := strings.CutPrefix(line, "-- waits: "); ok {
			at := strings.LastIndex(sentence, ": ")
			out = append(out, Invariant{Name: sentence[:at], Waits: sentence[at+2:]})
		} else if line != "" && !strings.HasPrefix(line, "--") {
			last := &out[len(out)-1]
			last.Query += strings.TrimSuffix(line, ";") + "\n"
		}
	}
	return out
}

// Broken asks every invariant of a house that has stopped. It says how many it asked, and joins one error for each that
// does not hold.
func (e *Eyes) Broken(ctx context.Context) (asked int, err error) {
	var broken []error
	for _, one := range Invariants() {
		if one.Query == "" {
			continue
		}
		asked++
		n, err := e.Count(ctx, one.Query)
		switch {
		case err != nil:
			broken = append(broken, err)
		case n != 0:
			broken = append(broken, fmt.Errorf("%s: not so in %d rows", one.Name, n))
		}
	}
	return asked, errors.Join(broken...)
}
