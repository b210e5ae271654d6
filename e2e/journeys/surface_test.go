package journeys

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// Row T13: absolute addresses come from the configuration, whatever the request says.
func TestT13_MailsLeadToTheConfiguredAddress(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		for name, value := range map[string]string{
			"X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test;proto=https", "X-Forwarded-Proto": "https", "X-Original-Host": "evil.test",
			"X-Host": "evil.test", "X-Forwarded-Server": "evil.test",
		} {
			maria := tn.visitor(t, "maria").with(name, value)
			maria.begins(partner)
			maria.gives(maria.address).is(http.StatusAccepted)
			l := maria.letter()
			for _, address := range anyURL.FindAllString(l.Text+" "+l.HTML, -1) {
				require.True(t, strings.HasPrefix(address, tn.plan.Public+"/"), "%s: %s", name, address)
			}
			a := maria.get("/l/" + tokenIn(t, l))
			require.NotContains(t, a.header.Get("Location"), "evil.test")
		}
	})
}

// Row T48: nobody writes what is not theirs to write.
func TestT48_FieldsOfTheHouseAreNotTakenFromBodies(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner).speaks("de")
		maria.leavesNoTrace(func() {
			for _, name := range []string{
				"userType", "USERTYPE", "usertype", "approved", "state", "roles", "groups", "id", "createdAt", "tenantId", "externalUserState",
				"mailVerified", "sponsorId", "version", "step", "flowVersion", "reference",
			} {
				maria.post(maria.path("/submit"), raw(`{"answers":{},"`+name+`":"Member"}`)).refused(http.StatusUnprocessableEntity, "fields_invalid")
				maria.patch(maria.path(""), raw(`{"answers":{},"`+name+`":true}`)).refused(http.StatusUnprocessableEntity, "fields_invalid")
				maria.sends(partner, answered(name, "Member")).field("/answers/"+name, "field_unknown")
				a := maria.post(maria.path("/submit")+"?"+name+"=Member", map[string]any{"answers": answered()})
				require.GreaterOrEqual(t, a.status, 400, "%s", a)
			}
		})
		maria.asksAfterProof()
		require.Equal(t, "pending", maria.request().text("state"))
	})
}

// Row T49: what is for staff is in no answer for others.
func TestT49_NotesForStaffStayWithStaff(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		canary := "canary" + unique()
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id := tn.requestID(t, maria.ref)
		tn.member(t, jonas).decides(id, "deny", map[string]any{"reason": "R" + canary, "shareReason": false, "note": "N" + canary}).is(http.StatusOK)
		maria.sees("denied")
		for _, a := range []answer{maria.request(), maria.get(maria.path("")), maria.get("/api/v1/signups/current")} {
			require.NotContains(t, string(a.body), canary)
		}
		l := maria.letter()
		require.NotContains(t, l.Raw, canary)
		require.Contains(t, string(tn.member(t, ana).get("/api/v1/approvals/"+id).is(http.StatusOK).body), "N"+canary)
	})
}

// public is what anybody may call, published here so that a new public route shows in the diff of this list.
var public = map[string]bool{
	"getTenant": true, "getFlow": true, "startSignup": true, "getCurrentSignup": true, "getLink": true, "pressLink": true, "startSignin": true,
	"finishSignin": true, "checkSetup": true, "finishSetup": true,
}

// Row T50: every route says who may, and means it.
func TestT50_EveryRouteIsClosedUnlessItSaysOtherwise(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		lukas := tn.guest(t, "lukas")
		lukas.signsIn().is(http.StatusOK)
		nobody, auditor := tn.browserOf(t, "nobody@example.com"), tn.member(t, tom)
		theContract.Each(func(method, path string, op *openapi3.Operation) {
			if op.OperationID == "signOut" {
				return
			}
			who := op.Extensions["x-who"].(string)
			path = filled(path)
			var body any
			if op.RequestBody != nil {
				body = raw("{}")
			}
			if !public[op.OperationID] {
				a := nobody.send(method, path, body)
				require.Contains(t, []int{401, 403, 404}, a.status, "anonymous: %s", a)
				require.NotEqual(t, "public", who, "%s is public and not in the list of this test", op.OperationID)
			}
			if strings.Contains("staff approver directory flows operations", who) {
				lukas.send(method, path, body).refused(http.StatusForbidden, "not_allowed")
			}
			if who == "operations" {
				auditor.send(method, path, body).refused(http.StatusForbidden, "not_allowed")
			}
		})
		for _, verb := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
			for _, path := range []string{"/api/v1/me", "/api/v1/guests", "/api/v1/guests/gst_01JZZZZZZZZZZZZZZZZZZZZZZZ", "/api/v1/flows/partner", "/api/v1/me/passkeys"} {
				a := lukas.send(verb, path, nil)
				require.Contains(t, []int{401, 403, 404, 405}, a.status, "%s", a)
			}
		}
	})
}

