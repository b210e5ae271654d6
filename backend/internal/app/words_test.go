package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

// TestFaults_AreSaidInEveryLanguage: whoever meets a code reads a sentence of their own language.
func TestFaults_AreSaidInEveryLanguage(t *testing.T) {
	t.Parallel()
	codes := fault.Codes()
	for _, lang := range languages[1:] {
		said := fault.Translations(lang)
		for _, code := range codes {
			if !slices.Contains(said, code) {
				t.Errorf("%s has no sentence in %s: write it into the messages/%s.json beside its declaration", code, lang, lang)
				continue
			}
			for _, name := range params(fault.Sentence(fault.Source, code, nil)) {
				if !slices.Contains(params(fault.Sentence(lang, code, nil)), name) {
					t.Errorf("%s in %s leaves out {%s}", code, lang, name)
				}
			}
		}
		for _, code := range said {
			if !slices.Contains(codes, code) {
				t.Errorf("%s has a sentence in %s and nobody declares it", code, lang)
			}
		}
	}
}

// params are the names in braces of a sentence.
func params(sentence string) (names []string) {
	for _, part := range strings.Split(sentence, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		names = append(names, name)
	}
	return names
}
