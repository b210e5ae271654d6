package strangers

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
	"github.com/vestibule-id/vestibule/e2e/story"
)

// door is a row of docs/routes.md: the published list of who may call what.
type door struct{ method, path, who, scope string }

var doorRow = regexp.MustCompile("(?m)^\\| ([A-Z]+) \\| `([^`]+)` \\| (\\w+) \\| (?:`([^`]+)`|–) \\|")

func doors(t *testing.T) (all []door) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(stack.Root(), "docs", "routes.md"))
	require.NoError(t, err)
	for _, m := range doorRow.FindAllStringSubmatch(string(text), -1) {
		all = append(all, door{m[1], m[2], m[3], m[4]})
	}
	require.Greater(t, len(all), 30)
	return all
}

// actors are who may call, by the words of docs/routes.md. The applicant holds a sign-up, and nothing else.
var actors = map[string]map[string]bool{
	"nobody":    {"public": true},
	"applicant": {"public": true, "applicant": true},
	"guest":     {"public": true, "signedin": true},
	"sponsor":   {"public": true, "signedin": true, "staff": true, "approver": true, "directory": true},
	"auditor":   {"public": true, "signedin": true, "staff": true, "approver": true, "directory": true, "flows": true},
	"admin":     {"public": true, "signedin": true, "staff": true, "approver": true, "directory": true, "flows": true, "operations": true},
}

// shut are the answers of a door that does not open; whatever else comes was said by the room behind it.
var shut = map[string]int{
	"not_signed_in": http.StatusUnauthorized, "signup_gone": http.StatusUnauthorized, "not_allowed": http.StatusForbidden, "route_closed": http.StatusNotFound,
}

// expected is the refusal that the actor is to meet at the door, or "".
func (d door) expected(actor string) string {
	switch {
	case actors[actor][d.who]:
		return ""
	case d.who == "mailbox":
		return "route_closed" // mail leaves this house
	case d.who == "applicant":
		return "signup_gone"
	case actor == "nobody" || actor == "applicant":
		return "not_signed_in"
	}
	return "not_allowed"
}

// knocks calls the door and holds the answer against the list.
func (d door) knocks(t *testing.T, actor string, p *story.Person) {
	t.Helper()
	var body any
	if d.method != http.MethodGet {
		body = story.Raw("{}")
	}
	a := p.Send(d.method, p.Filled(d.path), body)
	code := ""
	if a.Status >= 400 {
		code = a.Text("code")
	}
	if want := d.expected(actor); want != "" {
		a.Refused(shut[want], want)
		return
	}
	require.Zero(t, shut[code], "%s may, and is turned away: %s", actor, a)
	require.Less(t, a.Status, 500, "%s: %s", actor, a)
}

// Row T50: every route says who may, in one published list, and means it.
func TestT50_EveryDoorIsAsTheListSays(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		lukas := tn.BrowserOf(t, tn.Guest(t, "lukas").Address) // in a browser that holds no sign-up
		lukas.ReadsAll()
		lukas.SignsIn().Is(http.StatusOK)
		people := map[string]*story.Person{
			"nobody": tn.BrowserOf(t, "nobody@example.com"), "applicant": maria, "guest": lukas,
			"sponsor": tn.Member(t, story.Jonas), "auditor": tn.Member(t, story.Tom), "admin": tn.Member(t, story.Ines),
		}
		for actor, p := range people {
			for _, d := range doors(t) {
				switch {
				case strings.HasSuffix(d.path, "/signout") && actors[actor]["signedin"]: // it would end what the others need
				case strings.HasSuffix(d.path, "/events") && actor == "applicant": // a stream, which has no end
				case d.path == "/api/v1/signups" || d.path == "/api/v1/link": // open to all, and it would change the cookie
				default:
					d.knocks(t, actor, p.Speaks("de").Copied())
				}
			}
		}
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 3, Codes: 1, States: "withdrawn"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted", "approval.withdrawn"}})
		require.Equal(t, 1, tn.TracesOf(t, lukas.Address).Sessions)
	})
}

