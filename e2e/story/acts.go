package story

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// patience is how long a story waits for what the house does in the background: it says nothing of how long that takes,
// for the machine may be busy with other things.
const patience = time.Minute

// The demo company's people whom stories need. Stories run side by side in one house: a story that counts what a member
// was sent, or writes to one often, takes somebody whom no other story writes to.
const (
	Jonas = "j.becker@contoso.com" // sponsor and approver
	Ana   = "a.ruiz@contoso.com"   // the other approver
	Ines  = "i.vogel@contoso.com"  // admin
	Tom   = "t.adler@contoso.com"  // auditor
	Karin = "k.vogt@contoso.com"   // only for T24, which writes to her eighty times
	Omar  = "o.haddad@contoso.com" // only for T42, which counts his mails
)

var (
	SixDigits = regexp.MustCompile(`\b\d{6}\b`)
	linkToken = regexp.MustCompile(`/l/([A-Za-z0-9_-]{20,})`)
	AnyURL    = regexp.MustCompile(`https?://[^\s"'<>)]+`)
)

// Eventually polls until cond holds, or fails the story.
func Eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, stack.Until(ctx, what, cond))
}

// Letter waits for the person's next unread mail.
func (p *Person) Letter() stack.Letter {
	p.t.Helper()
	var l stack.Letter
	Eventually(p.t, "mail to "+p.Address, func() bool {
		list, err := p.town.Mail.To(p.t.Context(), p.Address)
		if err != nil || len(list) <= *p.Read {
			return false
		}
		l, err = p.town.Mail.Read(p.t.Context(), list[len(list)-1-*p.Read].ID)
		return err == nil
	})
	*p.Read++
	return l
}

// LetterAbout waits for a mail to address that speaks of needle.
func (tn *Town) LetterAbout(t *testing.T, address, needle string) stack.Letter {
	t.Helper()
	var found stack.Letter
	Eventually(t, "mail to "+address+" about "+needle, func() bool {
		list, err := tn.Mail.About(t.Context(), address, needle)
		if err != nil || len(list) == 0 {
			return false
		}
		found, err = tn.Mail.Read(t.Context(), list[0].ID)
		return err == nil
	})
	return found
}

func CodeIn(t *testing.T, l stack.Letter) string {
	t.Helper()
	code := SixDigits.FindString(l.Text)
	require.NotEmpty(t, code, "no code in %q", l.Text)
	return Seen(code)
}

func TokenIn(t *testing.T, l stack.Letter) string {
	t.Helper()
	found := linkToken.FindStringSubmatch(l.Text)
	require.Len(t, found, 2, "no link in %q", l.Text)
	return Seen(found[1])
}

// Begins starts a sign-up.
func (p *Person) Begins(flow string) Answer {
	p.t.Helper()
	a := p.Post("/api/v1/signups", map[string]any{"flow": flow, "locale": p.lang}).Is(http.StatusCreated)
	require.Equal(p.t, "identity", a.Text("step"))
	p.Signup = a.Text("id")
	return a
}

// Gives types an address and asks for the code.
func (p *Person) Gives(address string) Answer {
	p.t.Helper()
	return p.Post(p.Path("/email"), map[string]any{"email": address})
}

// Types types a code.
func (p *Person) Types(code string) Answer {
	p.t.Helper()
	return p.Post(p.Path("/code"), map[string]any{"code": code})
}

func (p *Person) Path(rest string) string { return "/api/v1/signups/" + p.Signup + rest }

// Proves goes from the first press to the details.
func (p *Person) Proves(flow string) *Person {
	p.t.Helper()
	p.Begins(flow)
	p.Gives(p.Address).Is(http.StatusAccepted)
	p.Types(CodeIn(p.t, p.Letter())).Is(http.StatusOK)
	return p
}

// Sends submits answers with every consent the flow wants.
func (p *Person) Sends(flow string, answers map[string]any) Answer {
	p.t.Helper()
	a := p.Post(p.Path("/submit"), p.Submission(flow, answers))
	if a.Status == http.StatusAccepted {
		p.Ref = a.Text("reference")
	}
	return a
}

func (p *Person) Submission(flow string, answers map[string]any) map[string]any {
	p.t.Helper()
	consents := []map[string]any{}
	for _, one := range p.Get("/api/v1/flows/" + flow).Is(http.StatusOK).List("terms") {
		terms := one.(map[string]any)
		consents = append(consents, map[string]any{"terms": terms["id"], "version": terms["version"]})
	}
	return map[string]any{"answers": answers, "consents": consents}
}

