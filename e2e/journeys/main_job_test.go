package journeys

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// The main job from the first press to the opened app.
func TestPartnerAsksAndIsApprovedAndOpensAnApp(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria")
		maria.Begins(story.Partner)
		sent := maria.Gives(maria.Address).Is(http.StatusAccepted)
		require.EqualValues(t, 6, sent.Value("codeLength"))
		code := maria.Letter()
		require.Contains(t, code.Subject, story.CodeIn(t, code), "the code is in the subject, so that a phone's notification shows it")
		maria.At(1).Types(story.CodeIn(t, code)).Is(http.StatusOK)
		maria.Patch(maria.Path(""), map[string]any{"answers": map[string]any{"company": "Fabrikam GmbH"}}).Is(http.StatusOK)
		kept := maria.Get(maria.Path("")).Is(http.StatusOK)
		require.Equal(t, "Fabrikam GmbH", kept.Text("answers.company"))

		receipt := maria.Sends(story.Partner, story.Answered("purpose", "Compressor maintenance, hall 3")).Is(http.StatusAccepted)
		require.Equal(t, "pending", receipt.Text("state"))
		require.Equal(t, "/requests/"+maria.Ref, receipt.Text("statusUrl"))
		require.Contains(t, maria.Letter().Subject, maria.Ref)

		called := tn.LetterAbout(t, story.Jonas, maria.Ref)
		require.Contains(t, called.Subject, "Maria Lindqvist")
		sponsor := tn.Member(t, story.Jonas)
		id := tn.RequestID(t, maria.Ref)
		require.True(t, sponsor.Waits(id, "waiting"))
		card := sponsor.Get("/api/v1/approvals/" + id).Is(http.StatusOK)
		require.Equal(t, true, card.Value("canDecide"))
		require.Equal(t, maria.Address, card.Text("applicant.email"))
		require.Contains(t, string(card.Body), "Compressor maintenance, hall 3")
		require.Contains(t, string(card.Body), "address_proved")

		sponsor.Decides(id, "approve", map[string]any{"note": "Known from the tender."}).Is(http.StatusOK)
		require.False(t, sponsor.Waits(id, "waiting"))
		require.True(t, sponsor.Waits(id, "done"))
		maria.At(1).Sees("active")
		welcome := maria.Letter()
		require.NotContains(t, welcome.Text, "Known from the tender.", "the note is for staff")

		require.Equal(t, "/apps", maria.SignsIn().Is(http.StatusOK).Text("next"))
		me := maria.Get("/api/v1/me").Is(http.StatusOK)
		require.Equal(t, "guest", me.Text("kind"))
		require.Equal(t, maria.Address, me.Text("email"))
		apps := maria.At(1).Get("/api/v1/me/apps").Is(http.StatusOK).List("data")
		require.NotEmpty(t, apps)
		maria.Post("/api/v1/signout", nil).Is(http.StatusNoContent)
		maria.Get("/api/v1/me").Refused(http.StatusUnauthorized, "not_signed_in")

		got := tn.TracesOf(t, maria.Address)
		require.Equal(t, 1, got.Guests)
		require.Equal(t, 1, got.Requests)
		require.Equal(t, 1, got.Decisions)
		require.Equal(t, 4, got.Mails, "code, receipt, welcome, sign-in code")
		require.Contains(t, tn.Audit(t, id), "approval.approved")
	})
}

func TestSponsorDeniesWithAReason(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		for _, tc := range []struct {
			name  string
			share bool
		}{
			{"shared: the applicant reads it as written", true},
			{"kept: the applicant does not learn it", false},
		} {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				sam := tn.Visitor(t, "sam").Asks(story.Partner, story.Answered())
				id, sponsor := tn.RequestID(t, sam.Ref), tn.Member(t, story.Ana)
				sponsor.Speaks("de").Decides(id, "deny", nil).Field("/reason", "reason_missing")
				sponsor.Speaks("de").Decides(id, "deny", map[string]any{"reason": " \t"}).Field("/reason", "reason_missing")
				reason := "Fabrikam has no contract for this site."
				sponsor.Decides(id, "deny", map[string]any{"reason": reason, "shareReason": tc.share}).Is(http.StatusOK)
				view := sam.Sees("denied")
				require.Equal(t, tc.share, strings.Contains(string(view.Body), reason))
				require.NotContains(t, string(view.Body), "Ruiz", "who decided is not the applicant's to know")
				letter := sam.Letter()
				require.Equal(t, tc.share, strings.Contains(strings.Join(strings.Fields(letter.Text), " "), reason))
				require.Zero(t, tn.TracesOf(t, sam.Address).Guests)
				sam.SignsInInVain()
			})
		}
	})
}

func TestVisitorIsApprovedByTheFlowItself(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		lukas := tn.Visitor(t, "lukas").Proves(story.Visitors)
		lukas.Sends(story.Visitors, story.WalkIn()).Is(http.StatusAccepted)
		lukas.Sees("active")
		lukas.SignsIn().Is(http.StatusOK)
		require.NotEmpty(t, lukas.Get("/api/v1/me/apps").Is(http.StatusOK).List("data"))
		got := tn.TracesOf(t, lukas.Address)
		require.Equal(t, 1, got.Guests)
		require.Zero(t, got.Decisions, "nobody was asked")
	})
}