var inBraces = regexp.MustCompile(`\{[^}]*\}`)

func filled(path string) string {
	path = strings.ReplaceAll(path, "{slug}", "partner")
	path = strings.ReplaceAll(path, "{reference}", "7KQ-42M-9")
	return inBraces.ReplaceAllString(path, "x_01JZZZZZZZZZZZZZZZZZZZZZZZ")
}

// Row T51: no answer gives a secret back.
func TestT51_NoAnswerHoldsASecret(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		admin := tn.member(t, ines)
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id := tn.requestID(t, maria.ref)
		for _, path := range []string{
			"/api/v1/tenant", "/api/v1/flows", "/api/v1/flows/partner/source", "/api/v1/guests?limit=100", "/api/v1/jobs", "/api/v1/me", "/readyz", "/readyz?verbose",
			"/api/v1/approvals/" + id,
		} {
			for _, a := range []answer{admin.get(path), tn.member(t, jonas).get(path)} {
				for _, secret := range []string{"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "token_hash", "code_mac", "postgres://", "sealed"} {
					require.NotContains(t, string(a.body), secret, path)
				}
				require.NotContains(t, string(a.body), admin.cookie("vestibule_session"), path)
			}
		}
	})
}

// Row T95: the same headers on every answer, whatever it is.
func TestT95_EveryAnswerBearsTheSameHeaders(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner)
		for name, a := range map[string]answer{
			"page": maria.with("Accept", "text/html").get("/join/partner"), "200": maria.get("/api/v1/tenant"), "401": maria.get("/api/v1/me"),
			"404": maria.get("/api/v1/nothing"), "404 page": maria.with("Accept", "text/html").get("/nothing/here"),
			"405": maria.send(http.MethodDelete, "/api/v1/tenant", nil), "400": maria.post("/api/v1/signups", raw("{")), "415": maria.with("Content-Type", "text/xml").post("/api/v1/signups", raw("<a/>")),
			"409": maria.gives("x"), "410": maria.get("/api/v1/flows/closed"), "413": maria.post("/api/v1/signups", raw(strings.Repeat("x", 70<<10))),
			"421": maria.with("Host", "evil.test").get("/"), "422": maria.post(maria.path("/submit"), raw(`{"answers":{}}`)), "livez": maria.get("/livez"),
		} {
			h := a.header
			require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), name)
			require.Equal(t, "no-referrer", h.Get("Referrer-Policy"), name)
			require.Equal(t, "same-origin", h.Get("Cross-Origin-Opener-Policy"), name)
			require.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), name)
			require.NotEmpty(t, h.Get("Request-Id"), name)
			require.NotEmpty(t, h.Get("Cache-Control"), name)
			require.Empty(t, h.Get("Server"), name)
			require.Empty(t, h.Get("X-Powered-By"), name)
			csp := h.Get("Content-Security-Policy")
			for _, needed := range []string{"object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
				require.Contains(t, csp, needed, name)
			}
			for _, never := range []string{"'unsafe-inline'", "'unsafe-eval'", "script-src *", "default-src *"} {
				require.NotContains(t, csp, never, name)
			}
		}
	})
}

