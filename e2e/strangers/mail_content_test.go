package strangers

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

var hrefs = regexp.MustCompile(`(href|src)="([^"]*)"`)

// Row T59: what people type is text in mails, never markup.
func TestT59_TypedMarkupStaysText(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		hostile := `</td><a href=https://evil.test>Reset</a><img src=https://evil.test/p.gif> {{.Secret}} <style>*{}</style> &lt;b&gt;`
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered("purpose", hostile))
		id, sponsor := tn.RequestID(t, maria.Ref), tn.Member(t, story.Jonas)
		toStaff := tn.LetterAbout(t, story.Jonas, maria.Ref)
		sponsor.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Why? " + hostile}).Is(http.StatusOK)
		question := maria.Letter()
		sponsor.Decides(id, "deny", map[string]any{"reason": hostile, "shareReason": true}).Is(http.StatusOK)
		for _, html := range []string{toStaff.HTML, question.HTML, maria.Letter().HTML} {
			lower := strings.ToLower(html)
			require.NotContains(t, lower, "<a href=https://evil.test")
			require.NotContains(t, lower, "<img src=https://evil.test")
			require.NotContains(t, lower, "<style>*{}")
			require.NotContains(t, lower, "<script")
			for _, href := range hrefs.FindAllStringSubmatch(html, -1) {
				ours := strings.HasPrefix(href[2], tn.Plan.Public+"/") || strings.HasPrefix(href[2], "cid:") || strings.HasPrefix(href[2], "mailto:")
				require.True(t, ours, "a mail leads to %s", href[2])
			}
		}
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Decisions: 1, Messages: 1, Mails: 4, Codes: 1, States: "denied"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted", "approval.asked", "approval.denied"}})
	})
}

// Row T60: nothing an applicant typed is mailed before proof, and names are names.
func TestT60_ACodeMailHoldsNothingThatWasTyped(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		lure := tn.BrowserOf(t, "invoice.4471.call.1-800-555-0199-"+story.Unique()+"@fabrikam.example")
		lure.Begins(story.Partner)
		lure.Gives(lure.Address).Is(http.StatusAccepted)
		l := lure.Letter()
		local, _, _ := strings.Cut(lure.Address, "@")
		require.NotContains(t, l.Subject+l.Text+l.HTML, local, "the address itself may be the lure")
		require.NotContains(t, l.From.Name, local)
		lure.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started"}})
	})
}

func TestT60_NamesThatAreLuresAreRefused(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner).Speaks("de")
		maria.LeavesNoTrace(func() {
			for _, name := range []string{
				"Invoice 4471 paid call +1 800 555 0199", "PayPal.com Support", "evil.test/login", "\u202egnp.exe", "ＷＷＷ．evil．test", "www.evil.test",
				"http://evil.test", "Mari\u200ba@evil", "Maria 😀", "a@b.de",
			} {
				a := maria.Sends(story.Partner, story.Answered("givenName", name)).Is(http.StatusUnprocessableEntity)
				require.Equal(t, "/answers/givenName", a.Text("errors.0.pointer"), "%q: %s", name, a)
			}
			maria.Sends(story.Partner, story.Answered("givenName", strings.Repeat("a", 65))).Is(http.StatusUnprocessableEntity)
		})
		maria.Sends(story.Partner, story.Answered("givenName", "Zoë-Renée", "surname", "O’Brien d'Étoile")).Is(http.StatusAccepted)
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted"}})
	})
}

// Row T61: no line break leaves a field for a header or a command.
func TestT61_NoFieldReachesAHeaderOrACommand(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner)
		maria.LeavesNoTrace(func() {
			for _, tail := range []string{"\r\nBcc: e@evil.test", "\rBcc: e@evil.test", "\nBcc: e@evil.test", "\u2028Bcc: e@evil.test", "\x00", "\r\n.\r\nMAIL FROM:<e@evil.test>"} {
				maria.Sends(story.Partner, story.Answered("surname", "Lindqvist"+tail)).Is(http.StatusUnprocessableEntity)
				maria.Sends(story.Partner, story.Answered("company", "Fabrikam"+tail)).Is(http.StatusUnprocessableEntity)
			}
		})
		maria.Sends(story.Partner, story.Answered("purpose", "One\nBcc: e@evil.test\n\n.\nTwo")).Is(http.StatusAccepted)
		id := tn.RequestID(t, maria.Ref)
		l := tn.LetterAbout(t, story.Jonas, maria.Ref)
		tn.Member(t, story.Jonas).Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "A\r\nBcc: e@evil.test\r\n.\r\nB"})
		tn.LetterAbout(t, maria.Address, "Bcc: e@evil.test")
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
		if stand := tn.Mail.Stand(); stand != nil {
			require.NotContains(t, stand.Wire(), "RCPT TO:<e@evil.test>")
			require.NotContains(t, stand.Wire(), "ORCPT")
		}
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Messages: 1, Mails: 3, Codes: 1, States: "needs_info"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted", "approval.asked"}})
	})
}