// Row T50: the list is the contract's, and what is in neither is closed, for every method.
func TestT50_WhatIsNotInTheListIsClosed(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		listed := map[string]string{}
		methods := map[string]map[string]bool{}
		for _, d := range doors(t) {
			listed[d.method+" "+d.path] = d.who
			if methods[d.path] == nil {
				methods[d.path] = map[string]bool{}
			}
			methods[d.path][d.method] = true
		}
		promised := map[string]string{}
		story.TheContract.Each(func(method, path string, op *openapi3.Operation) {
			promised[method+" "+path] = op.Extensions["x-who"].(string)
		})
		require.Equal(t, promised, listed)
		nobody, admin := tn.BrowserOf(t, "nobody@example.com").Speaks("de"), tn.Member(t, story.Ines).Speaks("de")
		for path, known := range methods {
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
				if known[method] || path == "/api/v1/signups/current" { // that is also an id, of nobody's sign-up
					continue
				}
				for _, p := range []*story.Person{nobody, admin} {
					a := p.Send(method, p.Filled(path), nil)
					require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, a.Status, "%s", a)
				}
			}
		}
		for _, path := range []string{"/api/v1/me/passkeys", "/api/v1/me/addresses", "/api/v1/users", "/api/v1/flows/partner/delete", "/scim/v2/Users", "/graph/v1.0/users", "/oauth2/token"} {
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
				require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, admin.Send(method, path, story.Raw("{}")).Status, path)
			}
		}
		nobody.Leaves(story.Left{})
	})
}

// Row T52: a key does what its scopes say, and nothing else; it is a person nowhere.
func TestT52_APIKeysDoWhatTheirScopesSay(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		plan, err := story.NewPlan(t.Context(), kind, story.World.Mail)
		require.NoError(t, err)
		require.NoError(t, story.Furnish(t.Context(), plan))
		_, err = plan.Run(t.Context(), "apikey", "create", "--name", "x", "--scopes", "Directory.ReadWrite.All")
		require.Error(t, err, "a scope that does not exist is not given")
		keys := map[string]string{}
		for _, scopes := range []string{"guests:read", "requests:read", "requests:read,requests:decide", "flows:read", "operations:read", "operations:write"} {
			out, err := plan.Run(t.Context(), "apikey", "create", "--name", "of "+scopes, "--scopes", scopes)
			require.NoError(t, err)
			require.Regexp(t, `^vst_\S+\n$`, out, "the key and nothing else")
			keys[scopes] = story.Seen(strings.TrimSpace(out))
		}
		tn, err := story.OpenHouses(t.Context(), kind, plan, 1)
		require.NoError(t, err)
		t.Cleanup(func() { tn.Close(t) })
		end := tn.Begins(t)
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		maria.LeavesNoTrace(func() {
			for scopes, key := range keys {
				for _, d := range doors(t) {
					program := tn.BrowserOf(t, "program").Speaks("de").With("Authorization", "Bearer "+key)
					d.knocksWithKey(t, program, scopes)
				}
			}
			reads := keys["guests:read"]
			for _, wrong := range []string{"Bearer vst_wrong", "Bearer " + reads + "x", "Basic " + reads, "Bearer", "Bearer " + strings.ToUpper(reads), "Bearer  "} {
				tn.BrowserOf(t, "program").Speaks("de").With("Authorization", wrong).Decides(id, "approve", nil).Refused(http.StatusUnauthorized, "api_key_invalid")
			}
			both := maria.With("Authorization", "Bearer "+reads)
			both.Jar.SetCookies(story.Home(""), []*http.Cookie{{Name: "vestibule_session", Value: "x"}})
			both.Speaks("de").Get("/api/v1/approvals").Refused(http.StatusBadRequest, "two_identities")
		})
		tn.BrowserOf(t, "program").With("Authorization", "bearer "+keys["requests:read,requests:decide"]).Decides(id, "approve", nil).Is(http.StatusOK)
		maria.Leaves(story.Left{
			Traces: story.Traces{Requests: 1, Decisions: 1, Guests: 1, Grants: 1, Mails: 3, Codes: 1, States: "active"},
			Audit:  []string{"signup.started", "signup.proved", "signup.submitted", "approval.approved", "directory.guest_admitted", "directory.grant_added"},
		})
		end()
	})
}

// knocksWithKey calls the door as a program that holds a key of these scopes.
func (d door) knocksWithKey(t *testing.T, program *story.Person, scopes string) {
	t.Helper()
	switch d.who {
	case "public", "applicant", "mailbox": // a key is nobody there
		return
	}
	var body any
	if d.method != http.MethodGet {
		body = story.Raw("{}")
	}
	a := program.Send(d.method, program.Filled(d.path), body)
	if has := d.scope != "" && strings.Contains(","+scopes+",", ","+d.scope+","); !has {
		a.Refused(http.StatusForbidden, "not_allowed")
		return
	}
	require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, a.Status, "%s may: %s", scopes, a)
}
