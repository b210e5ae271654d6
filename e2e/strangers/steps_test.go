package strangers

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// step is one call of the way from an address to a request.
type step struct {
	method, path string
	body         any // what it takes; nil for nothing
}

// stepsOf are all of them, with what they would take of this person.
func stepsOf(p *story.Person, code string, submission map[string]any) map[string]step {
	return map[string]step{
		"email":    {http.MethodPost, p.Path("/email"), map[string]any{"email": p.Address}},
		"code":     {http.MethodPost, p.Path("/code"), map[string]any{"code": code}},
		"link":     {http.MethodPost, "/api/v1/link", nil},
		"draft":    {http.MethodPatch, p.Path(""), map[string]any{"answers": submission["answers"]}},
		"submit":   {http.MethodPost, p.Path("/submit"), submission},
		"reply":    {http.MethodPost, p.Filled("/api/v1/requests/{reference}/reply"), map[string]any{"text": "Hall 4."}},
		"withdraw": {http.MethodPost, p.Filled("/api/v1/requests/{reference}/withdraw"), nil},
	}
}

// wrongly are the ways to take a step that is another's turn, or that is one's own with words of one's own.
func (s step) wrongly(t *testing.T, open bool) (bodies []any) {
	t.Helper()
	if !open {
		bodies = append(bodies, s.body, s.body)
	}
	if s.body == nil {
		return bodies
	}
	right, err := json.Marshal(s.body)
	require.NoError(t, err)
	for _, more := range []string{`"step":"request"`, `"step":"last"`, `"next":"done"`, `"state":"active"`} {
		bodies = append(bodies, story.Raw(strings.Replace(string(right), "{", "{"+more+",", 1)))
	}
	if open && s.method == http.MethodPatch {
		return bodies // an empty draft is one
	}
	return append(bodies, story.Raw("{}"), nil)
}

// Row T25: no step is reached but through the one before it. At each, every other is refused, with what it takes, twice,
// with nothing, and with words that would like to be a step; and nothing has moved.
func TestT25_NoStepIsSkipped(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, sponsor := tn.Visitor(t, "maria").Speaks("de"), tn.Member(t, story.Jonas)
		maria.Begins(story.Partner)
		code, submission := "123456", maria.Submission(story.Partner, story.Answered())
		stands := func(at string, open ...string) { // and only open goes on from here
			t.Helper()
			maria.LeavesNoTrace(func() {
				for name, s := range stepsOf(maria, code, submission) {
					for _, body := range s.wrongly(t, slices.Contains(open, name)) {
						a := maria.Send(s.method, s.path, body)
						if again := name == "code" && (at == "details" || at == "request") || name == "submit" && at == "request"; again && a.Status < 300 {
							continue // the same press, answered as it was
						}
						require.GreaterOrEqual(t, a.Status, 400, "at %s: %s %v", at, a, body)
					}
				}
			})
			require.Equal(t, at, maria.Get(maria.Path("")).Is(http.StatusOK).Text("step"))
		}
		stands("identity", "email")
		maria.Gives(maria.Address).Is(http.StatusAccepted)
		tn.Ages(t, "signups", "mail_asked_at", -3600, "id = ?", maria.Signup) // another mail has to wait, however long this takes
		code = story.CodeIn(t, maria.Letter())
		stands("code", "code")
		maria.Types(code).Is(http.StatusOK)
		stands("details", "draft", "submit")
		maria.AsksAfterProof()
		require.Contains(t, maria.Letter().Subject, maria.Ref)
		id := tn.RequestID(t, maria.Ref)
		stands("request", "withdraw")
		sponsor.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Which hall?"}).Is(http.StatusOK)
		maria.Letter()
		stands("request", "reply", "withdraw")
		maria.Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "Hall 4."}).Is(http.StatusOK)
		sponsor.Decides(id, "deny", map[string]any{"reason": "No."}).Is(http.StatusOK)
		maria.Letter()
		stands("request")
		for _, decision := range []string{"approve", "deny"} {
			sponsor.Speaks("de").Decides(id, decision, map[string]any{"reason": "Again."}).Is(http.StatusConflict)
		}
		maria.Leaves(story.Left{
			Traces: story.Traces{Requests: 1, Decisions: 1, Messages: 2, Mails: 4, Codes: 1, States: "denied"},
			Audit: []string{ // an empty code is a wrong one
				"signup.started", "identity.code_refused!", "signup.proved", "signup.submitted", "approval.asked", "approval.answered", "approval.denied",
			},
		})
	})
}
