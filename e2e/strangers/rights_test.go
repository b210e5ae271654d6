package strangers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// requestCalls is everything that can be done to a request; % is its id, or its reference. The decision is about a
// version that nobody has seen, so that it decides nothing.
var requestCalls = []struct{ method, path, body string }{
	{"GET", "/api/v1/approvals/%", ""},
	{"POST", "/api/v1/approvals/%/decision", `{"decision":"approve","version":4711}`},
	{"POST", "/api/v1/approvals/%/ask", `{"text":"Who are you?"}`},
	{"GET", "/api/v1/requests/%", ""},
	{"GET", "/api/v1/requests/%/events", ""},
	{"POST", "/api/v1/requests/%/reply", `{"text":"Me."}`},
	{"POST", "/api/v1/requests/%/withdraw", ""},
}

// Row T46: who may what with whose request is testdata/requests.txt, and for whom a request is not there, a foreign one
// and one that does not exist are the same bytes.
func TestT46_ForeignAndUnknownAreTheSame(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		first := tn.Visitor(t, "first").Asks(story.TwoStages, story.Answered()) // jonas decides now, ana later: both may read it
		begun := tn.Visitor(t, "begun")
		begun.Begins(story.Partner)
		begun.Gives(maria.Address).Is(http.StatusAccepted) // holds a sign-up with her address, unproven
		lukas := tn.Guest(t, "lukas")
		lukas.SignsIn().Is(http.StatusOK)
		ids := []string{tn.RequestID(t, maria.Ref), tn.RequestID(t, first.Ref), "req_01JZZZZZZZZZZZZZZZZZZZZZZZ"}
		references := []string{maria.Ref, first.Ref, "7KQ-42M-9"}
		var matrix strings.Builder
		fmt.Fprintf(&matrix, "%-10s %-36s %-32s %-32s %s\n", "", "", "maria's", "another's", "nobody's")
		for _, actor := range []struct { // who changes something comes last
			name string
			*story.Person
			sees int // of the three, those that are there for them
		}{
			{"nobody", tn.BrowserOf(t, "nobody@example.com"), 0},
			{"begun", begun, 0},
			{"guest", lukas, 0},
			{"admin", tn.Member(t, story.Ines), 0},
			{"auditor", tn.Member(t, story.Tom), 0},
			{"ana", tn.Member(t, story.Ana), 2},
			{"jonas", tn.Member(t, story.Jonas), 2},
			{"maria", maria, 1},
		} {
			for _, call := range requestCalls {
				var told []string
				var answers []story.Answer
				for i, object := range ids {
					if strings.Contains(call.path, "/requests/") {
						object = references[i]
					}
					if actor.name == "maria" && i == 0 && strings.HasSuffix(call.path, "/events") {
						told, answers = append(told, "a stream"), append(answers, story.Answer{})
						continue
					}
					a := actor.AsksFor(call.method, call.path, call.body, object)
					answers, told = append(answers, a), append(told, outcome(a))
				}
				fmt.Fprintf(&matrix, "%-10s %-36s %-32s %-32s %s\n", actor.name, call.method+" "+strings.TrimPrefix(call.path, "/api/v1/"), told[0], told[1], told[2])
				if actor.sees < 2 {
					require.Equal(t, story.WithoutIDs(answers[2]), story.WithoutIDs(answers[1]), "%s: %s", actor.name, call.path)
				}
				if actor.sees < 1 {
					require.Equal(t, story.WithoutIDs(answers[2]), story.WithoutIDs(answers[0]), "%s: %s", actor.name, call.path)
				}
			}
		}
		golden(t, "requests.txt", matrix.String())
		require.Equal(t, "withdrawn", maria.Request().Text("state"))
		require.Equal(t, "needs_info", first.Request().Text("state"))
		require.Zero(t, tn.TracesOf(t, first.Address).Decisions)
		first.Audited()
	})
}

// outcome is the status and, of a refusal, the code.
func outcome(a story.Answer) string {
	if a.Status < 400 {
		return fmt.Sprint(a.Status)
	}
	return fmt.Sprint(a.Status, " ", a.Text("code"))
}

