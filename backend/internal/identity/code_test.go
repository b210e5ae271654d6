package identity

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestDigitsOf_readsWhatPeopleType(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, typed, want string
		ok                bool
	}{
		{"as mailed", "482913", "482913", true},
		{"leading zeros count", "000042", "000042", true},
		{"grouped by a mail program", "482 913", "482913", true},
		{"with a dash, as people read it out", "482-913", "482913", true},
		{"with a typographic dash", "482–913", "482913", true},
		{"pasted with a no-break space and a line end", "\u00a0482913\r\n", "482913", true},
		{"pasted with invisible direction marks, as in Arabic mails", "\u2066482913\u2069", "482913", true},
		{"full-width digits of a Japanese keyboard", "４８２９１３", "482913", true},
		{"Arabic-Indic digits", "٤٨٢٩١٣", "482913", true},
		{"Persian digits", "۴۸۲۹۱۳", "482913", true},
		{"Devanagari digits", "४८२९१३", "482913", true},
		{"too short", "48291", "48291", false},
		{"too long", "4829133", "4829133", false},
		{"nothing", "", "", false},
		{"letters are no digits, even if they look like them", "48291O", "", false},
		{"superscripts are no decimal digits", "48291³", "", false},
		{"a circled digit is none either", "48291③", "", false},
		{"a minus sign is no dash", "482−913", "", false},
		{"endless input is not read to its end", strings.Repeat("1", 10_000), "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, ok := digitsOf(tc.typed)
			require.Equal(t, tc.ok, ok)
			if ok {
				require.Equal(t, tc.want, got)
			}
		})
	}
}

func TestDigitValue_countsInEveryScript(t *testing.T) {
	t.Parallel()
	next := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			require.Zero(t, next, "the run of digits before %U is not a multiple of ten", r)
			continue
		}
		require.Equal(t, next, digitValue(r), "%U", r)
		next = (next + 1) % 10
	}
}

func TestCoolDown_doublesUpToADay(t *testing.T) {
	t.Parallel()
	want := []time.Duration{time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 16 * time.Hour, 24 * time.Hour, 24 * time.Hour}
	for i, d := range want {
		require.Equal(t, d, coolDown(i+1), "the %d. cool-down", i+1)
	}
	require.Equal(t, 24*time.Hour, coolDown(1_000_000), "a count that nobody expected does not overflow")
}

func TestNextPause_aDayOfPeaceStartsTheRowAnew(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	require.Equal(t, 1, nextPause(nil, now), "the first cool-down")
	last := &tryRow{Tries: 2, WindowStart: now.Add(-2 * time.Hour)}
	require.Equal(t, 3, nextPause(last, now), "right after the second one ended")
	require.Equal(t, 3, nextPause(last, now.Add(24*time.Hour)), "a day later to the instant")
	require.Equal(t, 1, nextPause(last, now.Add(24*time.Hour+time.Second)), "after a day of peace")
}

func TestSecrets_bindACodeToPurposeSubjectAndLink(t *testing.T) {
	t.Parallel()
	k := secrets{mac: []byte(strings.Repeat("m", 32)), link: []byte(strings.Repeat("l", 32))}
	mac := k.codeMAC(PurposeSignin, "sin_1", "482913")
	require.NotEqual(t, mac, k.codeMAC(PurposeSignup, "sin_1", "482913"), "the purpose is part of the key")
	require.NotEqual(t, mac, k.codeMAC(PurposeSignin, "sin_2", "482913"), "the subject is part of the key")
	require.NotEqual(t, k.codeMAC("signin", "s1", "2"), k.codeMAC("signin", "s", "12"), "parts do not run into each other")

	sealed, err := k.seal("token", "cod_1", "482913")
	require.NoError(t, err)
	opened, err := k.open("token", "cod_1", sealed)
	require.NoError(t, err)
	require.Equal(t, "482913", opened)
	_, err = k.open("another", "cod_1", sealed)
	require.Error(t, err, "another link's token opens nothing")
	_, err = k.open("token", "cod_2", sealed)
	require.Error(t, err, "a sealed code cannot be moved to another row")
	require.NotContains(t, string(sealed), "482913")
}

