package email_test

import (
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	gomail "github.com/wneessen/go-mail"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

func TestParse_accepts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, stored, canonical string }{
		{"plain", "maria@fabrikam.de", "maria@fabrikam.de", "maria@fabrikam.de"},
		{"case of the local part is kept for delivery and folded to compare", "Maria.L@Fabrikam.DE", "Maria.L@fabrikam.de", "maria.l@fabrikam.de"},
		{"white space around a pasted address", " \tmaria@fabrikam.de\r\n", "maria@fabrikam.de", "maria@fabrikam.de"},
		{"plus addresses are people's own filters", "maria+contoso@fabrikam.de", "maria+contoso@fabrikam.de", "maria+contoso@fabrikam.de"},
		{"every other atext character", "a!#$%&'*-/?^=_`{|}~@b.co", "a!#$%&'*-/?^=_`{|}~@b.co", "a!#$%&'*-/?^=_`{|}~@b.co"},
		{"an internationalised domain becomes A-labels", "k@müller.example", "k@xn--mller-kva.example", "k@xn--mller-kva.example"},
		{"and so does one in capitals", "k@MÜLLER.example", "k@xn--mller-kva.example", "k@xn--mller-kva.example"},
		{"A-labels as typed", "k@xn--mller-kva.example", "k@xn--mller-kva.example", "k@xn--mller-kva.example"},
		{"sharp s stays itself, it is not ss", "k@straße.example", "k@xn--strae-oqa.example", "k@xn--strae-oqa.example"},
		{"the longest local part", strings.Repeat("a", 64) + "@b.co", strings.Repeat("a", 64) + "@b.co", strings.Repeat("a", 64) + "@b.co"},
		{"a lookalike in Cyrillic is another domain, not example.org", "mike@exаmple.org", "mike@xn--exmple-4nf.org", "mike@xn--exmple-4nf.org"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := email.Parse(tc.in)
			require.NoError(t, err)
			require.Equal(t, tc.stored, got.String())
			require.Equal(t, tc.canonical, got.Canonical())
		})
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	label63 := strings.Repeat("d", 63)
	for _, tc := range []struct{ name, in string }{
		{"nothing", ""},
		{"no at sign", "corp.com"},
		{"no local part", "@corp.com"},
		{"no domain", "a@"},
		{"quoted local part that hides a second domain", `"a@corp.com"@evil.com`},
		{"quoted local part", `"a b"@corp.com`},
		{"comment", "a@corp.com(evil)"},
		{"group", "g: a@corp.com;"},
		{"display name", "Bob <a@corp.com>"},
		{"angle brackets", "<a@corp.com>"},
		{"encoded word", "=?utf-8?q?a=40corp.com=3e?=@evil.com"},
		{"address literal", "a@[127.0.0.1]"},
		{"bare IP address", "a@127.0.0.1"},
		{"single label", "a@localhost"},
		{"two addresses", "a@corp.com,b@evil.com"},
		{"two addresses, semicolon", "a@corp.com;b@evil.com"},
		{"NUL at the end", "a@corp.com\x00"},
		{"header injection", "a@corp.com\r\nBcc: e@evil.com"},
		{"line break inside the local part", "a\n@corp.com"},
		{"envelope parameter", "x> ORCPT=rfc822;e@evil.com"},
		{"source route", "@hop.example:a@corp.com"},
		{"local part of 65 characters", strings.Repeat("a", 65) + "@corp.com"},
		{"255 characters in all", strings.Repeat("a", 62) + "@" + label63 + "." + label63 + "." + strings.Repeat("d", 61) + ".co"},
		{"label of 64 characters", "a@" + label63 + "d.co"},
		{"leading dot", ".a@corp.com"},
		{"trailing dot in the local part", "a.@corp.com"},
		{"two dots", "a..b@corp.com"},
		{"trailing dot of the domain", "a@corp.com."},
		{"empty label", "a@corp..com"},
		{"underscore in the domain", "a@co_rp.com"},
		{"hyphen at a label's edge", "a@-corp.com"},
		{"dotless i in the local part", "mıke@example.org"},
		{"Kelvin sign in the local part", "\u212Aim@example.org"},
		{"long s in the local part", "ſam@example.org"},
		{"fullwidth local part", "ＭＩＫＥ@example.org"},
		{"decomposed accent in the local part", "rene\u0301@example.org"},
		{"Kelvin sign in the domain must not become k", "a@\u212Aorp.com"},
		{"fullwidth domain must not become ASCII", "a@ｃｏｒｐ.com"},
		{"one fullwidth letter beside a real umlaut", "a@ｃmüller.com"},
		{"ideographic full stop", "a@corp。com"},
		{"ligature", "a@of\uFB01ce.com"},
		{"decomposed umlaut in the domain", "a@mu\u0308ller.com"},
		{"zero-width space in the domain", "a@co\u200Brp.com"},
		{"zero-width joiner in the domain", "a@co\u200Drp.com"},
		{"soft hyphen in the domain", "a@co\u00ADrp.com"},
		{"right-to-left override", "a@co\u202Erp.com"},
		{"right-to-left mark before it all", "\u200Fa@corp.com"},
		{"no-break space before it all", "\u00A0a@corp.com"},
		{"variation selector", "a@co\uFE0Frp.com"},
		{"punycode of plain ASCII", "a@xn--corp-.com"},
		{"punycode that is none", "a@xn--99999999.com"},
		{"invalid UTF-8", "a@co\xffrp.com"},
		{"percent-encoded line break in the domain", "a@corp.com%0d%0a"},
		{"line separator", "a@corp.com\u2028x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := email.Parse(tc.in)
			require.ErrorIs(t, err, email.ErrInvalid, "read as %q", got)
			require.True(t, got.IsZero())
			require.Empty(t, got.String()+got.Canonical())
		})
	}
}

