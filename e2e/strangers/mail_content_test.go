package strangers

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
	"github.com/vestibule-id/vestibule/e2e/stack"
	"github.com/vestibule-id/vestibule/e2e/story"
)

// skeleton is what a mail's HTML is made of: elements with their attributes, in their order, without the words between
// them. Addresses must lead home; what stands behind the house's own address differs between mails.
func skeleton(t *testing.T, tn *story.Town, page string) string {
	t.Helper()
	var out strings.Builder
	for tokens := html.NewTokenizer(strings.NewReader(page)); tokens.Next() != html.ErrorToken; {
		token := tokens.Token()
		if token.Type == html.TextToken {
			continue
		}
		for i, a := range token.Attr {
			if a.Key != "href" && a.Key != "src" {
				continue
			}
			ours := strings.HasPrefix(a.Val, tn.Plan.Public+"/") || strings.HasPrefix(a.Val, "cid:") || strings.HasPrefix(a.Val, "mailto:")
			require.True(t, ours, "a mail leads to %s", a.Val)
			token.Attr[i].Val = "…"
		}
		out.WriteString(token.String() + "\n")
	}
	return out.String()
}

// lettersOf are the mails of a request that is asked about and denied, with these words in every field that takes them:
// what staff get, and what the applicant gets.
func lettersOf(t *testing.T, tn *story.Town, words string) (all []stack.Letter, who *story.Person) {
	t.Helper()
	maria := tn.Visitor(t, "maria").Proves(story.Partner)
	maria.Sends(story.Partner, story.Answered("purpose", words)).Is(http.StatusAccepted)
	all = append(all, maria.Letter(), tn.LetterAbout(t, story.Jonas, maria.Ref))
	id, sponsor := tn.RequestID(t, maria.Ref), tn.Member(t, story.Jonas)
	sponsor.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": words}).Is(http.StatusOK)
	all = append(all, maria.Letter())
	maria.Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": words}).Is(http.StatusOK)
	sponsor.Decides(id, "deny", map[string]any{"reason": words, "shareReason": true, "note": words}).Is(http.StatusOK)
	return append(all, maria.Letter()), maria
}

// Row T59: what people type is text in mails, never markup: with hostile words a mail is made of what it is made of with
// harmless ones, element by element.
func TestT59_TypedMarkupStaysText(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		hostile := `</td></table><a href=https://evil.test>Reset</a><img src=https://evil.test/p.gif> {{.Secret}} {{template "x"}} <style>*{}</style>` +
			` <!-- --> &lt;a href=&quot;https://evil.test&quot;&gt; "onmouseover=alert(1) <scr<script>ipt>`
		clean, _ := lettersOf(t, tn, "Compressor maintenance.")
		got, maria := lettersOf(t, tn, hostile)
		for i, l := range got {
			require.Equal(t, skeleton(t, tn, clean[i].HTML), skeleton(t, tn, l.HTML), l.Subject)
		}
		require.Contains(t, got[3].Text, "{{.Secret}}", "it is there, as it was typed")
		for _, name := range []string{"givenName", "surname", "company"} {
			p := tn.Visitor(t, "named").Proves(story.Partner).Speaks("de")
			p.LeavesNoTrace(func() {
				a := p.Sends(story.Partner, story.Answered(name, `<a href=https://evil.test>M</a>`)).Is(http.StatusUnprocessableEntity)
				require.Equal(t, "/answers/"+name, a.Text("errors.0.pointer"))
			})
		}
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Decisions: 1, Messages: 2, Mails: 4, Codes: 1, States: "denied"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted", "approval.asked", "approval.answered", "approval.denied"}})
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

// Row T60: whatever a stranger sends beside the address, the mail is byte for byte the one that anybody gets.
func TestT60_NothingThatIsSentBendsACodeMail(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		lure := "Invoice-4471 call 1-800-555-0199 http://evil.test"
		known := "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
		mails := map[string]map[string]bool{}
		for _, agent := range []string{known, known + " " + lure, known + "\t<b>" + lure} {
			for _, lang := range []string{"en", "en-GB, " + strings.ReplaceAll(lure, " ", "-"), "en;q=0.9, x-" + strings.Repeat("y", 400)} {
				p := tn.Visitor(t, "lure").With("User-Agent", agent).With("Accept-Language", lang).With("From", "e@evil.test").With("Referer", "http://evil.test/"+lure)
				p.Signup = p.Post("/api/v1/signups", map[string]any{"flow": story.Partner, "locale": "en"}).Is(http.StatusCreated).Text("id")
				p.Gives(p.Address).Is(http.StatusAccepted)
				keep(mails, "sign-up", p)
				p.Anonymous().Post("/api/v1/signin", map[string]any{"email": p.Address, "returnTo": "/" + strings.ReplaceAll(lure, " ", "-"), "locale": "en-" + lure[:7]}).Is(http.StatusOK)
				keep(mails, "sign-in", p)
			}
		}
		for kind, different := range mails {
			require.Len(t, slices.Collect(maps.Keys(different)), 1, kind)
			for one := range different {
				require.NotContains(t, one, "evil.test")
				require.NotContains(t, one, "800")
				require.NotContains(t, one, "4471")
			}
		}
		tn.Visitor(t, "nobody").Leaves(story.Left{})
	})
}

