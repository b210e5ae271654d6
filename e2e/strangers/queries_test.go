package strangers

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

var lists = []string{"/api/v1/guests", "/api/v1/approvals", "/api/v1/organisations", "/api/v1/sponsors", "/api/v1/jobs"}

// Row T54: a list is filtered by what it shows, and by nothing else: what it does not know it refuses, alike whatever
// the data are.
func TestT54_UnknownFiltersAreRefusedWhateverTheDataAre(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		for _, p := range []*story.Person{tn.Member(t, story.Ines).Speaks("de"), tn.BrowserOf(t, "nobody@example.com").Speaks("de")} {
			for _, list := range lists {
				for _, pair := range [][2]string{
					{"$filter=startswith(tokenHash,'a')", "$filter=startswith(tokenHash,'b')"}, {"$filter=codeMac ne null", "$filter=codeMac eq null"},
					{"$orderby=token_hash", "$orderby=note"}, {"$select=*", "$select=note"}, {"where[note]=x", "where[note]=y"}, {"filter[address]=" + maria.Address, "filter[address]=x@y.z"},
					{"sort=note", "sort=token_hash"}, {"order=note desc", "order=1"}, {"fields=roles", "fields=note"}, {"include=sessions", "include=codes"}, {"LIMIT=1", "Limit=1"},
					{"address=" + maria.Address, "address=x@y.z"}, {"limit=5&limit=6", "limit=6&limit=5"},
				} {
					a, b := p.Get(list+"?"+escaped(pair[0])), p.Get(list+"?"+escaped(pair[1]))
					if a.Status == http.StatusUnauthorized {
						require.Equal(t, http.StatusUnauthorized, b.Status)
						continue
					}
					require.Contains(t, []string{"unknown_parameter", "parameter_invalid"}, a.Text("code"), "%s", a)
					a.Refused(http.StatusBadRequest, a.Text("code"))
					b.Refused(http.StatusBadRequest, a.Text("code"))
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
