package mailtest

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
)

// Attacks are what people have put into names and messages to make a mail say or do something else.
var Attacks = []string{
	`</td><a href=https://evil.test>Reset</a><img src=https://evil.test/p.gif>`,
	`<style>*{display:none}</style><script>alert(1)</script>`,
	`{{.Code}}{{.Secret}} ${7*7} <%= 1 %>`,
	`&lt;a href=&quot;https://evil.test&quot;&gt;`,
	`Invoice 4471 paid call +1 800 555 0199`,
	`PayPal.com Support http://evil.test/login`,
	"\u202egnp.exe", "x\u2066y\u2069\u2069\u2069z", "a\u200b\u2060\ufeffb", "\ue000bold\ue001",
	"ＷＷＷ．evil．test", "evil。test",
	"a\r\nBcc: e@evil.test", "a\nBcc: e@evil.test", "a\rBcc: e@evil.test", "a%0d%0aBcc: e@evil.test",
	"a\u2028Bcc: e@evil.test\u2029b", "nul\x00 esc\x1b[31m bell\x07", "a\r\n.\r\nMAIL FROM:<e@evil.test>\r\nRCPT TO:<v@evil.test>",
	`x> ORCPT=rfc822;e@evil.test`, `"quoted" 'single' \back`, "=?utf-8?q?=0d=0aBcc:_e@evil.test?=",
	"مرحبا عالم", "\xff\xfe broken", strings.Repeat("long ", 400), strings.Repeat("W", 3000), strings.Repeat(`"&`, 3000),
}

// Harmless renders the letter twice, as it is in life and with an attack in every variable, and fails the test unless
// the attack is nothing but text: the same elements, the same header fields, no address but ours, no invisible character.
func Harmless(t *testing.T, attack string, letter func(hostile bool) (*notification.Letter, error)) {
	t.Helper()
	render := func(hostile bool) *notification.Message {
		l, err := letter(hostile)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Previewer(t).Message(l)
		if err != nil {
			t.Fatalf("%.60q: %v", attack, err)
		}
		return m
	}
	usual, got := render(false), render(true)
	Gates(t, got)
	if shape(t, usual) != shape(t, got) {
		t.Errorf("%.60q changes the elements of the page", attack)
	}
	if a, b := names(t, usual), names(t, got); a != b {
		t.Errorf("%.60q changes the header fields: %s, want %s", attack, b, a)
	}
	for _, part := range []string{got.Text, got.Subject} {
		if strings.ContainsFunc(part, func(r rune) bool {
			return r != '\n' && r != '\u2068' && r != '\u2069' && r != '\u200c' && r != '\u200d' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co)
		}) {
			t.Errorf("%.60q leaves an invisible character", attack)
		}
		if strings.Count(part, "\u2068") != strings.Count(part, "\u2069") {
			t.Errorf("%.60q leaves an isolate open", attack)
		}
	}
	head, _, _ := bytes.Cut(got.Source, []byte("\r\n\r\n"))
	if bytes.Contains(bytes.ToLower(head), []byte("\nbcc")) {
		t.Errorf("%.60q reaches the header", attack)
	}
}

// shape leaves out line breaks, which follow the length of a text.
func shape(t testing.TB, m *notification.Message) string {
	t.Helper()
	return strings.ReplaceAll(Shape(t, m.HTML), "br\nbdi\n", "")
}

func names(t testing.TB, m *notification.Message) string {
	t.Helper()
	var all []string
	for _, h := range Headers(t, m.Source) {
		all = append(all, h[0])
	}
	return strings.Join(all, " ")
}
