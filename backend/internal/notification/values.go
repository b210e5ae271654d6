package notification

import (
	"strings"
	"unicode"
)

// What a text in a kind's data is, said by a struct tag: `mail:"name"`. It decides how the text is shown, so that a phrase
// cannot get it wrong. A string without a tag does not start.
const (
	// asName was typed by a person outside: one line, 60 characters, isolated from the sentence around it.
	asName = "name"
	// asWords was typed by a person: several lines, 1,000 characters, isolated.
	asWords = "words"
	// asTitle is ours or our staff's: a flow, an app, a team. One line, 120 characters, isolated.
	asTitle = "title"
	// asLTR reads from left to right in every language: a reference, an address, a domain. One line, 254 characters.
	asLTR = "ltr"
	// asWord is compared in a phrase and not shown: a state, a code of ours.
	asWord = "word"
	// asAside is not for phrases: the room puts it elsewhere in the letter, such as a link.
	asAside = "-"
)

// Bounds in characters.
const (
	maxName  = 60
	maxTitle = 120
	maxLTR   = 254
	maxWords = 1000
)

// Marks that stand in a phrase until it becomes HTML or text. clean takes them out of everything that is put in, so a
// mark is always ours. The first three are Unicode's own (UAX #9 §2.4); strong has private-use characters.
const (
	leftToRight = '\u2066'
	isolate     = '\u2068'
	endIsolate  = '\u2069'
	strongOn    = '\ue000'
	strongOff   = '\ue001'
)

func isolated(s string) string { return wrapped(isolate, s, endIsolate) }
func ltr(s string) string      { return wrapped(leftToRight, s, endIsolate) }
func strong(s string) string   { return wrapped(strongOn, s, strongOff) }

func wrapped(open rune, s string, end rune) string {
	if s == "" {
		return ""
	}
	return string(open) + s + string(end)
}

// clean makes one harmless line of s: no controls, no bidi or invisible characters, no line ends, at most limit
// characters. Cut text ends in an ellipsis.
func clean(s string, limit int) string {
	return cut(strings.Join(strings.Fields(strings.Map(harmless, strings.ToValidUTF8(s, "�"))), " "), limit)
}

// cleanLines is clean line by line; more than one empty line in a row becomes one.
func cleanLines(s string, limit int) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n").Replace(s)
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		line = clean(line, limit)
		if line == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, line)
	}
	return cut(strings.TrimRight(strings.Join(lines, "\n"), "\n"), limit)
}

// harmless drops what can change how its surroundings read. Zero-width joiner and non-joiner stay: scripts need them.
func harmless(r rune) rune {
	switch {
	case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
		return ' '
	case r == '\u200c', r == '\u200d':
		return r
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs), r == '\u034f', r == '\u115f', r == '\u1160', r == '\u3164', r == '\uffa0':
		return -1
	}
	return r
}

func cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return strings.TrimRight(string(r[:limit-1]), " \n") + "…"
	}
	return s
}

// defanged keeps mail programs from making a link of what somebody typed (security.md T60): schemes become hxxp, and
// the dots of host names and addresses stand in brackets. Dates, numbers and abbreviations stay as they are.
func defanged(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		n := strings.IndexAny(s, " \n")
		if n < 0 {
			n = len(s)
		}
		b.WriteString(defangedWord(s[:n]))
		if n < len(s) {
			b.WriteByte(s[n])
			n++
		}
		s = s[n:]
	}
	return b.String()
}

func defangedWord(word string) string {
	word = schemes.Replace(word)
	runes := []rune(word)
	var b strings.Builder
	for i, r := range runes {
		if isDot(r) && i > 0 && isHostRune(runes[i-1]) && letterRun(runes[i+1:]) >= 2 {
			b.WriteString("[.]")
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// schemes disarms what mail programs take for the beginning of an address, in the letter cases that occur.
var schemes = strings.NewReplacer(
	"https://", "hxxps://", "http://", "hxxp://", "HTTPS://", "hxxps://", "HTTP://", "hxxp://", "Https://", "hxxps://", "Http://", "hxxp://",
	"://", "[:]//", "mailto:", "mailto[:]", "MAILTO:", "mailto[:]", "tel:", "tel[:]", "TEL:", "tel[:]",
)

// isDot counts the dots that IDNA reads as one (UTS #46 §2.3).
func isDot(r rune) bool { return r == '.' || r == '。' || r == '．' || r == '｡' }

func isHostRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' }

func letterRun(runes []rune) int {
	n := 0
	for n < len(runes) && (unicode.IsLetter(runes[n]) || unicode.IsMark(runes[n])) {
		n++
	}
	return n
}

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
