package journeys

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The main job from the first press to the opened app.
func TestPartnerAsksAndIsApprovedAndOpensAnApp(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria")
		maria.begins(partner)
		sent := maria.gives(maria.address).is(http.StatusAccepted)
		require.EqualValues(t, 6, sent.value("codeLength"))
		code := maria.letter()
		require.Contains(t, code.Subject, codeIn(t, code), "the code is in the subject, so that a phone's notification shows it")
		maria.at(1).types(codeIn(t, code)).is(http.StatusOK)
		maria.patch(maria.path(""), map[string]any{"answers": map[string]any{"company": "Fabrikam GmbH"}}).is(http.StatusOK)
		kept := maria.get(maria.path("")).is(http.StatusOK)
		require.Equal(t, "Fabrikam GmbH", kept.text("answers.company"))

		receipt := maria.sends(partner, answered("purpose", "Compressor maintenance, hall 3")).is(http.StatusAccepted)
		require.Equal(t, "pending", receipt.text("state"))
		require.Equal(t, "/requests/"+maria.ref, receipt.text("statusUrl"))
		require.Contains(t, maria.letter().Subject, maria.ref)

		called := tn.letterAbout(t, jonas, maria.ref)
		require.Contains(t, called.Subject, "Maria Lindqvist")
		sponsor := tn.member(t, jonas)
		id := tn.requestID(t, maria.ref)
		require.True(t, sponsor.waits(id, "waiting"))
		card := sponsor.get("/api/v1/approvals/" + id).is(http.StatusOK)
		require.Equal(t, true, card.value("canDecide"))
		require.Equal(t, maria.address, card.text("applicant.email"))
		require.Contains(t, string(card.body), "Compressor maintenance, hall 3")
		require.Contains(t, string(card.body), "address_proved")

		sponsor.decides(id, "approve", map[string]any{"note": "Known from the tender."}).is(http.StatusOK)
		require.False(t, sponsor.waits(id, "waiting"))
		require.True(t, sponsor.waits(id, "done"))
		maria.at(1).sees("active")
		welcome := maria.letter()
		require.NotContains(t, welcome.Text, "Known from the tender.", "the note is for staff")

		require.Equal(t, "/apps", maria.signsIn().is(http.StatusOK).text("next"))
		me := maria.get("/api/v1/me").is(http.StatusOK)
		require.Equal(t, "guest", me.text("kind"))
		require.Equal(t, maria.address, me.text("email"))
		apps := maria.at(1).get("/api/v1/me/apps").is(http.StatusOK).list("data")
		require.NotEmpty(t, apps)
		maria.post("/api/v1/signout", nil).is(http.StatusNoContent)
		maria.get("/api/v1/me").refused(http.StatusUnauthorized, "not_signed_in")

		got := tn.tracesOf(t, maria.address)
		require.Equal(t, 1, got.Guests)
		require.Equal(t, 1, got.Requests)
		require.Equal(t, 1, got.Decisions)
		require.Equal(t, 4, got.Mails, "code, receipt, welcome, sign-in code")
		require.Contains(t, tn.audit(t, id), "approval.approved")
	})
}

func TestSponsorDeniesWithAReason(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		for _, tc := range []struct {
			name  string
			share bool
		}{
			{"shared: the applicant reads it as written", true},
			{"kept: the applicant does not learn it", false},
		} {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				sam := tn.visitor(t, "sam").asks(partner, answered())
				id, sponsor := tn.requestID(t, sam.ref), tn.member(t, ana)
				sponsor.speaks("de").decides(id, "deny", nil).field("/reason", "reason_missing")
				sponsor.speaks("de").decides(id, "deny", map[string]any{"reason": " \t"}).field("/reason", "reason_missing")
				reason := "Fabrikam has no contract for this site."
				sponsor.decides(id, "deny", map[string]any{"reason": reason, "shareReason": tc.share}).is(http.StatusOK)
				view := sam.sees("denied")
				require.Equal(t, tc.share, strings.Contains(string(view.body), reason))
				require.NotContains(t, string(view.body), "Ruiz", "who decided is not the applicant's to know")
				letter := sam.letter()
				require.Equal(t, tc.share, strings.Contains(strings.Join(strings.Fields(letter.Text), " "), reason))
				require.Zero(t, tn.tracesOf(t, sam.address).Guests)
				sam.signsInInVain()
			})
		}
	})
}

// signsInInVain asks for a code; the mail that comes has none.
func (p *person) signsInInVain() {
	p.t.Helper()
	p.post("/api/v1/signin", map[string]any{"email": p.address}).is(http.StatusOK)
	l := p.letter()
	require.Empty(p.t, sixDigits.FindString(l.Subject+l.Text), "there is no access, so there is no code: %s", l.Text)
}

func TestVisitorIsApprovedByTheFlowItself(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		lukas := tn.visitor(t, "lukas").proves(visitors)
		lukas.sends(visitors, walkIn()).is(http.StatusAccepted)
		lukas.sees("active")
		lukas.signsIn().is(http.StatusOK)
		require.NotEmpty(t, lukas.get("/api/v1/me/apps").is(http.StatusOK).list("data"))
		got := tn.tracesOf(t, lukas.address)
		require.Equal(t, 1, got.Guests)
		require.Zero(t, got.Decisions, "nobody was asked")
	})
}

