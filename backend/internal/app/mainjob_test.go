package app

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const mariasAnswers = `{"answers":{"givenNames":"Maria","familyName":"Lindqvist","company":"Fabrikam","why":"deliver","purpose":"Weekly deliveries","contact":"j.becker@contoso.com"},
	"consents":[{"terms":"terms-of-use","version":"4"}]}`

// TestMainJob is the reason for the house, over HTTP: status, body, and everything it did and nothing else.
func TestMainJob(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *testHouse) {
		maria, jonas := h.browser(), h.as("j.becker@contoso.com")
		id := maria.POST("/api/v1/signups", `{"flow":"supplier","locale":"en"}`).status(201).golden("start.json").audit().mail().field("id")
		maria.POST("/api/v1/signups/"+id+"/email", `{"email":"maria@fabrikam.de"}`).status(202).golden("email.json").audit("signup.started")
		code, before := h.code(), maria.cookies["vestibule_signup"]
		maria.POST("/api/v1/signups/"+id+"/code", `{"code":"`+other(code)+`"}`).problem(422, "code_wrong").audit("identity.code_refused").mail()
		maria.POST("/api/v1/signups/"+id+"/code", `{"code":"`+code+`"}`).status(200).golden("code.json").audit("signup.proved").mail()
		require.NotEqual(t, before, maria.cookies["vestibule_signup"], "another cookie after proof")
		maria.PATCH("/api/v1/signups/"+id, `{"answers":{"company":"Fabrikam"}}`).status(200).golden("draft.json").audit().mail()
		maria.POST("/api/v1/signups/"+id+"/submit", `{"answers":{},"consents":[]}`).status(422).golden("submit_mistakes.json").audit().mail()
		sent := maria.POST("/api/v1/signups/"+id+"/submit", mariasAnswers).status(202).golden("submit.json").
			audit("signup.submitted").mail("request.received maria@fabrikam.de", "approval.needed j.becker@contoso.com")
		status := "/api/v1/requests/" + sent.field("reference")
		maria.GET(status).status(200).golden("request_pending.json").audit().mail()

		approval := "/api/v1/approvals/" + jonas.GET("/api/v1/approvals?state=waiting").status(200).golden("queue.json").audit().mail().field("data.0.id")
		jonas.GET(approval).status(200).golden("approval.json").audit().mail()
		h.clk.Advance(time.Minute)
		jonas.POST(approval+"/ask", `{"text":"Which hall?"}`).status(200).audit("approval.asked").mail("request.question maria@fabrikam.de")
		h.clk.Advance(time.Minute)
		maria.POST(status+"/reply", `{"text":"Hall 3"}`).status(200).golden("request_answered.json").audit("approval.answered").mail("approval.needed j.becker@contoso.com")
		jonas.POST(approval+"/decision", `{"decision":"approve","version":1}`).problem(412, "request_changed").audit().mail() // seen before the answer came
		jonas.POST(approval+"/decision", `{"decision":"deny"}`).problem(422, "fields_invalid").audit().mail()
		jonas.POST(approval+"/decision", `{"decision":"approve","note":"known","version":3}`).status(200).golden("decided.json").
			audit("approval.approved", "directory.guest_admitted", "directory.grant_added", "directory.grant_added", "directory.grant_added", "directory.grant_added").
			mail("request.approved maria@fabrikam.de")
		jonas.POST(approval+"/decision", `{"decision":"approve"}`).problem(409, "already_decided").golden("already_decided.json").audit().mail()
		maria.GET(status).status(200).golden("request_active.json").audit().mail()
		maria.POST(status+"/withdraw", ``).problem(409, "already_decided").audit().mail()

		guest := h.as("maria@fabrikam.de")
		guest.GET("/api/v1/me").status(200).golden("me.json")
		guest.GET("/api/v1/me/apps").status(200).golden("apps.json").audit().mail()
		h.knownAndUnknownAreTheSame()
	})
}

// other is a code that this is not.
func other(code string) string { return code[:5] + string('0'+(code[5]-'0'+1)%10) }

func TestMainJob_visitorsComeInByThemselves(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *testHouse) {
		b := h.browser()
		id := b.POST("/api/v1/signups", `{"flow":"visitor"}`).status(201).field("id")
		b.POST("/api/v1/signups/"+id+"/email", `{"email":"grace@proseware.co.uk"}`).status(202)
		b.POST("/api/v1/signups/"+id+"/code", `{"code":"`+h.code()+`"}`).status(200)
		h.events()
		a := b.POST("/api/v1/signups/"+id+"/submit", `{"answers":{"fullName":"Grace Mensah","reason":"Workshop"},"consents":[]}`).status(202).
			audit("approval.approved", "directory.guest_admitted", "directory.grant_added", "directory.grant_added", "signup.submitted").
			mail("request.approved grace@proseware.co.uk")
		require.Equal(t, "active", a.field("state"))
		b.POST("/api/v1/signups/"+id+"/submit", `{"answers":{}}`).status(202).audit().mail()
	})
}