// Asks goes all the way to a sent request and reads the receipt's mail.
func (p *Person) Asks(flow string, answers map[string]any) *Person {
	p.t.Helper()
	p.Proves(flow).Sends(flow, answers).Is(http.StatusAccepted)
	require.Contains(p.t, p.Letter().Subject, p.Ref)
	return p
}

// Request is the applicant's view of their request.
func (p *Person) Request() Answer {
	p.t.Helper()
	return p.Get("/api/v1/requests/" + p.Ref)
}

// Sees waits until the request is in state.
func (p *Person) Sees(state string) Answer {
	p.t.Helper()
	var a Answer
	Eventually(p.t, p.Ref+" to be "+state, func() bool {
		a = p.Request().Is(http.StatusOK)
		return a.Text("state") == state
	})
	return a
}

// SignsIn signs in by mailed code.
func (p *Person) SignsIn() Answer {
	p.t.Helper()
	p.Post("/api/v1/signin", map[string]any{"email": p.Address}).Is(http.StatusOK)
	return p.Post("/api/v1/signin/code", map[string]any{"code": p.NextCode()})
}

// NextCode is the code in the person's next mail that has one; a code stands in the subject. Other houses write to the
// demo company's people too, into the same catcher: the links tell whose mail it is.
func (p *Person) NextCode() string {
	p.t.Helper()
	for {
		if l := p.Letter(); SixDigits.MatchString(l.Subject) && strings.Contains(l.Text, p.town.Plan.Public+"/") {
			return CodeIn(p.t, l)
		}
	}
}

// ReadsAll makes what has come so far old mail.
func (p *Person) ReadsAll() {
	p.t.Helper()
	list, err := p.town.Mail.To(p.t.Context(), p.Address)
	require.NoError(p.t, err)
	*p.Read = len(list)
}

// Other is a code of six digits that is not code.
func Other(code string) string {
	if code[0] == '1' {
		return "2" + code[1:]
	}
	return "1" + code[1:]
}

func (p *Person) AsksAfterProof() {
	p.t.Helper()
	p.Sends(Partner, Answered()).Is(http.StatusAccepted)
}

// Guest is somebody whom walk-in has let in, with all mail read and no session.
func (tn *Town) Guest(t *testing.T, name string) *Person {
	t.Helper()
	g := tn.Visitor(t, name).Proves(Visitors)
	g.Sends(Visitors, WalkIn()).Is(http.StatusAccepted)
	g.Sees("active")
	Eventually(t, "quiet in the mailbox of "+g.Address, func() bool {
		list, err := tn.Mail.To(t.Context(), g.Address)
		queued := tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", g.Address)
		*g.Read = len(list)
		return err == nil && queued == 0 && len(list) >= 2
	})
	return g
}

// Opens opens a mailed link as a browser does: it follows redirects within the house and ends on a page.
func (p *Person) Opens(path string) Answer {
	p.t.Helper()
	a := p.With("Accept", "text/html").Get(path)
	for range 3 {
		if a.Status < 300 || a.Status > 399 {
			break
		}
		next := strings.TrimPrefix(a.Header.Get("Location"), p.town.Plan.Public)
		a = p.With("Accept", "text/html").Get(next)
	}
	return a.Is(http.StatusOK)
}

// WaitsForProof is a person whose mail with code and link has come.
func (tn *Town) WaitsForProof(t *testing.T, name string) (p *Person, code, token string) {
	t.Helper()
	p = tn.Visitor(t, name)
	p.Begins(Partner)
	p.Gives(p.Address).Is(http.StatusAccepted)
	l := p.Letter()
	return p, CodeIn(t, l), TokenIn(t, l)
}

// SignsInInVain asks for a code; the mail that comes has none.
func (p *Person) SignsInInVain() {
	p.t.Helper()
	p.Post("/api/v1/signin", map[string]any{"email": p.Address}).Is(http.StatusOK)
	l := p.Letter()
	require.Empty(p.t, SixDigits.FindString(l.Subject+l.Text), "there is no access, so there is no code: %s", l.Text)
}

func itoa(n int) string { return strconv.Itoa(n) }

// sends_ submits without reading the flow first, which is closed.
func (p *Person) SendsUnread(answers map[string]any) Answer {
	p.t.Helper()
	return p.Post(p.Path("/submit"), map[string]any{"answers": answers, "consents": []map[string]any{{"terms": "site-rules", "version": "4"}}})
}