// Row T96: no other origin is let in.
func TestT96_NoOtherOriginIsLetIn(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria")
		for _, origin := range []string{"https://evil.test", "null", tn.plan.Public + ".evil.test", "http://sub.127.0.0.1"} {
			pre := maria.with("Origin", origin).with("Access-Control-Request-Method", "POST").send(http.MethodOptions, "/api/v1/signups", nil)
			real := maria.with("Origin", origin).get("/api/v1/tenant")
			for _, a := range []answer{pre, real} {
				for name := range a.header {
					require.False(t, strings.HasPrefix(name, "Access-Control-"), "%s: %s", origin, name)
				}
			}
			maria.with("Origin", origin).with("Sec-Fetch-Site", "cross-site").speaks("de").post("/api/v1/signups", map[string]any{"flow": partner}).
				refused(http.StatusForbidden, "cross_origin")
		}
		require.Empty(t, maria.cookie("vestibule_signup"))
	})
}

// Row T97: a flow's limit holds when everybody comes at once.
func TestT97_TheLastPlaceIsGivenOnce(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		people := make([]*person, 6)
		bodies := make([]map[string]any, len(people))
		for i := range people {
			people[i] = tn.visitor(t, "many").proves(scarce)
			bodies[i] = people[i].submission(scarce, answered())
		}
		statuses := together(len(people), func(i int) int { return people[i].at(i).post(people[i].path("/submit"), bodies[i]).status })
		require.Equal(t, map[int]int{http.StatusAccepted: 3, http.StatusConflict: 3}, statuses)
		late := tn.visitor(t, "late").proves(scarce).speaks("de")
		late.sends(scarce, answered()).refused(http.StatusConflict, "flow_full")
		require.Equal(t, 3, tn.count(t, "SELECT count(*) FROM requests WHERE flow_slug = ?", scarce))
	})
}

// Rows T98 and T101: nothing that is asked for costs more than it should.
func TestT98_StrangeSearchesAreBounded(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		sponsor := tn.member(t, jonas)
		for _, search := range []string{
			strings.Repeat("(", 100), "%25%25%25", "____", "'%20OR%201=1%20--", "%22%20OR%20%22", "a*b*c*", "NEAR(", "%00", "\\", "*", "AND", "-x", "%5E(a%2B)%2B%24",
		} {
			for _, list := range []string{"/api/v1/guests", "/api/v1/approvals"} {
				a := sponsor.get(list + "?search=" + search)
				require.Contains(t, []int{200, 400, 422}, a.status, "%s", a)
			}
		}
		sponsor.speaks("de").get("/api/v1/guests?search=" + strings.Repeat("x", 101)).is(http.StatusBadRequest)
	})
}

// Row T102: deep, wide and long bodies cost nothing.
func TestT102_HugeShapesAreRefused(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner).speaks("de")
		maria.leavesNoTrace(func() {
			for name, body := range map[string]string{
				"33 levels":     `{"answers":{"company":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}}`,
				"1,001 answers": `{"answers":{` + strings.Repeat(`"a":1,`, 1001) + `"b":1}}`,
				"2,000 choices": `{"answers":{"tools":[` + strings.Repeat(`"crane",`, 2000) + `"lift"]}}`,
				"long number":   `{"answers":{"people":` + strings.Repeat("9", 10000) + `}}`,
				"long key":      `{"` + strings.Repeat("k", 20000) + `":1}`,
			} {
				a := maria.post(maria.path("/submit"), raw(body))
				require.Contains(t, []int{400, 422}, a.status, "%s: %s", name, a)
			}
		})
		big := tn.visitor(t, "big").with("X-Big", strings.Repeat("x", 40<<10))
		a, err := big.try(http.MethodGet, "/api/v1/tenant", nil)
		if err == nil {
			require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, a.status)
		}
	})
}

// Row T103: nobody writes lines of their own into the log; the log is read when the house has stopped.
func TestT103_LogLinesCannotBeForged(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		mark := "forged" + unique()
		maria := tn.visitor(t, "maria")
		forged := `{"level":"ERROR","msg":"` + mark + `"}`
		maria.with("User-Agent", "x "+forged+strings.Repeat("A", 10<<10)).get("/api/v1/tenant")
		maria.get("/%0a" + strings.ReplaceAll(strings.ReplaceAll(forged, `"`, "%22"), " ", "%20"))
		maria.begins(partner)
		maria.speaks("de").gives("a@b.com\n"+forged).field("/email", "email_invalid")
		for _, h := range tn.replicas {
			for _, line := range h.Log.Lines() {
				require.False(t, strings.HasPrefix(line, forged), line)
				require.NotContains(t, line, maria.address, "addresses are masked")
			}
		}
	})
}