// never are fields that the house writes and nobody else.
var never = []string{
	"userType", "approved", "state", "role", "roles", "groups", "id", "createdAt", "tenantId", "externalUserState", "mailVerified", "sponsor", "sponsorId",
	"step", "flowVersion", "reference", "proved_at", "token_hash", "__proto__",
}

// Row T48: no write call of the contract takes what is not in it, however it is spelt and wherever it stands.
func TestT48_NoCallTakesAFieldThatIsNotItsOwn(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner)
		asked := tn.Visitor(t, "asked").Asks(story.Partner, story.Answered())
		id, calls := tn.RequestID(t, asked.Ref), 0
		maria.LeavesNoTrace(func() {
			story.TheContract.Each(func(method, path string, op *openapi3.Operation) {
				if method == http.MethodGet {
					return
				}
				who := maria
				switch op.Extensions["x-who"] {
				case "approver":
					who, path = tn.Member(t, story.Jonas), strings.ReplaceAll(path, "{id}", id)
				case "operations", "signedin":
					who = tn.Member(t, story.Ines)
				}
				if strings.Contains(path, "/requests/") {
					who = asked
				}
				calls++
				call{who.Speaks("de"), method, who.Filled(path), op}.takesNothingElse(t)
			})
		})
		require.Greater(t, calls, 14)
		tn.Member(t, story.Ines).Get("/api/v1/me").Is(http.StatusOK)
		require.Equal(t, "pending", asked.Request().Text("state"))
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "signup.proved"}})
	})
}

// call is one operation as somebody who may call it does.
type call struct {
	*story.Person
	method, path string
	op           *openapi3.Operation
}

// takesNothingElse sends what the call needs with something that is not its own beside it.
func (c call) takesNothingElse(t *testing.T) {
	t.Helper()
	for _, name := range []string{"userType", "state", "id", "ROLES", "x[]"} {
		c.Send(c.method, c.path+"?"+name+"=Member", c.body(t, "")).IsOneOf(http.StatusBadRequest)
	}
	if c.op.RequestBody == nil {
		return
	}
	good := c.body(t, "")
	c.With("Content-Type", "application/x-www-form-urlencoded").Send(c.method, c.path, story.Raw("userType=Member&state=approved")).Is(http.StatusUnsupportedMediaType)
	known := c.op.RequestBody.Value.Content["application/json"].Schema.Value.Properties
	for _, name := range never {
		for _, spelt := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if known[spelt] == nil {
				c.refuses(t, `"`+spelt+`":"Member"`)
				c.refuses(t, `"`+spelt+`":{"value":true}`)
			}
		}
	}
	for _, more := range []string{`"attributes":{"userType":"Member"}`, `"attributes[userType]":"Member"`, `"user":{"userType":"Member","state":"approved"}`} {
		c.refuses(t, more)
	}
	for name := range known { // a doubled key, and one that differs by its case
		c.refuses(t, `"`+name+`":"a","`+name+`":"b"`)
		c.refuses(t, `"`+strings.ToUpper(name)+`":"b"`)
	}
	c.Send(c.method, c.path, story.Raw("["+string(good.(story.Raw))+"]")).IsOneOf(http.StatusBadRequest, http.StatusUnprocessableEntity)
}

func (c call) refuses(t *testing.T, more string) {
	t.Helper()
	a := c.Send(c.method, c.path, c.body(t, more))
	a.IsOneOf(http.StatusBadRequest, http.StatusUnprocessableEntity)
	require.Contains(t, []string{"fields_invalid", "json_duplicate_key"}, a.Text("code"), "%s with %s: %s", c.path, more, a)
}

// body is the least that the call takes, with more beside it; nil for a call without a body.
func (c call) body(t *testing.T, more string) any {
	t.Helper()
	if c.op.RequestBody == nil {
		return nil
	}
	schema := c.op.RequestBody.Value.Content["application/json"].Schema.Value
	var members []string
	for _, name := range schema.Required {
		var value any = "x"
		switch p := schema.Properties[name].Value; {
		case len(p.Enum) > 0:
			value = p.Enum[0]
		case p.Type.Is("object"):
			value = map[string]any{}
		}
		encoded, err := json.Marshal(value)
		require.NoError(t, err)
		members = append(members, `"`+name+`":`+string(encoded))
	}
	if more != "" {
		members = append(members, more)
	}
	return story.Raw("{" + strings.Join(members, ",") + "}")
}