// TestParkedLink is security.md T05 and T12: the token leaves the address bar, and opening does nothing.
func TestParkedLink(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *testHouse) {
		began, elsewhere := h.browser(), h.browser()
		id := began.POST("/api/v1/signups", `{"flow":"supplier"}`).status(201).field("id")
		began.POST("/api/v1/signups/"+id+"/email", `{"email":"maria@fabrikam.de"}`).status(202)
		kept := h.mails()
		text := kept[len(kept)-1].TextPart
		_, rest, found := strings.Cut(text, address+"/l/")
		require.True(t, found, "%s", text)
		token := strings.Fields(rest)[0]
		h.events()
		for _, method := range []string{http.MethodHead, http.MethodGet} {
			opened := elsewhere.do(method, "/l/"+token, "").status(303).audit().mail()
			require.Equal(t, "/l", opened.Header().Get("Location"), "the token is nowhere in the address")
			require.Equal(t, "no-store", opened.Header().Get("Cache-Control"))
			require.Equal(t, "no-referrer", opened.Header().Get("Referrer-Policy"))
			cookie := opened.Header().Get("Set-Cookie")
			for _, part := range []string{"vestibule_link=" + token, "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=900"} {
				require.Contains(t, cookie, part)
			}
			require.Len(t, opened.Header().Values("Set-Cookie"), 1, "and no cookie that signs anybody in")
		}
		require.Equal(t, "ready", elsewhere.GET("/api/v1/link").status(200).field("state"))
		require.Len(t, elsewhere.GET("/api/v1/link").field("code"), 6, "elsewhere the code is shown, to be typed")
		elsewhere.POST("/api/v1/link", ``).problem(409, "link_other_browser").audit().mail()
		require.Equal(t, "code", began.GET("/api/v1/signups/"+id).field("step"), "nothing has happened")

		began.GET("/l/" + token).status(303)
		require.Empty(t, began.GET("/api/v1/link").field("code"), "where one began there is nothing to type")
		require.Equal(t, "/join/supplier", began.POST("/api/v1/link", ``).status(200).audit("signup.proved").field("next"))
		require.Equal(t, "details", began.GET("/api/v1/signups/"+id).field("step"))
		elsewhere.POST("/api/v1/link", ``).problem(410, "mailed_link_used_up")
	})
}

// TestMemberBehindTheAddress: the sponsor reads why, in words.
func TestMemberBehindTheAddress(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "sqlite")
	maria, jonas := h.browser(), h.as("j.becker@contoso.com")
	h.sends(maria, "new.hire@contoso.com")
	approval := "/api/v1/approvals/" + jonas.GET("/api/v1/approvals").field("data.0.id")
	h.hire("new.hire@contoso.com")
	h.mails()
	h.events()
	jonas.POST(approval+"/decision", `{"decision":"approve"}`).problem(409, "directory_member_address").audit().mail()
}

// knownAndUnknownAreTheSame is security.md T24: maria is a guest of the flow, nobody has heard of the other, jonas is a
// member. What differs is the mail.
func (h *testHouse) knownAndUnknownAreTheSame() {
	h.t.Helper()
	var bodies, headers []string
	for _, c := range []struct{ mail, gets string }{
		{"maria@fabrikam.de", "signup.exists"}, {"nobody@fabrikam.de", "signup.code"}, {"j.becker@contoso.com", "signup.exists"},
	} {
		b := h.browser()
		id := b.POST("/api/v1/signups", `{"flow":"supplier"}`).status(201).field("id")
		a := b.POST("/api/v1/signups/"+id+"/email", `{"email":"`+c.mail+`"}`).status(202).audit("signup.started").mail(c.gets + " " + c.mail)
		var names []string
		for name := range a.Header() {
			names = append(names, name)
		}
		slices.Sort(names)
		bodies, headers = append(bodies, a.Body.String()), append(headers, strings.Join(names, " "))
	}
	for i := range bodies {
		require.Equal(h.t, bodies[0], bodies[i])
		require.Equal(h.t, headers[0], headers[i])
	}
}
