package notification

import (
	"strings"
	"unicode"
)

// run is a stretch of a phrase that is shown in one way.
type run struct {
	Text   string
	Dir    string // "" as its surroundings, "auto" on its own, "ltr"
	Strong bool
}

// runs cuts a phrase at its marks. An isolate inside an isolate counts as part of the outer one.
func runs(s string) []run {
	var out []run
	var text strings.Builder
	now, depth := run{}, 0
	flush := func() {
		if text.Len() > 0 {
			now.Text = text.String()
			out = append(out, now)
			text.Reset()
		}
	}
	for _, r := range s {
		switch r {
		case leftToRight, isolate:
			if depth++; depth == 1 {
				flush()
				now.Dir = map[rune]string{leftToRight: "ltr", isolate: "auto"}[r]
			}
		case endIsolate:
			if depth--; depth == 0 {
				flush()
				now.Dir = ""
			}
		case strongOn, strongOff:
			flush()
			now.Strong = r == strongOn
		default:
			text.WriteRune(r)
		}
	}
	flush()
	return out
}

// lines cuts a phrase into lines of runs. Isolates that span lines are closed and opened again.
func lines(s string) [][]run {
	var out [][]run
	var line []run
	for _, r := range runs(s) {
		for i, part := range strings.Split(r.Text, "\n") {
			if i > 0 {
				out, line = append(out, line), nil
			}
			if part != "" {
				line = append(line, run{Text: part, Dir: r.Dir, Strong: r.Strong})
			}
		}
	}
	return append(out, line)
}

// plain is a phrase for places without markup. Isolates stay where reading order needs them: everywhere in a text
// that runs from right to left, and around right-to-left words elsewhere.
func plain(s string, rtl bool) string {
	var b strings.Builder
	for _, r := range runs(s) {
		if r.Dir != "" && (rtl || strings.ContainsFunc(r.Text, isRightToLeft)) {
			for i, line := range strings.Split(r.Text, "\n") {
				if i > 0 {
					b.WriteByte('\n')
				}
				b.WriteString(isolated(line))
			}
			continue
		}
		b.WriteString(r.Text)
	}
	return b.String()
}

func isRightToLeft(r rune) bool {
	return unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko)
}

// bare is a phrase without any mark.
func bare(s string) string {
	var b strings.Builder
	for _, r := range runs(s) {
		b.WriteString(r.Text)
	}
	return b.String()
}
