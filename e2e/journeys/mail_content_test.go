package journeys

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var hrefs = regexp.MustCompile(`(href|src)="([^"]*)"`)

// Row T59: what people type is text in mails, never markup.
func TestT59_TypedMarkupStaysText(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		hostile := `</td><a href=https://evil.test>Reset</a><img src=https://evil.test/p.gif> {{.Secret}} <style>*{}</style> &lt;b&gt;`
		maria := tn.visitor(t, "maria").asks(partner, answered("purpose", hostile))
		id, sponsor := tn.requestID(t, maria.ref), tn.member(t, jonas)
		toStaff := tn.letterAbout(t, jonas, maria.ref)
		sponsor.post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Why? " + hostile}).is(http.StatusOK)
		question := maria.letter()
		sponsor.decides(id, "deny", map[string]any{"reason": hostile, "shareReason": true}).is(http.StatusOK)
		for _, html := range []string{toStaff.HTML, question.HTML, maria.letter().HTML} {
			lower := strings.ToLower(html)
			require.NotContains(t, lower, "<a href=https://evil.test")
			require.NotContains(t, lower, "<img src=https://evil.test")
			require.NotContains(t, lower, "<style>*{}")
			require.NotContains(t, lower, "<script")
			for _, href := range hrefs.FindAllStringSubmatch(html, -1) {
				ours := strings.HasPrefix(href[2], tn.plan.Public+"/") || strings.HasPrefix(href[2], "cid:") || strings.HasPrefix(href[2], "mailto:")
				require.True(t, ours, "a mail leads to %s", href[2])
			}
		}
	})
}

// Row T60: nothing an applicant typed is mailed before proof, and names are names.
func TestT60_ACodeMailHoldsNothingThatWasTyped(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		lure := tn.browserOf(t, "invoice.4471.call.1-800-555-0199-"+unique()+"@fabrikam.example")
		lure.begins(partner)
		lure.gives(lure.address).is(http.StatusAccepted)
		l := lure.letter()
		local, _, _ := strings.Cut(lure.address, "@")
		require.NotContains(t, l.Subject+l.Text+l.HTML, local, "the address itself may be the lure")
		require.NotContains(t, l.From.Name, local)
	})
}

func TestT60_NamesThatAreLuresAreRefused(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner).speaks("de")
		maria.leavesNoTrace(func() {
			for _, name := range []string{
				"Invoice 4471 paid call +1 800 555 0199", "PayPal.com Support", "evil.test/login", "\u202egnp.exe", "ＷＷＷ．evil．test", "www.evil.test",
				"http://evil.test", "Mari\u200ba@evil", "Maria 😀", "a@b.de",
			} {
				a := maria.sends(partner, answered("givenName", name)).is(http.StatusUnprocessableEntity)
				require.Equal(t, "/answers/givenName", a.text("errors.0.pointer"), "%q: %s", name, a)
			}
			maria.sends(partner, answered("givenName", strings.Repeat("a", 65))).is(http.StatusUnprocessableEntity)
		})
		maria.sends(partner, answered("givenName", "Zoë-Renée", "surname", "O’Brien d'Étoile")).is(http.StatusAccepted)
	})
}

// Row T61: no line break leaves a field for a header or a command.
func TestT61_NoFieldReachesAHeaderOrACommand(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner)
		maria.leavesNoTrace(func() {
			for _, tail := range []string{"\r\nBcc: e@evil.test", "\rBcc: e@evil.test", "\nBcc: e@evil.test", "\u2028Bcc: e@evil.test", "\x00", "\r\n.\r\nMAIL FROM:<e@evil.test>"} {
				maria.sends(partner, answered("surname", "Lindqvist"+tail)).is(http.StatusUnprocessableEntity)
				maria.sends(partner, answered("company", "Fabrikam"+tail)).is(http.StatusUnprocessableEntity)
			}
		})
		maria.sends(partner, answered("purpose", "One\nBcc: e@evil.test\n\n.\nTwo")).is(http.StatusAccepted)
		id := tn.requestID(t, maria.ref)
		l := tn.letterAbout(t, jonas, maria.ref)
		tn.member(t, jonas).post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "A\r\nBcc: e@evil.test\r\n.\r\nB"})
		tn.letterAbout(t, maria.address, "Bcc: e@evil.test")
		head, _, _ := strings.Cut(strings.ReplaceAll(l.Raw, "\r\n", "\n"), "\n\n")
		require.NotContains(t, strings.ToLower(head), "\nbcc:")
		require.NotContains(t, head, "evil.test")
		for _, line := range strings.Split(strings.ReplaceAll(l.Raw, "\r\n", "\n"), "\n") {
			require.LessOrEqual(t, len(line), 998)
		}
		for _, name := range []string{"Message-Id", "Date", "Mime-Version", "Auto-Submitted", "From", "To", "Subject"} {
			found := 0
			for header, values := range l.Headers {
				if strings.EqualFold(header, name) {
					found += len(values)
				}
			}
			require.Equal(t, 1, found, name)
		}
		if stand := tn.mail.Stand(); stand != nil {
			require.NotContains(t, stand.Wire(), "RCPT TO:<e@evil.test>")
			require.NotContains(t, stand.Wire(), "ORCPT")
		}
	})
}

func TestMailsSpeakTheApplicantsLanguage(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").speaks("de")
		maria.begins(visitors)
		maria.gives(maria.address).is(http.StatusAccepted)
		l := maria.letter()
		require.Contains(t, l.HTML, `lang="de"`)
		require.NotRegexp(t, `\b(the|your|and)\b`, strings.ToLower(l.Text))
		arabic := tn.visitor(t, "yusuf").speaks("ar")
		arabic.begins(visitors)
		arabic.gives(arabic.address).is(http.StatusAccepted)
		require.Contains(t, arabic.letter().HTML, `dir="rtl"`)
	})
}
