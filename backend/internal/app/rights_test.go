package app

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/identity"
)

// callers are those of the matrix, in its order.
var callers = []string{"anonymous", "applicant", "guest", "sponsor", "auditor", "operator", "admin", "key"}

func (h *testHouse) caller(name string) *browser {
	h.t.Helper()
	switch name {
	case "anonymous":
		return h.browser()
	case "applicant":
		b := h.browser()
		b.POST("/api/v1/signups", `{"flow":"supplier"}`).status(201)
		return b
	case "guest":
		return h.as("guest@fabrikam.de")
	case "sponsor":
		return h.as("j.becker@contoso.com")
	case "auditor":
		return h.as("t.adler@contoso.com")
	case "operator":
		return h.as("o.haddad@contoso.com")
	case "admin":
		return h.as("i.vogel@contoso.com")
	default:
		return h.program("operations:write")
	}
}

// TestRights holds every route of the contract against every kind of caller: a change here is a change of rights. What a
// caller may do is answered 404 or 4xx for the made-up ids and empty bodies; what they may not, 401, 403 or 404.
func TestRights(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "sqlite")
	admitted := h.browser()
	h.sends(admitted, "guest@fabrikam.de")
	jonas := h.as("j.becker@contoso.com")
	jonas.POST("/api/v1/approvals/"+jonas.GET("/api/v1/approvals").field("data.0.id")+"/decision", `{"decision":"approve"}`).status(200)
	h.mails()
	var lines []string
	for route := range contractRoutes {
		lines = append(lines, route)
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(path(a)+a, path(b)+b) })
	asked := map[string]*browser{}
	for _, name := range callers {
		asked[name] = h.caller(name)
	}
	for i, route := range lines {
		method, target, _ := strings.Cut(route, " ")
		target = strings.NewReplacer(":reference", "7KQ-42M-9", ":slug", "supplier", ":token", "x", ":id", "x").Replace(target)
		body := ""
		if method != "GET" {
			body = "{}"
		}
		for _, name := range callers {
			b := &browser{testHouse: h, cookies: map[string]string{}, key: asked[name].key}
			for cookie, value := range asked[name].cookies {
				b.cookies[cookie] = value
			}
			if route == "POST /api/v1/signout" {
				b = h.caller(name) // it ends the session
			}
			a := b.do(method, target, body)
			require.Less(t, a.Code, 500, "%s as %s: %s", route, name, a.Body)
			lines[i] += fmt.Sprintf(" | %s %d", name, a.Code)
		}
	}
	goldenText(t, "rights.txt", strings.Join(lines, "\n")+"\n", true)
}

func path(route string) string {
	_, p, _ := strings.Cut(route, " ")
	return p
}

// TestForeignIsUnknown is security.md T46: what is another's and what is not there are the same bytes.
func TestForeignIsUnknown(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *testHouse) {
		maria, lukas := h.browser(), h.browser()
		foreign := h.sends(maria, "maria@fabrikam.de")
		h.sends(lukas, "lukas@fabrikam.de")
		h.mails()
		jonas, ana := h.as("j.becker@contoso.com"), h.as("a.ruiz@contoso.com")
		id := jonas.GET("/api/v1/approvals").field("data.0.id")
		for _, c := range []struct {
			name, method, path, foreign, unknown, body string
			by                                         *browser
		}{
			{"an applicant reads", "GET", "/api/v1/requests/%s", foreign, "7KQ-42M-9", "", lukas},
			{"an applicant withdraws", "POST", "/api/v1/requests/%s/withdraw", foreign, "7KQ-42M-9", "", lukas},
			{"an applicant replies", "POST", "/api/v1/requests/%s/reply", foreign, "7KQ-42M-9", `{"text":"x"}`, lukas},
			{"a member who was not asked reads", "GET", "/api/v1/approvals/%s", id, "req_0", "", ana},
			{"a member who was not asked decides", "POST", "/api/v1/approvals/%s/decision", id, "req_0", `{"decision":"approve"}`, ana},
			{"a member who was not asked asks", "POST", "/api/v1/approvals/%s/ask", id, "req_0", `{"text":"x"}`, ana},
		} {
			t.Run(c.name, func(t *testing.T) {
				h.events()
				first := c.by.do(c.method, fmt.Sprintf(c.path, c.foreign), c.body).status(404).audit().mail()
				second := c.by.do(c.method, fmt.Sprintf(c.path, c.unknown), c.body).status(404).audit().mail()
				bare := func(a *answer) string { return changing[2].form.ReplaceAllString(masked(a.Body.String()), "") }
				require.Equal(t, bare(first), bare(second))
			})
		}
	})
}

// masked takes out the request id, which differs.
func masked(body string) string {
	before, rest, found := strings.Cut(body, `"requestId":"`)
	if !found {
		return body
	}
	_, after, _ := strings.Cut(rest, `"`)
	return before + after
}

