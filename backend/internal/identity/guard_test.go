package identity

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

var update = flag.Bool("update", false, "write golden files anew")

// probes are a route for every word of x-who.
var probes = []struct {
	path  string
	route Route
}{
	{"/probe/public", Route{Who: WhoPublic}},
	{"/probe/applicant", Route{Who: WhoApplicant}},
	{"/probe/signedin", Route{Who: WhoSignedIn}},
	{"/probe/staff", Route{Who: WhoStaff}},
	{"/probe/approver", Route{Who: WhoApprover, Scope: "requests:read"}},
	{"/probe/directory", Route{Who: WhoDirectory, Scope: "guests:read"}},
	{"/probe/flows", Route{Who: WhoFlows, Scope: "flows:read"}},
	{"/probe/operations", Route{Who: WhoOperations, Scope: "operations:read"}},
	{"/probe/operations/write", Route{Who: WhoOperations, Scope: "operations:write"}},
	{"/probe/mailbox", Route{Who: WhoMailbox}},
	{"/probe/unlisted", Route{}},
}

// guarded opens the house with the probes behind the guard.
func guarded(t *testing.T, db *database.DB, clk *clock.Fake) *house {
	h := openHouse(t, db, clk)
	routes := map[string]Route{}
	for _, p := range probes {
		if p.route.Who != "" {
			routes["GET "+p.path] = p.route
		}
	}
	group := h.engine.Group("", h.Guard(routes))
	for _, p := range probes {
		group.GET(p.path, func(c *gin.Context) { c.Status(http.StatusNoContent) })
	}
	return h
}

// TestGuard_matrix holds who may call what: every actor against every word, and all of it in one file to be read.
func TestGuard_matrix(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := guarded(t, db, clk)
	actors := []struct {
		name string
		b    *browser
	}{{"nobody", h.browser()}, {"applicant", h.browser()}}
	actors[1].b.cookies["__Host-vestibule_signup"] = strings.Repeat("a", 43)
	for _, roles := range [][]string{nil, {"admin"}, {"flowDesigner"}, {"policyAdmin"}, {"guestInviter"}, {"auditor"}, {"operator"}, {"operator", "auditor"}} {
		address := strings.ToLower(strings.Join(roles, ".")) + "m@contoso.com"
		h.member(address, roles...)
		b := h.browser()
		b.address = fmt.Sprintf("192.0.2.%d:1", len(actors))
		b.signsIn(address)
		actors = append(actors, struct {
			name string
			b    *browser
		}{"member " + strings.Join(roles, "+"), b})
	}
	h.guest(maria, nil)
	b := h.browser()
	b.signsIn(maria)
	actors = append(actors, struct {
		name string
		b    *browser
	}{"guest", b})

	var out strings.Builder
	row := func(name string, ask func(path string) answer) {
		for _, p := range probes {
			a := ask(p.path)
			fmt.Fprintf(&out, "%-26s %-26s %d %s\n", name, strings.TrimPrefix(p.path, "/probe/"), a.status, a.code())
		}
		out.WriteByte('\n')
	}
	for _, actor := range actors {
		row(strings.TrimSpace(actor.name), actor.b.get)
	}
	for _, scopes := range [][]string{{"requests:read"}, {"guests:read", "flows:read"}, {"operations:read"}, Scopes} {
		_, token, err := h.CreateKey(context.Background(), NewKey{Name: "CI", Scopes: scopes})
		require.NoError(t, err)
		name := "key " + strings.Join(scopes, "+")
		if len(scopes) == len(Scopes) {
			name = "key with everything"
		}
		row(name, func(path string) answer {
			return h.browser().do(http.MethodGet, path, nil, map[string]string{"Authorization": "Bearer " + token})
		})
	}
	golden(t, "testdata/guard.txt", out.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(name, []byte(got), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "rights have changed: read the difference, then run with -update")
}

func TestGuard_saysWhatIsMissing(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := guarded(t, db, clk)
	h.member("o@contoso.com", RoleOperator)
	b := h.browser()
	b.signsIn("o@contoso.com")
	a := b.get("/probe/flows")
	require.Contains(t, string(a.body), `"needs":"flows"`)
	require.Contains(t, string(a.body), "“flows”")
	de := b.do(http.MethodGet, "/probe/flows", nil, map[string]string{"Accept-Language": "de-AT"})
	require.Contains(t, string(de.body), "„flows“")
}

func TestGuard_knowsWhoActs(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := openHouse(t, db, clk)
	var seen Principal
	var actor, viaGin audit.Actor
	h.engine.Group("", h.Guard(map[string]Route{"GET /who": {Who: WhoDirectory, Scope: "guests:read"}})).GET("/who", func(c *gin.Context) {
		p, _ := PrincipalOf(c.Request.Context())
		other, _ := PrincipalOf(c)
		require.Equal(t, p, other)
		seen, actor, viaGin = p, audit.ActorOf(c.Request.Context()), audit.ActorOf(c)
	})
	user := h.member("i.vogel@contoso.com", RoleAdmin)
	b := h.browser()
	b.signsIn("i.vogel@contoso.com")
	b.get("/who")
	require.Equal(t, Principal{
		Kind: KindMember, UserID: user.ID, Name: "Ines Vogel", Address: "i.vogel@contoso.com", Mail: "i.vogel@contoso.com", Roles: []string{"admin"}, SessionID: seen.SessionID,
	}, seen)
	require.Equal(t, audit.Actor{Kind: audit.KindMember, ID: user.ID, Name: "Ines Vogel"}, actor)
	require.Equal(t, actor, viaGin)

	key, token, err := h.CreateKey(context.Background(), NewKey{Name: "CI", Scopes: []string{"guests:read", "guests:read"}})
	require.NoError(t, err)
	h.browser().do(http.MethodGet, "/who", nil, map[string]string{"Authorization": "bearer " + token})
	require.Equal(t, Principal{Kind: KindAPIKey, KeyID: key.ID, Name: "CI", Scopes: []string{"guests:read"}}, seen)
	require.Equal(t, audit.Actor{Kind: audit.KindAPIKey, ID: key.ID, Name: "CI"}, actor)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := guarded(t, db, clk)
		ctx := context.Background()
		ask := func(authorization string) answer {
			return h.browser().do(http.MethodGet, "/probe/directory", nil, map[string]string{"Authorization": authorization})
		}
		ends := clk.Now().Add(time.Hour)
		forever, token, err := h.CreateKey(ctx, NewKey{Name: "CI", Scopes: []string{"guests:read"}})
		require.NoError(t, err)
		_, short, err := h.CreateKey(ctx, NewKey{Name: "for an hour", Scopes: []string{"guests:read"}, ExpiresAt: &ends})
		require.NoError(t, err)
		require.Regexp(t, regexp.MustCompile(`^vst_[\w-]{43}$`), token)
		require.Equal(t, http.StatusNoContent, ask("Bearer "+token).status)
		require.Equal(t, http.StatusNoContent, ask("Bearer "+short).status)

		for name, authorization := range map[string]string{
			"another key":               "Bearer vst_" + strings.Repeat("a", 43),
			"one letter changed":        "Bearer " + token[:len(token)-2] + "--",
			"cut":                       "Bearer " + token[:len(token)-1],
			"doubled":                   "Bearer " + token + token,
			"without the prefix":        "Bearer " + strings.TrimPrefix(token, "vst_"),
			"another scheme":            "Basic " + token,
			"no scheme":                 token,
			"empty":                     "Bearer ",
			"the key's id":              "Bearer " + forever.ID,
			"a session is no key":       "Bearer vst_session",
			"no end to it":              "Bearer vst_" + strings.Repeat("a", 4000),
			"two spaces before the key": "Bearer  " + token,
		} {
			a := ask(authorization)
			require.Equal(t, http.StatusUnauthorized, a.status, name)
			require.Equal(t, "api_key_invalid", a.code(), name)
			require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"), name)
		}

		h.member("i.vogel@contoso.com", RoleAdmin)
		b := h.browser()
		b.signsIn("i.vogel@contoso.com")
		both := b.do(http.MethodGet, "/probe/directory", nil, map[string]string{"Authorization": "Bearer " + token})
		require.Equal(t, "two_identities", both.code(), "it is not guessed who is meant")
		require.Equal(t, http.StatusBadRequest, both.status)

		clk.Advance(time.Hour)
		require.Equal(t, http.StatusUnauthorized, ask("Bearer "+short).status, "its hour is over")
		require.NoError(t, h.RevokeKey(ctx, forever.ID))
		require.Equal(t, http.StatusUnauthorized, ask("Bearer "+token).status, "revoked")
		require.ErrorIs(t, h.RevokeKey(ctx, forever.ID), ErrKeyUnknown)
		listed, err := h.APIKeys(ctx)
		require.NoError(t, err)
		require.Len(t, listed, 2)
		for _, key := range listed {
			require.NotNil(t, key.LastUsedAt, key.Name)
		}

		_, _, err = h.CreateKey(ctx, NewKey{Name: "too much", Scopes: []string{"guests:write"}})
		require.ErrorIs(t, err, ErrScopeUnknown)
		_, _, err = h.CreateKey(ctx, NewKey{Name: "", Scopes: nil})
		require.ErrorContains(t, err, "fields_invalid")
		require.Equal(t, []string{"identity.key_created", "identity.key_created", "identity.signed_in", "identity.key_revoked"}, h.events())
	})
}