var once = regexp.MustCompile(`(\d ){5}\d|\b\d{6}\b|/l/[\w-]+|lure-\w+@fabrikam\.example|\b\d{1,2}:\d\d\b`)

// keep notes the person's next mail without code, link, addresses and time.
func keep(mails map[string]map[string]bool, kind string, p *story.Person) {
	l := p.Letter()
	if mails[kind] == nil {
		mails[kind] = map[string]bool{}
	}
	_, house, _ := strings.Cut(p.Public(), "://") // its port is a number too
	text := strings.ReplaceAll(l.Subject+"\n"+l.From.Name+"\n"+l.Text+"\n"+l.HTML, house, "…")
	mails[kind][once.ReplaceAllString(text, "…")] = true
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
			for _, name := range []string{"givenName", "surname"} { // the flow says 60; no flow may say more than 64
				for _, n := range []int{61, 65, 5000} {
					maria.Sends(story.Partner, story.Answered(name, strings.Repeat("a", n))).Is(http.StatusUnprocessableEntity)
				}
			}
		})
		maria.Sends(story.Partner, story.Answered("givenName", "Zoë-Renée", "surname", "O’Brien d'Étoile")).Is(http.StatusAccepted)
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted"}})
	})
}

// breaks are what would end a line or a command, wherever it is let through.
var breaks = []string{
	"\r\nBcc: e@evil.test", "\rBcc: e@evil.test", "\nBcc: e@evil.test", "\u2028Bcc: e@evil.test", "\u2029Bcc: e@evil.test", "\x00", "\u0085Bcc: e@evil.test",
	"\r\n.\r\nMAIL FROM:<e@evil.test>", "%0d%0aBcc: e@evil.test", "> ORCPT=rfc822;e@evil.test",
}

// Row T61: no line break leaves a field for a header or a command: every mail has the headers it always has, and was
// handed over with one MAIL, one RCPT and one DATA.
func TestT61_NoFieldReachesAHeaderOrACommand(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner)
		maria.LeavesNoTrace(func() {
			for _, tail := range breaks {
				maria.Sends(story.Partner, story.Answered("surname", "Lindqvist"+tail)).Is(http.StatusUnprocessableEntity)
				if !strings.HasPrefix(tail, "%") && !strings.HasPrefix(tail, ">") { // those are a company's name like any other
					maria.Sends(story.Partner, story.Answered("company", "Fabrikam"+tail)).Is(http.StatusUnprocessableEntity)
				}
				maria.Speaks("de").Gives("maria"+tail+"@fabrikam.example").Field("/email", "email_invalid")
			}
		})
		harmless := "One\r\nBcc: e@evil.test\n\n.\nMAIL FROM:<e@evil.test>\r\n.\r\nRCPT TO:<e@evil.test>\n%0d%0aBcc: e@evil.test\n> ORCPT=rfc822;e@evil.test"
		letters, who := lettersOf(t, tn, harmless)
		for _, l := range letters {
			wholesome(t, l)
		}
		if stand := tn.Mail.Stand(); stand != nil {
			handedOver(t, stand, who.Address, 4)
		}
		maria.Sends(story.Partner, story.Answered()).Is(http.StatusAccepted)
		wholesome(t, maria.Letter())
		for _, tail := range breaks { // what a form refuses, a colleague's text may hold: it is a mail like any other
			asks := tn.Member(t, story.Jonas).Post("/api/v1/approvals/"+tn.RequestID(t, maria.Ref)+"/ask", map[string]any{"text": "Why?" + tail})
			if asks.IsOneOf(http.StatusOK, http.StatusUnprocessableEntity).Status == http.StatusOK {
				wholesome(t, maria.Letter())
				maria.Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "Because" + tail}).IsOneOf(http.StatusOK, http.StatusUnprocessableEntity)
				maria.Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "Because."}).IsOneOf(http.StatusOK, http.StatusConflict)
			}
		}
		who.Leaves(story.Left{Traces: story.Traces{Requests: 1, Decisions: 1, Messages: 2, Mails: 4, Codes: 1, States: "denied"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted", "approval.asked", "approval.answered", "approval.denied"}})
	})
}