func TestApproverAsksAndApplicantAnswers(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id, sponsor := tn.RequestID(t, maria.Ref), tn.Member(t, story.Jonas)
		maria.LeavesNoTrace(func() {
			maria.Speaks("de").Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "Hello?"}).Refused(http.StatusConflict, "nothing_asked")
		})
		sponsor.Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Which hall do you work in?"}).Is(http.StatusOK)
		question := maria.Letter()
		require.Contains(t, question.Text, "Which hall do you work in?")
		require.Equal(t, "needs_info", maria.Request().Is(http.StatusOK).Text("state"))
		require.True(t, sponsor.Waits(id, "asked"))
		require.False(t, sponsor.Waits(id, "waiting"))
		sponsor.Speaks("de").Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "And when?"}).Refused(http.StatusConflict, "already_asked")
		maria.Speaks("de").Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "  "}).Is(http.StatusUnprocessableEntity)
		maria.Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "Hall 3."}).Is(http.StatusOK)
		require.True(t, sponsor.Waits(id, "waiting"))
		card := sponsor.Get("/api/v1/approvals/" + id).Is(http.StatusOK)
		require.Len(t, card.List("messages"), 2)
		require.Equal(t, "Hall 3.", card.Text("messages.1.text"))
		maria.Speaks("de").Post("/api/v1/requests/"+maria.Ref+"/reply", map[string]any{"text": "Again."}).Refused(http.StatusConflict, "nothing_asked")
		sponsor.Decides(id, "approve", nil).Is(http.StatusOK)
		maria.Sees("active")
	})
}

func TestApplicantWithdraws(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		maria.Post("/api/v1/requests/"+maria.Ref+"/withdraw", nil).Is(http.StatusOK)
		require.Equal(t, "withdrawn", maria.At(1).Request().Is(http.StatusOK).Text("state"))
		require.Contains(t, maria.Letter().Subject, maria.Ref, "a receipt")
		maria.LeavesNoTrace(func() {
			maria.Speaks("de").Post("/api/v1/requests/"+maria.Ref+"/withdraw", nil).Is(http.StatusConflict)
			tn.Member(t, story.Jonas).Speaks("de").Decides(id, "approve", nil).Refused(http.StatusConflict, "request_closed")
			tn.Member(t, story.Jonas).Speaks("de").Post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Why?"}).Refused(http.StatusConflict, "request_closed")
		})
		require.False(t, tn.Member(t, story.Jonas).Waits(id, "waiting"))
		again := tn.BrowserOf(t, maria.Address)
		again.Read = maria.Read
		again.Proves(story.Partner) // may ask again
		again.Sends(story.Partner, story.Answered()).Is(http.StatusAccepted)
		require.NotEqual(t, maria.Ref, again.Ref)
	})
}

func TestRequestExpiresWhenNobodyDecides(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		tn.Ages(t, "requests", "submitted_at due_at expires_at", 400*24*3600, "id = ?", id)
		maria.LeavesOnlyTime(func() {
			tn.Member(t, story.Jonas).Speaks("de").Decides(id, "approve", nil).Refused(http.StatusConflict, "request_closed")
		})
		require.Zero(t, tn.TracesOf(t, maria.Address).Guests)
		maria.Speaks("de").Post("/api/v1/requests/"+maria.Ref+"/withdraw", nil).Is(http.StatusConflict)
	})
}

func TestApplicantComesBackInAnotherBrowserByReference(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		phone := tn.BrowserOf(t, maria.Address)
		phone.Read = maria.Read
		typed := strings.ToLower(strings.ReplaceAll(maria.Ref, "-", ""))
		a := phone.Post("/api/v1/signups", map[string]any{"reference": typed, "locale": "en"}).Is(http.StatusCreated)
		phone.Signup, phone.Ref = a.Text("id"), maria.Ref
		phone.Get("/api/v1/requests/" + maria.Ref).Is(http.StatusNotFound) // not before proof
		phone.Gives(maria.Address).Is(http.StatusAccepted)
		proved := phone.Types(story.CodeIn(t, phone.Letter())).Is(http.StatusOK)
		require.Equal(t, "request", proved.Text("step"))
		require.Equal(t, maria.Ref, proved.Text("reference"))
		require.Equal(t, "pending", phone.Request().Is(http.StatusOK).Text("state"))

		eve := tn.Visitor(t, "eve")
		a = eve.Post("/api/v1/signups", map[string]any{"reference": maria.Ref}).Is(http.StatusCreated)
		eve.Signup = a.Text("id")
		eve.Gives(eve.Address).Is(http.StatusAccepted)
		eve.Types(story.CodeIn(t, eve.Letter())).Is(http.StatusOK)
		eve.Speaks("de").Get("/api/v1/requests/" + maria.Ref).Is(http.StatusNotFound)
	})
}

func TestDraftSurvivesTheBrowser(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner)
		maria.Patch(maria.Path(""), map[string]any{"answers": map[string]any{"company": "Fabrikam GmbH", "reason": "maintain", "site": "hamburg"}}).Is(http.StatusOK)
		other := tn.BrowserOf(t, maria.Address)
		other.Read = maria.Read
		other.Begins(story.Partner)
		other.Gives(maria.Address).Is(http.StatusAccepted)
		a := other.Types(story.CodeIn(t, other.Letter())).Is(http.StatusOK)
		require.Equal(t, "hamburg", a.Text("answers.site"))
	})
}

func TestStatusPageFollowsLive(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		heard := maria.At(1).Follows(time.Minute)
		require.Contains(t, <-heard, `"pending"`, "the first event is how it stands")
		tn.Member(t, story.Jonas).At(0).Decides(id, "approve", nil).Is(http.StatusOK)
		for event := range heard {
			if strings.Contains(event, `"active"`) {
				return
			}
		}
		t.Fatal("the stream ended before the decision reached it")
	})
}
