package database

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"gorm.io/gorm"
)

// Fold is how search_text and search terms are written: lower case, without accents, one space between words. "Wójcik"
// and "wojcik" find each other.
func Fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		switch {
		case unicode.Is(unicode.Mn, r), r == 0: // PostgreSQL keeps no NUL in text
		case r == 'ł':
			b.WriteRune('l')
		case r == 'ø':
			b.WriteRune('o')
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Match is a condition on table's search_text for a term as a person typed it, and its arguments. Every character of
// the term is literal. Terms of one or two characters match where a word begins.
//
// table is a name from the code, never from a request. An empty term gives an empty condition.
func Match(dialect Dialect, table, term string) (condition string, args []any) {
	term = Fold(term)
	column := table + ".search_text"
	switch length := utf8.RuneCountInString(term); {
	case length == 0:
		return "", nil
	case length < 3: // first of the text, or of a later word
		anywhere := Contains(dialect, column)
		return "(" + strings.Replace(anywhere, "> 0", "= 1", 1) + " OR " + anywhere + ")", []any{term, " " + term}
	}
	return Contains(dialect, column), []any{term}
}

// Likely is a condition that an index of trigrams answers, and that holds wherever Match does (docs/adr/0020).
type Likely struct {
	Condition string
	Args      []any
	rows      string // finds those that the index has, and reads no row where it need not
}

// IndexMatch is the condition for a term in table: of pg_trgm by LIKE, of FTS5 by MATCH on {table}_fts. It is empty on
// SQLite for terms of one or two characters, for FTS5 knows nothing of where words begin.
func IndexMatch(db *gorm.DB, dialect Dialect, table, term string) (l Likely, err error) {
	term = Fold(term)
	column, fts := table+".search_text", table+"_fts"
	if utf8.RuneCountInString(term) < 3 {
		if dialect == SQLite {
			return l, nil
		}
		l.Condition, l.Args = "("+column+" LIKE ? OR "+column+" LIKE ?)", []any{escapeLike(term) + "%", "% " + escapeLike(term) + "%"}
		l.rows = "SELECT 1 FROM " + table + " WHERE " + l.Condition
		return l, nil
	}
	trigrams, err := RareTrigrams(db, "SELECT search_text FROM "+table+" ORDER BY id DESC", []string{term})
	if err != nil {
		return l, fmt.Errorf("look at the newest of %s: %w", table, err)
	}
	if dialect == Postgres {
		l.Condition, l.Args = LikeTrigrams(column, trigrams)
		l.rows = "SELECT 1 FROM " + table + " WHERE " + l.Condition
		return l, nil
	}
	l.rows, l.Args = "SELECT rowid FROM "+fts+" WHERE "+fts+" MATCH ?", []any{FTSQuery(trigrams)}
	l.Condition = table + ".seq IN (" + l.rows + ")"
	return l, nil
}

// Count is how many rows the index finds, counted up to most.
func (l Likely) Count(db *gorm.DB, most int) (n int, err error) {
	err = db.Raw("SELECT count(*) FROM ("+l.rows+" LIMIT "+strconv.Itoa(most)+") AS found", l.Args...).Scan(&n).Error
	return n, err
}

func escapeLike(term string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(term)
}

// Contains is the condition that column holds a term, which is its argument, character by character. No index answers it.
func Contains(dialect Dialect, column string) string {
	if dialect == SQLite {
		return "instr(" + column + ", ?) > 0"
	}
	return "strpos(" + column + ", ?) > 0"
}

// LikeTrigrams asks pg_trgm's index on column for rows that have all trigrams.
func LikeTrigrams(column string, trigrams []string) (condition string, args []any) {
	var each []string
	for _, trigram := range trigrams {
		each, args = append(each, column+" LIKE ?"), append(args, "%"+escapeLike(trigram)+"%")
	}
	return strings.Join(each, " AND "), args
}

// FTSQuery asks FTS5 for rows that have all trigrams, every character literal (sqlite.org/fts5.html §3.1: a string in
// double quotes, inner ones doubled; the trigram tokenizer then reads its spaces and punctuation as they are).
func FTSQuery(trigrams []string) string {
	var quoted []string
	for _, trigram := range trigrams {
		quoted = append(quoted, `"`+strings.ReplaceAll(trigram, `"`, `""`)+`"`)
	}
	return strings.Join(quoted, " AND ")
}

// An index of trigrams has a list of rows for each, and the lists of those that are asked for are stepped through: one of
// every second row costs more than all the others save. So a few rare ones are asked for, and what they find has to be
// looked at for the whole terms. Which are rare is seen in the newest texts.
const (
	askedTrigrams = 3
	sampledTexts  = 200
	commonTexts   = sampledTexts / 20 // a trigram of more texts is asked for only if the search has no better
)

// RareTrigrams are the trigrams to ask for when terms, of three characters or more, are searched. newest reads texts like
// those that are searched; the first few are looked at.
func RareTrigrams(db *gorm.DB, newest string, terms []string) ([]string, error) {
	var sample []string
	if err := db.Raw(newest + " LIMIT " + strconv.Itoa(sampledTexts)).Scan(&sample).Error; err != nil {
		return nil, err
	}
	return rareTrigrams(terms, sample), nil
}

// rareTrigrams picks, rare ones first, trigrams that share no more than a character, for neighbours say much the same; and
// then neighbours too, if that leaves too few.
func rareTrigrams(terms, sample []string) (out []string) {
	all := trigramsOf(terms, sample)
	var taken []trigram
	for _, neighbours := range []bool{false, true} {
		for i, t := range all {
			near := func(o trigram) bool { return t.term == o.term && t.start-o.start < 2 && o.start-t.start < 2 }
			switch {
			case len(out) == askedTrigrams, slices.Contains(out, t.text), i > 0 && t.texts > commonTexts:
			case neighbours, !slices.ContainsFunc(taken, near):
				taken, out = append(taken, t), append(out, t.text)
			}
		}
	}
	return out
}

// trigram is a piece of a term, where it was cut out, and how rare it is: in how many texts of the sample, and by its
// characters.
type trigram struct {
	text        string
	term, start int
	texts       int
	rarity      int
}

// trigramsOf cuts terms into trigrams that an index finds, the rarest first. pg_trgm knows letters and digits and where
// words begin and end: of a trigram around a punctuation mark it would not see much. Where there are only such, it gets
// them.
func trigramsOf(terms, sample []string) (all []trigram) {
	for i, term := range terms {
		letters := []rune(term)
		for start := range max(len(letters)-2, 0) {
			t := trigram{text: string(letters[start : start+3]), term: i, start: start, rarity: rarity(letters[start : start+3])}
			for _, text := range sample {
				if strings.Contains(text, t.text) {
					t.texts++
				}
			}
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b trigram) int { return cmp.Or(a.texts-b.texts, b.rarity-a.rarity) })
	if words := slices.DeleteFunc(slices.Clone(all), func(t trigram) bool { return !wordlike([]rune(t.text)) }); len(words) > 0 {
		return words
	}
	return all
}

// wordlike says whether the middle is a letter or a digit, or the last is one and begins a word.
func wordlike(trigram []rune) bool {
	letter := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	return letter(trigram[1]) || trigram[0] == ' ' && trigram[1] == ' ' && letter(trigram[2])
}

// common are the characters of names and addresses, the most frequent first. What is not among them is rare.
const common = " .earnioltsmhcd@ugkbpvfwyjzxq0123456789"

// rarity grows with how rarely the characters come together, as far as the characters alone tell.
func rarity(trigram []rune) (sum int) {
	for _, r := range trigram {
		if at := strings.IndexRune(common, r); at >= 0 {
			sum += at
		} else {
			sum += len(common)
		}
	}
	return sum
}
