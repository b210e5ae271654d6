package notification

import (
	"strings"
	"unicode"
)

// columns is how wide a line of the text part is, but for addresses, which stand alone and whole.
const columns = 72

// textFrame lays the page out as text, in the order of the HTML part. Code and addresses stand alone on their lines,
// without any isolate, so that they can be picked up by hand and by programs.
func textFrame(p *page, h House, lang string) string {
	t := &textPage{rtl: rtl(lang)}
	words := wordsOfFrame[lang]
	t.alone("", p.Code)
	t.block("", p.Heading)
	for _, s := range p.Body {
		t.block("", s)
	}
	t.block("  ", p.Quote)
	t.facts(p.Facts)
	t.alone(p.LinkWords, p.Link)
	if p.NextFirst {
		t.next(p)
	}
	t.alone(colon(p.ButtonWords), p.Button)
	if !p.NextFirst {
		t.next(p)
	}
	t.block("", p.Note)
	t.footer(p, h, words)
	return strings.Join(t.blocks, "\n\n") + "\n"
}

func colon(s string) string {
	if s == "" {
		return ""
	}
	return s + ":"
}

type textPage struct {
	rtl    bool
	blocks []string
}

func (t *textPage) add(block string) {
	if block != "" {
		t.blocks = append(t.blocks, block)
	}
}

// block adds a phrase as a paragraph, each of its lines wrapped and indented.
func (t *textPage) block(indent, phrase string) {
	if phrase == "" {
		return
	}
	var out []string
	for line := range strings.SplitSeq(plain(phrase, t.rtl), "\n") {
		for _, row := range wrap(line, columns-width(indent)) {
			out = append(out, indent+row)
		}
	}
	t.add(strings.Join(out, "\n"))
}

// alone adds what must stand on a line of its own, after the words that introduce it.
func (t *textPage) alone(words, value string) {
	switch {
	case value == "":
	case words == "":
		t.add(value)
	default:
		t.add(strings.Join(wrap(plain(words, t.rtl), columns), "\n") + "\n" + value)
	}
}

func (t *textPage) next(p *page) {
	if len(p.Next) == 0 {
		return
	}
	before := len(t.blocks)
	for _, s := range p.Next {
		t.block("", s)
	}
	if p.NextHeading != "" {
		t.blocks[before] = plain(p.NextHeading, t.rtl) + "\n" + t.blocks[before]
	}
}

// facts adds rows with one shared edge for the values.
func (t *textPage) facts(facts []fact) {
	edge := 0
	for _, f := range facts {
		edge = max(edge, width(plain(f.Label, t.rtl))+2)
	}
	var out []string
	for _, f := range facts {
		label := plain(f.Label, t.rtl)
		label += strings.Repeat(" ", edge-width(label))
		for line := range strings.SplitSeq(plain(f.Text, t.rtl), "\n") {
			for _, row := range wrap(strings.TrimPrefix(line, "✓ "), columns-edge) {
				out = append(out, strings.TrimRight(label+row, " "))
				label = strings.Repeat(" ", edge)
			}
		}
	}
	t.add(strings.Join(out, "\n"))
}

func (t *textPage) footer(p *page, h House, words frameWords) {
	legal := isolated(clean(h.Legal, maxTitle))
	if contact := clean(h.Contact, maxLTR); contact != "" {
		if legal != "" {
			legal += " - "
		}
		legal += ltr(contact)
	}
	t.block("", strings.TrimSuffix(words.Why+" "+p.Why+"\n"+legal, "\n"))
	t.alone(colon(words.Privacy), h.Privacy)
}

// wrap cuts a line at its spaces into rows of at most limit columns, and words that are longer than that in between.
func wrap(line string, limit int) []string {
	var rows []string
	row := ""
	for _, word := range shortWords(line, limit) {
		if row != "" && width(row)+1+width(word) > limit {
			rows = append(rows, row)
			row = ""
		}
		if row != "" {
			row += " "
		}
		row += word
	}
	return closed(append(rows, row))
}

func shortWords(line string, limit int) []string {
	var out []string
	for word := range strings.FieldsSeq(line) {
		for r := []rune(word); width(word) > limit; r, word = r[limit:], string(r[limit:]) {
			out = append(out, string(r[:limit]))
		}
		out = append(out, word)
	}
	return out
}

// closed ends an isolate where a row ends within it, and begins it again in the next one: each row is a paragraph of its
// own to the bidi algorithm.
func closed(rows []string) []string {
	open := false
	for i, row := range rows {
		if open {
			row = string(isolate) + row
		}
		open = strings.Count(row, string(isolate)) > strings.Count(row, string(endIsolate))
		if open {
			row += string(endIsolate)
		}
		rows[i] = row
	}
	return rows
}

// width counts columns: marks over letters and invisible characters take none. Wide scripts count one, which wraps early
// enough for every language we write in.
func width(s string) int {
	n := 0
	for _, r := range s {
		if !unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
			n++
		}
	}
	return n
}