func TestApproverAsksAndApplicantAnswers(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id, sponsor := tn.requestID(t, maria.ref), tn.member(t, jonas)
		maria.leavesNoTrace(func() {
			maria.speaks("de").post("/api/v1/requests/"+maria.ref+"/reply", map[string]any{"text": "Hello?"}).refused(http.StatusConflict, "nothing_asked")
		})
		sponsor.post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Which hall do you work in?"}).is(http.StatusOK)
		question := maria.letter()
		require.Contains(t, question.Text, "Which hall do you work in?")
		require.Equal(t, "needs_info", maria.request().is(http.StatusOK).text("state"))
		require.True(t, sponsor.waits(id, "asked"))
		require.False(t, sponsor.waits(id, "waiting"))
		sponsor.speaks("de").post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "And when?"}).refused(http.StatusConflict, "already_asked")
		maria.speaks("de").post("/api/v1/requests/"+maria.ref+"/reply", map[string]any{"text": "  "}).is(http.StatusUnprocessableEntity)
		maria.post("/api/v1/requests/"+maria.ref+"/reply", map[string]any{"text": "Hall 3."}).is(http.StatusOK)
		require.True(t, sponsor.waits(id, "waiting"))
		card := sponsor.get("/api/v1/approvals/" + id).is(http.StatusOK)
		require.Len(t, card.list("messages"), 2)
		require.Equal(t, "Hall 3.", card.text("messages.1.text"))
		maria.speaks("de").post("/api/v1/requests/"+maria.ref+"/reply", map[string]any{"text": "Again."}).refused(http.StatusConflict, "nothing_asked")
		sponsor.decides(id, "approve", nil).is(http.StatusOK)
		maria.sees("active")
	})
}

func TestApplicantWithdraws(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id := tn.requestID(t, maria.ref)
		maria.post("/api/v1/requests/"+maria.ref+"/withdraw", nil).is(http.StatusOK)
		require.Equal(t, "withdrawn", maria.at(1).request().is(http.StatusOK).text("state"))
		require.Contains(t, maria.letter().Subject, maria.ref, "a receipt")
		maria.leavesNoTrace(func() {
			maria.speaks("de").post("/api/v1/requests/"+maria.ref+"/withdraw", nil).is(http.StatusConflict)
			tn.member(t, jonas).speaks("de").decides(id, "approve", nil).refused(http.StatusConflict, "request_closed")
			tn.member(t, jonas).speaks("de").post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Why?"}).refused(http.StatusConflict, "request_closed")
		})
		require.False(t, tn.member(t, jonas).waits(id, "waiting"))
		again := tn.browserOf(t, maria.address)
		again.read = maria.read
		again.proves(partner) // may ask again
		again.sends(partner, answered()).is(http.StatusAccepted)
		require.NotEqual(t, maria.ref, again.ref)
	})
}

func TestRequestExpiresWhenNobodyDecides(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id := tn.requestID(t, maria.ref)
		tn.ages(t, "requests", "submitted_at due_at expires_at", 400*24*3600, "id = ?", id)
		maria.leavesOnlyTime(func() {
			tn.member(t, jonas).speaks("de").decides(id, "approve", nil).refused(http.StatusConflict, "request_closed")
		})
		require.Zero(t, tn.tracesOf(t, maria.address).Guests)
		maria.speaks("de").post("/api/v1/requests/"+maria.ref+"/withdraw", nil).is(http.StatusConflict)
	})
}

// leavesOnlyTime is leavesNoTrace where the state and the mails may differ, because a clock ran out meanwhile.
func (p *person) leavesOnlyTime(act func()) {
	p.t.Helper()
	before := p.town.tracesOf(p.t, p.address)
	act()
	after := p.town.tracesOf(p.t, p.address)
	after.States, after.Mails = before.States, before.Mails
	require.Equal(p.t, before, after)
}

func TestApplicantComesBackInAnotherBrowserByReference(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		phone := tn.browserOf(t, maria.address)
		phone.read = maria.read
		typed := strings.ToLower(strings.ReplaceAll(maria.ref, "-", ""))
		a := phone.post("/api/v1/signups", map[string]any{"reference": typed, "locale": "en"}).is(http.StatusCreated)
		phone.signup, phone.ref = a.text("id"), maria.ref
		phone.get("/api/v1/requests/" + maria.ref).is(http.StatusNotFound) // not before proof
		phone.gives(maria.address).is(http.StatusAccepted)
		proved := phone.types(codeIn(t, phone.letter())).is(http.StatusOK)
		require.Equal(t, "request", proved.text("step"))
		require.Equal(t, maria.ref, proved.text("reference"))
		require.Equal(t, "pending", phone.request().is(http.StatusOK).text("state"))

		eve := tn.visitor(t, "eve")
		a = eve.post("/api/v1/signups", map[string]any{"reference": maria.ref}).is(http.StatusCreated)
		eve.signup = a.text("id")
		eve.gives(eve.address).is(http.StatusAccepted)
		eve.types(codeIn(t, eve.letter())).is(http.StatusOK)
		eve.speaks("de").get("/api/v1/requests/" + maria.ref).is(http.StatusNotFound)
	})
}

func TestDraftSurvivesTheBrowser(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner)
		maria.patch(maria.path(""), map[string]any{"answers": map[string]any{"company": "Fabrikam GmbH", "reason": "maintain", "site": "hamburg"}}).is(http.StatusOK)
		other := tn.browserOf(t, maria.address)
		other.read = maria.read
		other.begins(partner)
		other.gives(maria.address).is(http.StatusAccepted)
		a := other.types(codeIn(t, other.letter())).is(http.StatusOK)
		require.Equal(t, "hamburg", a.text("answers.site"))
	})
}

func TestStatusPageFollowsLive(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id := tn.requestID(t, maria.ref)
		heard := maria.at(1).follows(20 * time.Second)
		require.Contains(t, <-heard, `"pending"`, "the first event is how it stands")
		tn.member(t, jonas).at(0).decides(id, "approve", nil).is(http.StatusOK)
		for event := range heard {
			if strings.Contains(event, `"active"`) {
				return
			}
		}
		t.Fatal("the stream ended before the decision reached it")
	})
}
