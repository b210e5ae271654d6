package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// machine is the "database" of figures that hang on none.
const machine = ""

type cell struct{ id, kind string }

// note adds one repeat's value of a figure.
func (b *bench) note(id, kind string, value float64) {
	if !slices.ContainsFunc(figures, func(f figure) bool { return f.id == id }) {
		panic("no figure is called " + id)
	}
	b.values[cell{id, kind}] = append(b.values[cell{id, kind}], value)
}

// median of what was noted; ok is false if nothing was.
func (b *bench) median(id, kind string) (value float64, ok bool) {
	all := slices.Sorted(slices.Values(b.values[cell{id, kind}]))
	if len(all) == 0 {
		return 0, false
	}
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2, true
	}
	return all[len(all)/2], true
}

// verdict of one figure on one database.
type verdict int

const (
	unjudged verdict = iota
	missed
	held
	stretched
)

func (b *bench) judge(f figure, kind string) verdict {
	g, judged := f.goals[kind]
	if !judged {
		g, judged = f.goals[""]
	}
	value, measured := b.median(f.id, kind)
	switch {
	case !judged || !measured:
		return unjudged
	case !g.must.holds(rounded(value)):
		return missed
	case g.stretch.holds(rounded(value)):
		return stretched
	}
	return held
}

// rounded to three digits, as it is printed: what is shown is what is judged.
func rounded(x float64) float64 {
	if x == 0 {
		return 0
	}
	unit := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*unit) / unit
}

func number(x float64) string { return strconv.FormatFloat(rounded(x), 'f', -1, 64) }

// shown is the median and, between brackets, the least and the most of the repeats.
func (b *bench) shown(id, kind string) string {
	value, ok := b.median(id, kind)
	if !ok {
		return "–"
	}
	all := b.values[cell{id, kind}]
	if low, high := slices.Min(all), slices.Max(all); number(low) != number(high) {
		return fmt.Sprintf("%s (%s–%s)", number(value), number(low), number(high))
	}
	return number(value)
}

func (x bound) String() string {
	switch {
	case !x.set:
		return ""
	case x.low == -endless:
		return "≤ " + number(x.high)
	case x.high == endless:
		return "≥ " + number(x.low)
	}
	return number(x.low) + "–" + number(x.high)
}

// wanted is a goal in words: one bound, or one for each database.
func (f figure) wanted(pick func(goal) bound) string {
	if g, same := f.goals[""]; same {
		return pick(g).String()
	}
	var out []string
	for _, kind := range databases {
		if g, ok := f.goals[kind]; ok {
			out = append(out, short[kind]+" "+pick(g).String())
		}
	}
	return strings.Join(out, ", ")
}

var (
	short  = map[string]string{sqlite: "S", postgres: "P"}
	titles = map[string]string{sqlite: "SQLite", postgres: "PostgreSQL"}
	words  = map[verdict]string{missed: "MISSED", held: "ok", stretched: "ok, stretch"}
)

func (b *bench) verdicts(f figure) string {
	found := map[string]string{}
	for _, kind := range []string{machine, sqlite, postgres} {
		if v := b.judge(f, kind); v != unjudged {
			found[kind] = words[v]
		}
	}
	kinds := slices.Sorted(maps.Keys(found))
	if len(kinds) == 2 && found[sqlite] == found[postgres] {
		return found[sqlite]
	}
	var out []string
	for _, kind := range slices.Backward(kinds) { // SQLite's first, as its column
		if kind == machine || len(kinds) == 1 {
			out = append(out, found[kind])
		} else {
			out = append(out, short[kind]+" "+found[kind])
		}
	}
	return strings.Join(out, "; ")
}

// table is all figures that were measured, in Markdown that can be read as it is.
func (b *bench) table() string {
	rows := [][]string{{"", "", "SQLite", "PostgreSQL", "must", "stretch", ""}}
	area := ""
	for _, f := range figures {
		cells := []string{b.shown(f.id, sqlite), b.shown(f.id, postgres)}
		if _, ok := b.median(f.id, machine); ok {
			cells = []string{b.shown(f.id, machine), "〃"}
		}
		if cells[0] == "–" && cells[1] == "–" {
			continue
		}
		if f.area != area {
			area = f.area
			rows = append(rows, []string{"**" + area + "**", "", "", "", "", "", ""})
		}
		rows = append(rows, []string{f.what, f.unit, cells[0], cells[1],
			f.wanted(func(g goal) bound { return g.must }), f.wanted(func(g goal) bound { return g.stretch }), b.verdicts(f)})
	}
	return markdown(rows)
}

func markdown(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text), 3)
		}
	}
	var out strings.Builder
	for n, row := range rows {
		for i, text := range row {
			out.WriteString("| " + text + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)) + " ")
		}
		out.WriteString("|\n")
		if n == 0 {
			for _, width := range widths {
				out.WriteString("|" + strings.Repeat("-", width+2))
			}
			out.WriteString("|\n")
		}
	}
	return out.String()
}

// missedMusts are the figures that fail the run: those that do not hang on the wall's clock.
func (b *bench) missedMusts() (out []string) {
	for _, f := range figures {
		for _, kind := range []string{machine, sqlite, postgres} {
			if !f.wall && b.judge(f, kind) == missed {
				value, _ := b.median(f.id, kind)
				out = append(out, strings.TrimSpace(fmt.Sprintf("%s: %s %s, must be %s %s", f.what, number(value), f.unit,
					f.wanted(func(g goal) bound { return g.must }), titles[kind])))
			}
		}
	}
	return out
}
