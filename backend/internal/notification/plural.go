package notification

import (
	"fmt"
	"slices"
	"strings"
)

// categories are the CLDR plural categories of whole numbers that a language needs; a phrase names each of them.
var categories = map[string][]string{
	"en": {"one", "other"},
	"de": {"one", "other"},
	"ar": {"zero", "one", "two", "few", "many", "other"},
}

// plural picks the form for n and puts n where # stands: {{plural .Count "one: # colleague" "other: # colleagues"}}.
// A form too few or too many is an error, so that every language says all it needs.
func plural(lang string, n int, forms ...string) (string, error) {
	found := map[string]string{}
	for _, form := range forms {
		category, text, ok := strings.Cut(form, ":")
		if !ok || !slices.Contains(categories[lang], category) {
			return "", fmt.Errorf("plural form %q: %s has %s", form, lang, strings.Join(categories[lang], ", "))
		}
		found[category] = strings.TrimSpace(text)
	}
	if len(found) != len(categories[lang]) {
		return "", fmt.Errorf("plural has %d forms: %s needs %s", len(found), lang, strings.Join(categories[lang], ", "))
	}
	return strings.ReplaceAll(found[categoryOf(lang, n)], "#", fmt.Sprint(n)), nil
}

// categoryOf follows CLDR 47 (supplemental/plurals.xml) for whole numbers.
func categoryOf(lang string, n int) string {
	if lang != "ar" {
		if n == 1 {
			return "one"
		}
		return "other"
	}
	switch {
	case n == 0:
		return "zero"
	case n == 1:
		return "one"
	case n == 2:
		return "two"
	case n%100 >= 3 && n%100 <= 10:
		return "few"
	case n%100 >= 11:
		return "many"
	}
	return "other"
}

// maxListed is how many entries of a list a mail shows.
const maxListed = 12

// joined puts the entries of a list into one phrase; separators differ by language.
func joined(separator string, entries []any) string {
	var parts []string
	for i, e := range entries {
		if i == maxListed {
			parts = append(parts, "…")
			break
		}
		if s := fmt.Sprint(e); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, separator)
}
