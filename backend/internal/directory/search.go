package directory

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// wordGap stands before every word of search_text. With it, the shortest search, one letter where a word begins, is
// still three characters long: one trigram, which both engines look up.
const wordGap = "  "

// searchText is what a person is found by.
func searchText(parts ...string) string {
	words := strings.Fields(database.Fold(strings.Join(parts, " ")))
	if len(words) == 0 {
		return ""
	}
	return wordGap + strings.Join(words, wordGap)
}

// searchTerms are the texts that search_text must all contain, for a search as a person typed it: words of three or more
// characters anywhere, shorter ones where a word begins. ok is false when the search has words but no letter or digit
// at all: nobody is found by that, and PostgreSQL has no trigram to look up.
func searchTerms(search string) (terms []string, ok bool) {
	words := strings.Fields(database.Fold(search))
	for _, word := range words {
		ok = ok || strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
		if utf8.RuneCountInString(word) < 3 {
			word = wordGap + word
		}
		terms = append(terms, word)
	}
	return terms, ok || len(words) == 0
}

// likePattern finds term anywhere, every character literal.
func likePattern(term string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(term) + "%"
}

// ftsQuery is an FTS5 expression that wants every term, every character literal (sqlite.org/fts5.html §3.1: a string in
// double quotes, inner ones doubled; the trigram tokenizer then reads its spaces and punctuation as they are).
func ftsQuery(terms []string) string {
	quoted := make([]string, len(terms))
	for i, term := range terms {
		quoted[i] = `"` + strings.ReplaceAll(term, `"`, `""`) + `"`
	}
	return strings.Join(quoted, " AND ")
}

// inLanguage picks the text for a reader of lang ("de-AT" reads "de"), else English, else the first by name.
func inLanguage(texts map[string]string, lang string) string {
	base, _, _ := strings.Cut(lang, "-")
	for _, l := range []string{lang, base, "en"} {
		if text := texts[l]; text != "" {
			return text
		}
	}
	first, text := "", ""
	for l, t := range texts {
		if t != "" && (first == "" || l < first) {
			first, text = l, t
		}
	}
	return text
}
