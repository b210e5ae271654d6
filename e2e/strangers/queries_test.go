package strangers

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T54: a list is filtered by what it shows, and by nothing else: what it does not know it refuses, in the same bytes
// whatever the data are, to whoever may read it and to whoever may not.
func TestT54_UnknownFiltersAreRefusedWhateverTheDataAre(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		lukas := tn.Guest(t, "lukas")
		ids, err := tn.Eyes.Strings(t.Context(), "SELECT id FROM directory_users WHERE address = ?", lukas.Address)
		require.NoError(t, err)
		lists := []string{"guests", "guests/" + ids[0] + "/timeline", "approvals", "approvals/" + tn.RequestID(t, maria.Ref), "organisations", "sponsors", "flows", "jobs", "me/apps"}
		for who, p := range map[string]*story.Person{
			"admin": tn.Member(t, story.Ines), "sponsor": tn.Member(t, story.Jonas), "auditor": tn.Member(t, story.Tom), "nobody": tn.BrowserOf(t, "nobody@example.com"),
		} {
			p = p.Speaks("de")
			for _, list := range lists {
				for _, pair := range [][2]string{
					{"$filter=startswith(tokenHash,'a')", "$filter=startswith(tokenHash,'b')"}, {"$filter=codeMac ne null", "$filter=codeMac eq null"},
					{"$orderby=token_hash", "$orderby=note"}, {"$select=*", "$select=note"}, {"where[note]=x", "where[note]=y"}, {"filter[address]=" + maria.Address, "filter[address]=x@y.z"},
					{"sort=note", "sort=token_hash"}, {"order=note desc", "order=1"}, {"fields=roles", "fields=note"}, {"include=sessions", "include=codes"}, {"LIMIT=1", "LIMIT=2"},
					{"address=" + maria.Address, "address=x@y.z"}, {"limit=5&limit=6", "limit=6&limit=5"}, {"$search=" + maria.Ref, "$search=7KQ-42M-9"}, {"$expand=sponsor", "$expand=note"},
				} {
					a, b := p.Get("/api/v1/"+list+"?"+escaped(pair[0])), p.Get("/api/v1/"+list+"?"+escaped(pair[1]))
					require.Equal(t, story.WithoutIDs(a), story.WithoutIDs(b), "%s, %s?%s", who, list, pair[0])
					require.Contains(t, []string{"unknown_parameter", "parameter_invalid"}, a.Text("code"), "%s: %s", who, a)
					a.Refused(http.StatusBadRequest, a.Text("code"))
				}
			}
		}
		maria.Leaves(story.Left{Traces: story.Traces{Requests: 1, Mails: 2, Codes: 1, States: "pending"}, Audit: []string{"signup.started", "signup.proved", "signup.submitted"}})
	})
}

// escaped is a query in which only = and & are left as they are.
func escaped(query string) string {
	out := ""
	for _, r := range query {
		if r == '=' || r == '&' {
			out += string(r)
		} else {
			out += url.QueryEscape(string(r))
		}
	}
	return out
}

// Row T57: what is for operators is not on the public listener.
func TestT57_ThePublicSeesNothingOfTheOperators(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de")
		for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/vars", "/swagger", "/swagger/index.html", "/.git/config", "/.env", "/actuator/health", "/api/v1/mailbox", "/server-status", "/api/openapi.yaml.bak"} {
			a := maria.Get(path)
			require.Equal(t, http.StatusNotFound, a.Status, "%s", a)
		}
		for _, path := range []string{"/", "/api/v1/tenant", "/livez"} {
			for _, method := range []string{http.MethodTrace, http.MethodConnect} {
				a, err := maria.Try(method, path, nil)
				if err == nil { // a server may also hang up
					require.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed}, a.Status, "%s", a)
				}
			}
		}
		require.JSONEq(t, `{"status":"ready"}`, string(maria.Get("/readyz?verbose").Is(http.StatusOK).Body), "details are for this machine")
		maria.Leaves(story.Left{})
	})
}
