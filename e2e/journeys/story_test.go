package journeys

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

// patience is how long a story waits for what the house does in the background.
const patience = 15 * time.Second

// The demo company's people whom stories need.
const (
	jonas = "j.becker@contoso.com" // sponsor and approver
	ana   = "a.ruiz@contoso.com"   // the other approver
	ines  = "i.vogel@contoso.com"  // admin
	tom   = "t.adler@contoso.com"  // auditor
)

var (
	sixDigits = regexp.MustCompile(`\b\d{6}\b`)
	linkToken = regexp.MustCompile(`/l/([A-Za-z0-9_-]{20,})`)
	anyURL    = regexp.MustCompile(`https?://[^\s"'<>)]+`)
)

// eventually polls until cond holds, or fails the story.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, stack.Until(ctx, what, cond))
}

// letter waits for the person's next unread mail.
func (p *person) letter() stack.Letter {
	p.t.Helper()
	var l stack.Letter
	eventually(p.t, "mail to "+p.address, func() bool {
		list, err := p.town.mail.To(p.t.Context(), p.address)
		if err != nil || len(list) <= *p.read {
			return false
		}
		l, err = p.town.mail.Read(p.t.Context(), list[len(list)-1-*p.read].ID)
		return err == nil
	})
	*p.read++
	return l
}

// letterAbout waits for a mail to address that speaks of needle.
func (tn *town) letterAbout(t *testing.T, address, needle string) stack.Letter {
	t.Helper()
	var found stack.Letter
	eventually(t, "mail to "+address+" about "+needle, func() bool {
		list, err := tn.mail.About(t.Context(), address, needle)
		if err != nil || len(list) == 0 {
			return false
		}
		found, err = tn.mail.Read(t.Context(), list[0].ID)
		return err == nil
	})
	return found
}

func codeIn(t *testing.T, l stack.Letter) string {
	t.Helper()
	code := sixDigits.FindString(l.Text)
	require.NotEmpty(t, code, "no code in %q", l.Text)
	return seen(code)
}

func tokenIn(t *testing.T, l stack.Letter) string {
	t.Helper()
	found := linkToken.FindStringSubmatch(l.Text)
	require.Len(t, found, 2, "no link in %q", l.Text)
	return seen(found[1])
}

// begins starts a sign-up.
func (p *person) begins(flow string) answer {
	p.t.Helper()
	a := p.post("/api/v1/signups", map[string]any{"flow": flow, "locale": p.lang}).is(http.StatusCreated)
	require.Equal(p.t, "identity", a.text("step"))
	p.signup = a.text("id")
	return a
}

// gives types an address and asks for the code.
func (p *person) gives(address string) answer {
	p.t.Helper()
	return p.post(p.path("/email"), map[string]any{"email": address})
}

// types types a code.
func (p *person) types(code string) answer {
	p.t.Helper()
	return p.post(p.path("/code"), map[string]any{"code": code})
}

func (p *person) path(rest string) string { return "/api/v1/signups/" + p.signup + rest }

// proves goes from the first press to the details.
func (p *person) proves(flow string) *person {
	p.t.Helper()
	p.begins(flow)
	p.gives(p.address).is(http.StatusAccepted)
	p.types(codeIn(p.t, p.letter())).is(http.StatusOK)
	return p
}

// sends submits answers with every consent the flow wants.
func (p *person) sends(flow string, answers map[string]any) answer {
	p.t.Helper()
	a := p.post(p.path("/submit"), p.submission(flow, answers))
	if a.status == http.StatusAccepted {
		p.ref = a.text("reference")
	}
	return a
}

func (p *person) submission(flow string, answers map[string]any) map[string]any {
	p.t.Helper()
	consents := []map[string]any{}
	for _, one := range p.get("/api/v1/flows/" + flow).is(http.StatusOK).list("terms") {
		terms := one.(map[string]any)
		consents = append(consents, map[string]any{"terms": terms["id"], "version": terms["version"]})
	}
	return map[string]any{"answers": answers, "consents": consents}
}

// asks goes all the way to a sent request and reads the receipt's mail.
func (p *person) asks(flow string, answers map[string]any) *person {
	p.t.Helper()
	p.proves(flow).sends(flow, answers).is(http.StatusAccepted)
	require.Contains(p.t, p.letter().Subject, p.ref)
	return p
}

// request is the applicant's view of their request.
func (p *person) request() answer {
	p.t.Helper()
	return p.get("/api/v1/requests/" + p.ref)
}

// sees waits until the request is in state.
func (p *person) sees(state string) answer {
	p.t.Helper()
	var a answer
	eventually(p.t, p.ref+" to be "+state, func() bool {
		a = p.request().is(http.StatusOK)
		return a.text("state") == state
	})
	return a
}

// signsIn signs in by mailed code.
func (p *person) signsIn() answer {
	p.t.Helper()
	p.post("/api/v1/signin", map[string]any{"email": p.address}).is(http.StatusOK)
	return p.post("/api/v1/signin/code", map[string]any{"code": p.nextCode()})
}

// nextCode is the code in the person's next mail that has one; a code stands in the subject. Other houses write to the
// demo company's people too, into the same catcher: the links tell whose mail it is.
func (p *person) nextCode() string {
	p.t.Helper()
	for {
		if l := p.letter(); sixDigits.MatchString(l.Subject) && strings.Contains(l.Text, p.town.plan.Public+"/") {
			return codeIn(p.t, l)
		}
	}
}

// member is a member of the demo company, signed in. All stories of a house share the session.
func (tn *town) member(t *testing.T, address string) *person {
	t.Helper()
	tn.mu.Lock()
	defer tn.mu.Unlock()
	if p := tn.staff[address]; p != nil {
		return p.in(t)
	}
	p := tn.browserOf(t, address)
	p.readsAll()
	p.signsIn().is(http.StatusOK)
	tn.staff[address] = p
	return p
}

// newSession signs a member in afresh, in a browser of their own.
func (tn *town) newSession(t *testing.T, address string) *person {
	t.Helper()
	tn.mu.Lock()
	defer tn.mu.Unlock()
	p := tn.browserOf(t, address)
	p.readsAll()
	p.signsIn().is(http.StatusOK)
	return p
}

// readsAll makes what has come so far old mail.
func (p *person) readsAll() {
	p.t.Helper()
	list, err := p.town.mail.To(p.t.Context(), p.address)
	require.NoError(p.t, err)
	*p.read = len(list)
}

// decides approves or denies; more are further members of the body.
func (p *person) decides(id, decision string, more map[string]any) answer {
	p.t.Helper()
	body := map[string]any{"decision": decision}
	for k, v := range more {
		body[k] = v
	}
	return p.post("/api/v1/approvals/"+id+"/decision", body)
}

// waits says whether the request with this id is in the person's queue.
func (p *person) waits(id, state string) bool {
	p.t.Helper()
	for after := ""; ; {
		a := p.get("/api/v1/approvals?limit=100&state=" + state + after).is(http.StatusOK)
		for i := range a.list("data") {
			if a.list("data")[i].(map[string]any)["id"] == id {
				return true
			}
		}
		if a.value("hasMore") != true {
			return false
		}
		after = "&after=" + a.text("next")
	}
}