// Every character whose simple case folding reaches ASCII must stay out, or two people share a mailbox.
func TestParse_neverFoldsUnicodeToASCII(t *testing.T) {
	t.Parallel()
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		for _, s := range []string{string(r) + "im@corp.com", "kim@" + string(r) + "orp.com"} {
			a, err := email.Parse(s)
			if err == nil && !strings.Contains(a.Domain, "xn--") {
				t.Fatalf("%U became ASCII: %q", r, a)
			}
		}
	}
}

// plainAddress is all that row T22 of docs/security.md lets through (RFC 5322 dot-atom, RFC 1123 host names).
var plainAddress = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+/=?^_{|}~\x60-]+(\.[A-Za-z0-9!#$%&'*+/=?^_{|}~\x60-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// TestCanonical_isComparedAlikeEverywhere: what Go holds for one address, both databases hold for one, and no collation
// holds two for one.
func TestCanonical_isComparedAlikeEverywhere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		distinct := map[string]bool{}
		for _, local := range []string{"mike", "Mike", "MIKE", "mike.", "m.ike", "mike+x", "mike+X", "mi_ke", "mi%ke", "straße", "mıke", "ſam", "sam", "a'b", "a~b", "0", "00"} {
			for _, domain := range []string{
				"example.org", "EXAMPLE.org", "exаmple.org", "example.org.", "müller.example", "MÜLLER.example", "mu\u0308ller.example", "muller.example",
				"xn--mller-kva.example", "straße.example", "strasse.example", "xn--strae-oqa.example", "日本.example", "i.example", "ı.example", "İ.example",
			} {
				a, err := email.Parse(local + "@" + domain)
				if err != nil {
					continue
				}
				distinct[a.Canonical()] = true
				err = db.InTx(t.Context(), func(tx *database.Tx) error {
					return tx.Exec("INSERT INTO directory_organisations (id, name, domain, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (domain) DO NOTHING",
						local+"@"+domain, "", a.Canonical(), clk.Now()).Error
				})
				require.NoError(t, err)
			}
		}
		var kept []string
		require.NoError(t, db.Read(t.Context()).Raw("SELECT domain FROM directory_organisations").Scan(&kept).Error)
		require.ElementsMatch(t, slices.Collect(maps.Keys(distinct)), kept)
		require.Greater(t, len(kept), 40)
	})
}

