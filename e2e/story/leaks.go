package story

import (
	"slices"
	"strings"
)

// codeLength is how many digits a code has; every other secret is longer.
const codeLength = 6

// leaks are those secrets that text holds. A code is one only where it stands as a word or value of its own: six digits
// also turn up inside times and durations. The text is read once, however many secrets there are: a run has thousands, and
// megabytes of log.
func leaks(text string, secrets []string) (found []string) {
	known, lengths := map[string]bool{}, []int{}
	for _, secret := range secrets {
		if wordEnd(secret, 0) != len(secret) { // no word: there are hardly any
			if strings.Contains(text, secret) {
				found = append(found, secret)
			}
			continue
		}
		known[secret] = true
		if n := len(secret); n > codeLength && !slices.Contains(lengths, n) {
			lengths = append(lengths, n)
		}
	}
	for begin := 0; begin < len(text); begin++ {
		end := wordEnd(text, begin)
		if end-begin >= codeLength && known[text[begin:begin+codeLength]] && standsAlone(text, begin, end) {
			found = append(found, text[begin:begin+codeLength])
		}
		for _, n := range lengths {
			for at := begin; at+n <= end; at++ {
				if known[text[at:at+n]] {
					found = append(found, text[at:at+n])
				}
			}
		}
		begin = end
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// wordEnd is where the letters of tokens (RFC 4648 §5) that begin at the given place end.
func wordEnd(text string, at int) int {
	for at < len(text) {
		c := text[at]
		if ('a' > c || c > 'z') && ('A' > c || c > 'Z') && ('0' > c || c > '9') && c != '-' && c != '_' {
			break
		}
		at++
	}
	return at
}

// standsAlone says whether the code with which a word begins is a word or value of its own.
func standsAlone(text string, begin, end int) bool {
	before := text[max(0, begin-len("code ")):begin]
	if before == "code " || before == "code=" {
		return true
	}
	if begin == 0 || end == len(text) || end-begin != codeLength {
		return false
	}
	return slices.Contains([]string{`""`, "  ", "=&", `/"`}, text[begin-1:begin]+text[end:end+1])
}
