package flow

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// isEdge is the white space that falls away at the ends of answers: what ECMAScript's String.prototype.trim drops.
func isEdge(r rune) bool {
	return r == '\ufeff' || r != '\u0085' && unicode.IsSpace(r)
}

// characters refuses what has no place in an answer: control characters (a line break and a tab are fine in a long
// text), line and paragraph separators, bidi embeddings, overrides and isolates, invisible tags, noncharacters.
func (f Field) characters(s string) string {
	return when(strings.ContainsFunc(s, func(r rune) bool {
		return isHostile(r) && !(f.Type == TypeLongText && (r == '\n' || r == '\t'))
	}), "answer_characters")
}

func isHostile(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\ufeff', r == utf8.RuneError:
		return true
	case '\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069': // UAX #9: LRE RLE PDF LRO RLO, LRI RLI FSI PDI
		return true
	case '\U000e0000' <= r && r <= '\U000e007f', '\ufdd0' <= r && r <= '\ufdef', r&0xfffe == 0xfffe:
		return true
	}
	return false
}

type nameKind int

const (
	notName nameKind = iota
	personName
	workName
)

// Most characters of names, whatever a field allows: names reach mails.
const capPersonName, capWorkName = 64, 100

// nameTokens are the autocomplete tokens (HTML, autofill detail tokens) of answers that reach mails as names.
var nameTokens = map[string]nameKind{
	"name": personName, "given-name": personName, "additional-name": personName, "family-name": personName, "nickname": personName,
	"organization": workName, "organization-title": workName,
}

// nameKind says by which rule the answer is held to be a name. It follows from autocomplete, which Read fills for the
// fields of Profile, so that the browser knows it too.
func (f Field) nameKind() nameKind {
	if f.Type != TypeText {
		return notName
	}
	return nameTokens[f.Autocomplete]
}

var (
	personForm = regexp.MustCompile(`^[\p{L}\p{M} .'’-]*\p{L}[\p{L}\p{M} .'’-]*$`)
	workForm   = regexp.MustCompile(`^[\p{L}\p{M}\p{Nd} .'’&,/()-]*\p{L}[\p{L}\p{M}\p{Nd} .'’&,/()-]*$`)
	hostLike   = regexp.MustCompile(`[\p{L}\p{M}\p{Nd}-]\.[\p{L}\p{M}]{2}`)
	manyDigits = regexp.MustCompile(`(\p{Nd}.*?){7}`)
)

// acceptsName holds names of people and companies to what a mail may repeat (security.md T60): letters, marks, space and
// .'- for people; digits and &,/() too for companies and job titles. Nothing that reads as a web address, no seven digits.
func acceptsName(s string, kind nameKind) bool {
	switch kind {
	case personName:
		return personForm.MatchString(s) && !leadsAway(s)
	case workName:
		return workForm.MatchString(s) && !leadsAway(s)
	}
	return true
}

// leadsAway says whether s holds what a mail client makes a link of, or a telephone number.
func leadsAway(s string) bool {
	return strings.Contains(lowerASCII(s), "www.") || hostLike.MatchString(s) || manyDigits.MatchString(s)
}

func upperASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, s)
}