// Row T61: nor from what the first administrator types, which is in every mail from then on.
func TestT61_NorWhatASetUpIsGiven(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		plan, err := story.NewPlan(t.Context(), kind, story.World.Mail)
		require.NoError(t, err)
		tn, err := story.OpenHouses(t.Context(), kind, plan, 1)
		require.NoError(t, err)
		t.Cleanup(func() { tn.Close(t) })
		var token string
		story.Eventually(t, "the set-up link", func() bool {
			found := setupLink.FindStringSubmatch(tn.Replicas[0].Out.String() + tn.Replicas[0].Log.String())
			if found != nil {
				token = story.Seen(found[1])
			}
			return found != nil
		})
		ines := tn.Visitor(t, "ines@contoso.example")
		body := map[string]any{"token": token, "organisation": "Contoso " + strings.Join(breaks[:2], ""), "name": "Ines" + breaks[0], "email": ines.Address}
		a := ines.Post("/api/v1/setup", body).IsOneOf(http.StatusCreated, http.StatusUnprocessableEntity)
		if a.Status == http.StatusUnprocessableEntity {
			body["organisation"], body["name"] = "Contoso %0d%0aBcc: e@evil.test", "Ines Vogel"
			ines.Post("/api/v1/setup", body).Is(http.StatusCreated)
		}
		ines.Anonymous().Post("/api/v1/signin", map[string]any{"email": ines.Address}).Is(http.StatusOK)
		l := ines.Letter()
		require.Contains(t, l.Subject+l.From.Name+l.Text, "Contoso")
		wholesome(t, l)
		if stand := tn.Mail.Stand(); stand != nil {
			handedOver(t, stand, ines.Address, 1)
		}
	})
}

// wholesome says that a mail has the headers that mails have, each once, and no line that is too long.
func wholesome(t *testing.T, l stack.Letter) {
	t.Helper()
	var names []string
	for name, values := range l.Headers {
		require.Len(t, values, 1, name)
		if name = http.CanonicalHeaderKey(name); name != "References" && name != "In-Reply-To" { // of mails that belong together
			names = append(names, name)
		}
	}
	slices.Sort(names)
	require.Equal(t, []string{"Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Reply-To", "Subject", "To", "X-Auto-Response-Suppress"}, names)
	require.Len(t, l.To, 1)
	for _, line := range strings.Split(strings.ReplaceAll(l.Raw, "\r\n", "\n"), "\n") {
		require.LessOrEqual(t, len(line), 998)
	}
}

// handedOver looks at the wire: as many RCPT commands to the address as it has mails, each alone in its transaction, and
// nothing else that came to be a command.
func handedOver(t *testing.T, stand *mailstand.Server, address string, mails int) {
	t.Helper()
	kept := 0
	for _, k := range stand.All() {
		require.NotContains(t, k.To, "e@evil.test")
		if slices.Contains(k.To, address) {
			require.Equal(t, []string{address}, k.To)
			require.Equal(t, "access@contoso.com", k.From)
			kept++
		}
	}
	require.Equal(t, mails, kept)
	require.Equal(t, mails, strings.Count(stand.Wire(), "RCPT TO:<"+address+">\r\n"), "without anything behind it")
}
