package flow

import (
	"fmt"
	"strings"
)

const (
	// around is how many unchanged lines are shown before and after a change.
	around = 3
	// maxCells bounds the memory of comparing; beyond it the changed middle is shown as removed and added as a whole.
	maxCells = 4_000_000
)

// edit is one line of a difference: kept (' '), removed ('-') or added ('+').
type edit struct {
	kind byte
	line string
}

// unified is the difference of two texts as diff -u prints it, without a head; empty if there is none.
func unified(old, next string) string {
	edits := compareLines(split(old), split(next))
	var out strings.Builder
	oldLine, newLine := 1, 1
	for start := 0; start < len(edits); {
		if edits[start].kind == ' ' {
			oldLine, newLine, start = oldLine+1, newLine+1, start+1
			continue
		}
		first := max(0, start-around)
		end := hunkEnd(edits, start)
		writeHunk(&out, edits[first:end], oldLine-(start-first), newLine-(start-first))
		for _, e := range edits[start:end] {
			if e.kind != '+' {
				oldLine++
			}
			if e.kind != '-' {
				newLine++
			}
		}
		start = end
	}
	return out.String()
}

// hunkEnd is where the hunk that begins with the change at start ends: changes closer than twice around belong together.
func hunkEnd(edits []edit, start int) int {
	last := start
	for i := start; i < len(edits) && i <= last+2*around; i++ {
		if edits[i].kind != ' ' {
			last = i
		}
	}
	return min(len(edits), last+1+around)
}

func writeHunk(out *strings.Builder, edits []edit, oldLine, newLine int) {
	olds, news := 0, 0
	for _, e := range edits {
		if e.kind != '+' {
			olds++
		}
		if e.kind != '-' {
			news++
		}
	}
	fmt.Fprintf(out, "@@ -%d,%d +%d,%d @@\n", oldLine, olds, newLine, news)
	for _, e := range edits {
		out.WriteByte(e.kind)
		out.WriteString(e.line)
		out.WriteByte('\n')
	}
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// compareLines finds a longest common subsequence of lines and says what is around it.
func compareLines(a, b []string) []edit {
	var head, tail []edit
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, edit{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append([]edit{{' ', a[len(a)-1]}}, tail...)
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return append(append(head, middle(a, b)...), tail...)
}

func middle(a, b []string) []edit {
	var out []edit
	if len(a)*len(b) > maxCells {
		for _, line := range a {
			out = append(out, edit{'-', line})
		}
		for _, line := range b {
			out = append(out, edit{'+', line})
		}
		return out
	}
	length := lengths(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, edit{' ', a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || length[i+1][j] >= length[i][j+1]):
			out = append(out, edit{'-', a[i]})
			i++
		default:
			out = append(out, edit{'+', b[j]})
			j++
		}
	}
	return out
}

// lengths[i][j] is the length of the longest common subsequence of a[i:] and b[j:].
func lengths(a, b []string) [][]int32 {
	table := make([][]int32, len(a)+1)
	for i := range table {
		table[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}
