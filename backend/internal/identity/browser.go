package identity

import (
	"crypto/subtle"
	"net/url"
	"path"
	"strings"
	"unicode"

	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// maxReturnTo is the longest path to return to, in bytes.
const maxReturnTo = 500

// safeReturnTo is the path to go to after signing in, if it is one of this host, and "" for everything else. It begins
// with one slash and neither a slash nor a backslash behind it; browsers read "/\" as "//", drop tabs and line breaks,
// and resolve dot segments, so nothing of that kind is let in (security.md F03).
func safeReturnTo(s string) string {
	if len(s) == 0 || len(s) > maxReturnTo || s[0] != '/' || strings.HasPrefix(s, "//") || strings.ContainsRune(s, '\\') {
		return ""
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return r == unicode.ReplacementChar || unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
	}) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Opaque != "" || u.Host != "" || u.User != nil {
		return ""
	}
	if strings.ContainsAny(u.Path, "\\") || strings.Contains(u.Path, "//") || !isClean(u.Path) {
		return ""
	}
	return s
}

// isClean says whether p, decoded, holds no dot segments and no control characters.
func isClean(p string) bool {
	trimmed := strings.TrimSuffix(p, "/")
	return (trimmed == "" || path.Clean(trimmed) == trimmed) && !strings.ContainsFunc(p, unicode.IsControl)
}

// DescribeAgent is what a User-Agent tells, coarsely: "Chrome on Android". Empty if it says nothing known: what a
// stranger writes there must not come into a mail.
func DescribeAgent(agent string) string {
	browser, system := firstIn(agent, browsers), firstIn(agent, systems)
	switch {
	case browser == "" || system == "":
		return browser + system
	default:
		return browser + " on " + system
	}
}

// Each browser names the ones it imitates as well, so the order decides.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"FxiOS", "Firefox"}, {"Firefox", "Firefox"},
		{"CriOS", "Chrome"}, {"Chrome", "Chrome"}, {"Safari", "Safari"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "Mac"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

func firstIn(agent string, marks [][2]string) string {
	for _, mark := range marks {
		if strings.Contains(agent, mark[0]) {
			return mark[1]
		}
	}
	return ""
}

// sameToken compares in constant time what is stored of a token with one that was given; "" is none.
func sameToken(hash []byte, token string) bool {
	return token != "" && subtle.ConstantTimeCompare(hash, ids.HashToken(token)) == 1
}