// returnTos is what must not lead away from this host: security.md F03.
var returnTos = []struct {
	name, path string
	ok         bool
}{
	{"a guest's page", "/apps", true},
	{"the root", "/", true},
	{"a page with query and fragment", "/guests/gst_1?tab=timeline#top", true},
	{"a query may hold an address: it goes nowhere", "/decide/x?from=https://contoso.com", true},
	{"an escaped space in a name", "/guests?search=Maria%20Lindqvist", true},
	{"nothing", "", false},
	{"another host", "https://evil.test/", false},
	{"another host without a scheme", "//evil.test/", false},
	{"three slashes", "///evil.test", false},
	{"browsers read a backslash as a slash", `/\evil.test`, false},
	{"a backslash later on", `/apps\..\..\evil`, false},
	{"a tab is dropped by browsers: //evil.test", "/\t/evil.test", false},
	{"a line break is dropped as well", "/\n/evil.test", false},
	{"a header cannot be split", "/apps\r\nSet-Cookie: x=1", false},
	{"an escaped backslash", "/%5Cevil.test", false},
	{"an escaped slash", "/%2F/evil.test", false},
	{"an escaped slash alone", "/%2Fevil.test", false},
	{"an escaped line break", "/a%0d%0ab", false},
	{"a NUL", "/apps\x00", false},
	{"dot segments", "/../evil", false},
	{"dot segments in the middle", "/apps/../../x", false},
	{"escaped dot segments", "/%2e%2e//evil.test", false},
	{"a script", "javascript:alert(1)", false},
	{"relative", "apps", false},
	{"credentials before a host", "/@evil.test", true}, // a path: it stays here
	{"white space in front", " /apps", false},
	{"a zero-width space", "/\u200b/evil.test", false},
	{"not UTF-8", "/\xff\xfe", false},
	{"a broken escape", "/%zz", false},
	{"too long", "/" + strings.Repeat("a", 500), false},
}

func TestSafeReturnTo(t *testing.T) {
	t.Parallel()
	for _, tc := range returnTos {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := ""
			if tc.ok {
				want = tc.path
			}
			require.Equal(t, want, safeReturnTo(tc.path))
		})
	}
}

func FuzzReturnTo(f *testing.F) {
	for _, tc := range returnTos {
		f.Add(tc.path)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := safeReturnTo(s)
		if got == "" {
			return
		}
		if got != s {
			t.Fatalf("%q was changed into %q", s, got)
		}
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\t\r\n\x00") || !utf8.ValidString(got) {
			t.Fatalf("%q leads away", got)
		}
		// What a browser makes of it (WHATWG URL §4.4): control characters fall away, backslashes become slashes.
		browser := strings.ReplaceAll(strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(strings.TrimSpace(got)), `\`, "/")
		path, _, _ := strings.Cut(browser, "#")
		path, _, _ = strings.Cut(path, "?")
		if strings.HasPrefix(path, "//") || strings.Contains(path, "/../") {
			t.Fatalf("%q leads away in a browser: %q", got, browser)
		}
	})
}

func TestDescribeAgent_tellsLittleAndNothingOfStrangers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, agent, want string }{
		{"a phone", "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36", "Chrome on Android"},
		{"Edge names Chrome and Safari too", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "Edge on Windows"},
		{"an iPhone says it is like a Mac", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"},
		{"Firefox on a Mac", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Mac"},
		{"a program", "curl/8.5.0", ""},
		{"a stranger's sentence does not come into a mail", "Call +49 40 123456 to keep your account", ""},
		{"nothing", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, DescribeAgent(tc.agent))
		})
	}
}
