package ids

import "strings"

// A reference is six random characters and a check character, each a number of the field GF(32). The weighted sum
// of all seven is zero, with the weights a^6 … a^0 for a root a of x^5+x^2+1. The weights are not zero, so one wrong
// character is always noticed; neighbours differ, so two swapped neighbours are too.
const (
	referenceRandom = 6
	referenceChars  = referenceRandom + 1
	fieldPolynomial = 0b100101
)

// ParseReference reads a reference as people type it: lower case, without dashes, with spaces, O for 0, I or L for 1.
// It returns the one written form and whether the check character agrees.
func ParseReference(s string) (string, bool) {
	var values [referenceChars]byte
	n := 0
	for _, r := range s {
		if r == '-' || r == '–' || r == ' ' || r == '\u00a0' {
			continue
		}
		v, ok := valueOf(r)
		if !ok || n == referenceChars {
			return "", false
		}
		values[n] = v
		n++
	}
	random := [referenceRandom]byte(values[:referenceRandom])
	if n != referenceChars || checkOf(random) != values[referenceRandom] {
		return "", false
	}
	return formatReference(random), true
}

func formatReference(random [referenceRandom]byte) string {
	out := make([]byte, 0, referenceChars+2)
	for i, v := range random {
		if i == 3 {
			out = append(out, '-')
		}
		out = append(out, alphabet[v])
	}
	return string(append(out, '-', alphabet[checkOf(random)]))
}

// checkOf is the last character's value. Horner's rule: ((x0·a + x1)·a + …)·a + x6 = 0, and minus is plus here.
func checkOf(random [referenceRandom]byte) byte {
	var sum byte
	for _, v := range random {
		sum = timesRoot(sum ^ v)
	}
	return sum
}

func timesRoot(v byte) byte {
	v <<= 1
	if v&32 != 0 {
		v ^= fieldPolynomial
	}
	return v
}

// valueOf reads one character, full-width forms included: phones of some languages type those.
func valueOf(r rune) (byte, bool) {
	if r >= '！' && r <= '～' {
		r -= '！' - '!'
	}
	if r >= 'a' && r <= 'z' {
		r -= 'a' - 'A'
	}
	switch r {
	case 'O':
		r = '0'
	case 'I', 'L':
		r = '1'
	}
	i := strings.IndexRune(alphabet, r)
	return byte(max(i, 0)), i >= 0
}
