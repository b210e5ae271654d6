package story

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Member is a member of the demo company, signed in. All stories of a house share the session.
func (tn *Town) Member(t *testing.T, address string) *Person {
	t.Helper()
	tn.Mu.Lock()
	defer tn.Mu.Unlock()
	if p := tn.staff[address]; p != nil {
		return p.In(t)
	}
	p := tn.BrowserOf(t, address)
	p.ReadsAll()
	p.SignsIn().Is(http.StatusOK)
	tn.staff[address] = p
	return p
}

// NewSession signs a member in afresh, in a browser of their own, and names the session: others may come after it.
func (tn *Town) NewSession(t *testing.T, address string) (p *Person, session string) {
	t.Helper()
	tn.Mu.Lock()
	defer tn.Mu.Unlock()
	p = tn.BrowserOf(t, address)
	p.ReadsAll()
	p.SignsIn().Is(http.StatusOK)
	newest, err := tn.Eyes.Strings(t.Context(), "SELECT s.id FROM identity_sessions s JOIN directory_users u ON u.id = s.user_id WHERE u.address = ? ORDER BY s.id DESC", address)
	require.NoError(t, err)
	return p, newest[0]
}

// Decides approves or denies; more are further members of the body.
func (p *Person) Decides(id, decision string, more map[string]any) Answer {
	p.t.Helper()
	body := map[string]any{"decision": decision}
	for k, v := range more {
		body[k] = v
	}
	return p.Post("/api/v1/approvals/"+id+"/decision", body)
}

// Waits says whether the request with this id is in the person's queue.
func (p *Person) Waits(id, state string) bool {
	p.t.Helper()
	for after := ""; ; {
		a := p.Get("/api/v1/approvals?limit=100&state=" + state + after).Is(http.StatusOK)
		for i := range a.List("data") {
			if a.List("data")[i].(map[string]any)["id"] == id {
				return true
			}
		}
		if a.Value("hasMore") != true {
			return false
		}
		after = "&after=" + a.Text("next")
	}
}

// AsksFor calls path with its % replaced by id.
func (p *Person) AsksFor(method, path, body, id string) Answer {
	p.t.Helper()
	path = regexp.MustCompile("%").ReplaceAllString(path, id)
	if body == "" {
		return p.Send(method, path, nil)
	}
	return p.Send(method, path, Raw(body))
}

// Pages reads a list to its end (or 40 pages of it) and returns the ids in order.
func (p *Person) Pages(list string, limit int) (ids []string) {
	p.t.Helper()
	after := ""
	for range 40 {
		a := p.Get(list + "?limit=" + itoa(limit) + after).Is(http.StatusOK)
		for _, one := range a.List("data") {
			ids = append(ids, one.(map[string]any)["id"].(string))
		}
		if a.Value("hasMore") != true {
			return ids
		}
		after = "&after=" + a.Text("next")
	}
	return ids
}

var inBraces = regexp.MustCompile(`\{[^}]*\}`)

// Filled is a path of the contract with the person's own ids in it, and ids of nobody where they have none.
func (p *Person) Filled(path string) string {
	path = strings.ReplaceAll(path, "{slug}", Partner)
	reference, signup := p.Ref, p.Signup
	if reference == "" {
		reference = "7KQ-42M-9"
	}
	if signup == "" {
		signup = "sgn_01JZZZZZZZZZZZZZZZZZZZZZZZ"
	}
	path = strings.ReplaceAll(strings.ReplaceAll(path, "{reference}", reference), "signups/{id}", "signups/"+signup)
	return inBraces.ReplaceAllString(path, "x_01JZZZZZZZZZZZZZZZZZZZZZZZ")
}