// TestScopes_areThoseOfTheContract: a key can have every scope that the contract asks for, and no other.
func TestScopes_areThoseOfTheContract(t *testing.T) {
	t.Parallel()
	contract, err := os.ReadFile("../../api/openapi.yaml")
	require.NoError(t, err)
	asked := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^ +x-scope: (\S+)$`).FindAllStringSubmatch(string(contract), -1) {
		asked[found[1]] = true
	}
	for scope := range asked {
		require.Contains(t, Scopes, scope)
	}
	require.Len(t, Scopes, len(asked))
	require.True(t, slices.IsSorted(Scopes))
}

func TestCheckRoutes_refusesToStartWithAnOpenDoor(t *testing.T) {
	t.Parallel()
	engine := gin.New()
	engine.GET("/api/v1/me", func(*gin.Context) {})
	engine.POST("/api/v1/guests/:id", func(*gin.Context) {})
	routes := map[string]Route{"GET /api/v1/me": {Who: WhoSignedIn}}
	require.ErrorContains(t, CheckRoutes(engine.Routes(), routes), "POST /api/v1/guests/:id")
	routes["POST /api/v1/guests/:id"] = Route{Who: "everybody"}
	require.ErrorContains(t, CheckRoutes(engine.Routes(), routes), "everybody")
	routes["POST /api/v1/guests/:id"] = Route{Who: WhoDirectory}
	require.NoError(t, CheckRoutes(engine.Routes(), routes))
}

func TestGuard_leavesUnknownAddressesToWeb(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := guarded(t, db, clk)
	require.Equal(t, "not_found", h.browser().get("/api/v1/nothing").code())
	require.Equal(t, http.StatusMethodNotAllowed, h.browser().do(http.MethodDelete, "/probe/public", nil, nil).status)
	require.Equal(t, http.StatusNoContent, h.browser().get("/left/open").status)
}