// hostile are texts that databases, parsers and pages stumble over.
var hostile = []string{"\x00", "a\x00b", "\xff\xfe", "\u202e", "'", `"`, `\`, "%", "_", strings.Repeat("ä", 300), "\ud7ff\ufffd", "../..", "💥"}

// TestHostileCharacters: whatever is sent, and wherever, nothing breaks. PostgreSQL keeps no NUL and no broken UTF-8.
func TestHostileCharacters(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *testHouse) {
		maria, admin := h.browser(), h.as("i.vogel@contoso.com")
		reference := h.sends(maria, "maria@fabrikam.de")
		h.mails()
		jonas := h.as("j.becker@contoso.com")
		id := jonas.GET("/api/v1/approvals").field("data.0.id")
		draft := h.browser()
		signup := draft.POST("/api/v1/signups", `{"flow":"supplier"}`).field("id")
		draft.POST("/api/v1/signups/"+signup+"/email", `{"email":"draft@fabrikam.de"}`).status(202)
		draft.POST("/api/v1/signups/"+signup+"/code", `{"code":"`+h.code()+`"}`).status(200)
		for _, text := range hostile {
			for by, calls := range map[*browser][]string{
				jonas: {
					"GET /api/v1/approvals?search=Q", "GET /api/v1/approvals?flow=Q", "GET /api/v1/approvals?after=Q", "GET /api/v1/approvals?state=Q",
					"GET /api/v1/approvals/P", "GET /api/v1/decide/P", "GET /api/v1/guests?search=Q", "GET /api/v1/guests?organisation=Q", "GET /api/v1/guests?after=Q", "GET /api/v1/guests/P",
					"GET /api/v1/guests/P/timeline", "GET /api/v1/guests/x/timeline?after=Q", "GET /api/v1/sponsors?search=Q", "GET /api/v1/organisations?search=Q",
					`POST /api/v1/approvals/P/decision {"decision":"approve"}`,
				},
				admin: {
					"GET /api/v1/flows/P/source", "GET /api/v1/flows?after=Q", "GET /api/v1/jobs?after=Q", "POST /api/v1/jobs/P/retry",
				},
				maria: {
					"GET /api/v1/flows/P", "GET /api/v1/requests/P", "GET /api/v1/signups/P", "GET /api/v1/signups/current?flow=Q", "GET /l/P", "GET /api/v1/mailbox/P",
					"GET /api/v1/mailbox?after=Q", "GET /api/v1/mailbox?to=Q",
					"POST /api/v1/requests/" + reference + `/reply {"text":J}`,
				},
				draft: {
					"PATCH /api/v1/signups/" + signup + ` {"answers":{"company":J,"contact":J,"purpose":J}}`,
					"PATCH /api/v1/signups/" + signup + ` {"answers":{J:"x"}}`,
					"POST /api/v1/signups/" + signup + `/submit {"answers":{"company":J},"consents":[{"terms":J,"version":J}]}`,
				},
				h.browser(): {
					`POST /api/v1/signups {"flow":J}`, `POST /api/v1/signups {"flow":"supplier","locale":J}`, `POST /api/v1/signups {"reference":J}`,
					`POST /api/v1/signin {"email":J}`, `POST /api/v1/signin/code {"code":J}`, `POST /api/v1/setup/check {"token":J}`,
				},
			} {
				for _, call := range calls {
					by.tries(call, text)
				}
			}
		}
		jonas.POST("/api/v1/approvals/"+id+"/decision", `{"decision":"deny","reason":"\u0000\u202e no \u0000","note":"\u0000"}`).status(200)
		require.Equal(t, 1, h.count("requests WHERE reason = 'no' AND note = ''"))
	})
}

// tries sends text for P in a path, Q in a query and J in JSON; nothing may answer 500 or write an internal word.
func (b *browser) tries(call, text string) {
	b.t.Helper()
	method, rest, _ := strings.Cut(call, " ")
	target, body, _ := strings.Cut(rest, " ")
	target = strings.Replace(target, "Q", url.QueryEscape(text), 1)
	if before, after, found := strings.Cut(target, "/P"); found {
		target = before + "/" + url.PathEscape(text) + after
	}
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\x00", `\u0000`).Replace(text) + `"`
	a := b.do(method, target, strings.ReplaceAll(body, "J", quoted))
	if a.Code >= 500 {
		b.t.Errorf("%s with %q answers %d: %s", call, text, a.Code, a.Body)
	}
}

// TestTimeline_forItsReaders: where calls came from is for those whose role is to read the audit; a member without a role
// and a program with the scope for guests see the rest (security.md T46, T49, T52).
func TestTimeline_forItsReaders(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "sqlite")
	h.sends(h.browser(), "guest@fabrikam.de")
	jonas := h.as("j.becker@contoso.com")
	jonas.POST("/api/v1/approvals/"+jonas.GET("/api/v1/approvals").field("data.0.id")+"/decision", `{"decision":"approve","reason":"canary"}`).status(200)
	h.mails()
	path := "/api/v1/guests/" + jonas.GET("/api/v1/guests").field("data.0.id") + "/timeline"
	for who, full := range map[*browser]bool{
		jonas: false, h.as("o.haddad@contoso.com"): false, h.program("guests:read"): false, h.as("t.adler@contoso.com"): true, h.as("i.vogel@contoso.com"): true,
	} {
		a := who.GET(path)
		if a.Code == 403 { // who is only an operator sees no guests
			continue
		}
		body := a.status(200).Body.String()
		require.Contains(t, body, "approval.approved")
		require.Equal(t, full, strings.Contains(body, `"address"`), body)
		require.Equal(t, full, strings.Contains(body, "canary"), body)
	}
}

// TestDoors_allAreListed: a door outside the contract is in the list of its own, or the house does not open (T50).
func TestDoors_allAreListed(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "sqlite")
	hung := h.engine.Routes()
	require.NoError(t, checkDoors(hung))
	require.ErrorContains(t, checkDoors(append(hung, gin.RouteInfo{Method: "GET", Path: "/api/debug"})), "GET /api/debug")
	missing := slices.DeleteFunc(slices.Clone(hung), func(r gin.RouteInfo) bool { return r.Path == "/api/openapi.json" })
	require.ErrorContains(t, checkDoors(missing), "no such door", "a list of what is not there misleads its reader")
	for door, route := range otherRoutes {
		require.NotContains(t, contractRoutes, door)
		require.Equal(t, identity.WhoPublic, route.Who, "%s: nothing guards it", door)
	}
}
