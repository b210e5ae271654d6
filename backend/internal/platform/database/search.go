package database

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
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
// the term is literal. Both engines answer from a trigram index (docs/adr/0002): pg_trgm by LIKE, FTS5 by MATCH
// on {table}_fts. Terms of one or two characters have no trigram: they match where a word begins.
//
// table is a name from the code, never from a request. An empty term gives an empty condition.
func Match(dialect Dialect, table, term string) (condition string, args []any) {
	term = Fold(term)
	if term == "" {
		return "", nil
	}
	like := escapeLike(term)
	if utf8.RuneCountInString(term) < 3 {
		return "(" + table + ".search_text LIKE ? ESCAPE '\\' OR " + table + ".search_text LIKE ? ESCAPE '\\')", []any{like + "%", "% " + like + "%"}
	}
	if dialect == Postgres {
		return table + ".search_text LIKE ? ESCAPE '\\'", []any{"%" + like + "%"}
	}
	fts := table + "_fts"
	return table + ".seq IN (SELECT rowid FROM " + fts + " WHERE " + fts + " MATCH ?)", []any{`"` + strings.ReplaceAll(term, `"`, `""`) + `"`}
}

func escapeLike(term string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(term)
}