// foldsAndVectors are the letters that some case folding, compatibility or IDNA mapping takes to an ASCII one, each in a
// local part and in a domain, and what IDNA's own tests are fond of (UTS #46, RFC 5892).
func foldsAndVectors() (all []string) {
	for _, r := range "ıİſKÅſﬀﬁﬅªºⁱⁿ①ⓐａＡ㏂℃℡™\u017F\u212A\u212B\u1E9E\u0131" {
		all = append(all, string(r)+"im@corp.com", "kim@"+string(r)+"orp.com", "kim@corp."+string(r)+"om", "kim@cor"+string(r)+".com")
	}
	for _, domain := range []string{
		"faß.de", "fass.de", "xn--fa-hia.de", "βόλος.com", "βόλοσ.com", "xn--nxasmm1c.com", "نامه\u200cای.com", "ශ්\u200dරී.com", "☃.net", "xn--n3h.net", "Bücher.ch", "xn--bcher-kva.ch",
		"a。com", "a．com", "a｡com", "日本語。ＪＰ", "xn--a.pt", "xn--a-ä.pt", "xn--.com", "xn--xn---epa.com", "ab--cd.com", "0à.א", "à\u05D0.com", "א0.com", "a.b.c.d.", "\u0300a.com", "a\u00B7b.cat", "l·l.cat",
		"\u0660\u06F0.com", "．．com", "xn--0.pt", "xn--a-\u00ADb.com", "1.2.3.4", "0x7f.1", "a.123", "xn--53h.com", "xn--80ak6aa92e.com",
	} {
		all = append(all, "kim@"+domain)
	}
	return all
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"maria@fabrikam.de", "Maria+x@MÜLLER.example", `"a@corp.com"@evil.com`, "a@corp.com(evil)", "g: a@corp.com;",
		"=?utf-8?q?a=40corp.com=3e?=@evil.com", "a@xn--mller-kva.example", "mıke@example.org", "a@corp.com.", "a@1.2.3.4",
		"a@\u05D0\u05D1.example", "a@xn--a.xn--b", "a@ß.de", "a@fa\u00DF.de", "a@日本.example",
	} {
		f.Add(s)
	}
	for _, s := range foldsAndVectors() {
		f.Add(s)
	}
	rules, _, err := email.ParseRules([]string{"corp.com", "*.fabrikam.example", "xn--mller-kva.example"}, []string{"bad.fabrikam.example"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := email.Parse(s)
		if err != nil {
			return
		}
		stored := a.String()
		for _, r := range stored {
			if r <= ' ' || r >= 0x7f {
				t.Fatalf("%q: stored form holds %U", s, r)
			}
		}
		if len(stored) > email.MaxLength || strings.Count(stored, "@") != 1 || !strings.Contains(a.Domain, ".") {
			t.Fatalf("%q: outside the grammar: %q", s, stored)
		}
		if !plainAddress.MatchString(stored) {
			t.Fatalf("%q: %q is no dot-atom at a domain of letters, digits and hyphens", s, stored)
		}
		for _, r := range s { // a letter that only looks like an ASCII one never becomes it: two people, one mailbox
			if r >= 0x80 && !strings.Contains(a.Domain, "xn--") {
				t.Fatalf("%q: %U became plain ASCII: %q", s, r, stored)
			}
		}
		again, err := email.Parse(stored)
		if err != nil || again != a {
			t.Fatalf("%q: stored form %q reads as %q, %v", s, stored, again, err)
		}
		canonical, err := email.Parse(a.Canonical())
		if err != nil || canonical.Canonical() != a.Canonical() || canonical.Domain != a.Domain {
			t.Fatalf("%q: canonical form is not stable: %q, %v", s, a.Canonical(), err)
		}
		std, err := mail.ParseAddress(stored)
		if err != nil || std.Address != stored || std.Name != "" {
			t.Fatalf("%q: net/mail reads %q as %+v, %v", s, stored, std, err)
		}
		msg := gomail.NewMsg()
		if err := msg.To(stored); err != nil {
			t.Fatalf("%q: go-mail refuses %q: %v", s, stored, err)
		}
		to, err := msg.GetRecipients()
		if err != nil || len(to) != 1 || to[0] != "<"+stored+">" {
			t.Fatalf("%q: go-mail would send to %q, not %q", s, to, stored)
		}
		// What is judged is where the mail goes: the domain that a mail server reads in RCPT TO.
		dialled := strings.TrimSuffix(to[0][strings.LastIndexByte(to[0], '@')+1:], ">")
		own, err := email.ParseRule(dialled)
		if dialled != a.Domain || rules.Accept(dialled) != rules.Accept(a.Domain) || err == nil && !own.Match(a.Domain) {
			t.Fatalf("%q: the domain %q is judged, and %q is written to", s, a.Domain, dialled)
		}
	})
}
