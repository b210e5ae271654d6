package journeys

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOfTwoApproversAtOnceOneDecides(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id := tn.requestID(t, maria.ref)
		both := []*person{tn.member(t, jonas).at(0), tn.member(t, ana).at(1)}
		statuses := together(2, func(i int) int {
			return both[i].speaks("de").decides(id, "approve", nil).status
		})
		require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 1}, statuses)
		late := tn.member(t, ana).speaks("de").decides(id, "deny", map[string]any{"reason": "No."}).refused(http.StatusConflict, "already_decided")
		require.Regexp(t, `^(Jonas Becker|Ana Ruiz)$`, late.text("decidedBy"))
		require.NotEmpty(t, late.text("decidedAt"))
		maria.sees("active")
		require.Equal(t, 1, tn.tracesOf(t, maria.address).Guests)
		require.Equal(t, 1, tn.tracesOf(t, maria.address).Decisions)
	})
}

// Row T43: whatever races, one outcome, one guest, one mail.
func TestT43_ApprovalsDenialsAndWithdrawalsRace(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		sponsors := []*person{tn.member(t, jonas), tn.member(t, ana)}
		for range 3 {
			maria := tn.visitor(t, "maria").asks(partner, answered())
			id := tn.requestID(t, maria.ref)
			statuses := together(30, func(i int) int {
				switch {
				case i < 12:
					return sponsors[i%2].at(i).decides(id, "approve", nil).status
				case i < 24:
					return sponsors[i%2].at(i).decides(id, "deny", map[string]any{"reason": "No contract."}).status
				}
				return maria.at(i).post("/api/v1/requests/"+maria.ref+"/withdraw", nil).status
			})
			require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 29}, statuses)
			state := maria.request().is(http.StatusOK).text("state")
			require.Contains(t, []string{"active", "denied", "withdrawn"}, state)
			maria.letter() // one mail tells the outcome
			got := tn.tracesOf(t, maria.address)
			require.Equal(t, map[string]int{"active": 1}[state], got.Guests)
			require.Equal(t, map[string]int{"active": 1, "denied": 1}[state], got.Decisions)
			require.Equal(t, 3, got.Mails, "code, receipt, outcome")
		}
	})
}

// Row T44: a decision is about what was seen.
func TestT44_ADecisionIsAboutWhatWasSeen(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id, sponsor := tn.requestID(t, maria.ref), tn.member(t, jonas)
		sponsor.post("/api/v1/approvals/"+id+"/ask", map[string]any{"text": "Which hall?"}).is(http.StatusOK)
		maria.letter()
		seen := sponsor.get("/api/v1/approvals/" + id).is(http.StatusOK).value("version")
		maria.post("/api/v1/requests/"+maria.ref+"/reply", map[string]any{"text": "All of them, and the safe."}).is(http.StatusOK)
		maria.leavesNoTrace(func() {
			sponsor.speaks("de").decides(id, "approve", map[string]any{"version": seen}).refused(http.StatusPreconditionFailed, "request_changed")
		})
		now := sponsor.get("/api/v1/approvals/" + id).is(http.StatusOK).value("version")
		require.NotEqual(t, seen, now)
		sponsor.decides(id, "deny", map[string]any{"version": now, "reason": "Not the safe."}).is(http.StatusOK)
	})
}

func TestT44_AnOldViewDecidesNothingNew(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(twoStages, answered())
		id := tn.requestID(t, maria.ref)
		tn.member(t, jonas).decides(id, "approve", nil).is(http.StatusOK)
		again := tn.member(t, jonas).speaks("de").decides(id, "approve", nil) // pressed again in a tab that was not reloaded
		require.Equal(t, http.StatusConflict, again.status, "%s", again)
		require.Equal(t, "pending", maria.request().text("state"), "the second stage is Ana's")
		tn.member(t, ana).decides(id, "approve", nil).is(http.StatusOK)
		maria.sees("active")
		require.Equal(t, 2, tn.tracesOf(t, maria.address).Decisions)
	})
}

var decideToken = regexp.MustCompile(`/decide/([A-Za-z0-9_-]{20,})`)

// Row T45: the mailed link finds the card and gives no right.
func TestT45_TheDecideLinkGivesNoRight(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id := tn.requestID(t, maria.ref)
		found := decideToken.FindStringSubmatch(tn.letterAbout(t, jonas, maria.ref).Text)
		require.Len(t, found, 2, "the mail has a decide link")
		path := "/api/v1/decide/" + found[1]
		maria.leavesNoTrace(func() {
			tn.browserOf(t, "anybody@example.com").speaks("de").get(path).refused(http.StatusUnauthorized, "not_signed_in")
			tn.member(t, ana).speaks("de").get(path).refused(http.StatusForbidden, "not_your_link")
			require.Equal(t, id, tn.member(t, jonas).get(path).is(http.StatusOK).text("id"))
			tn.member(t, jonas).speaks("de").get("/api/v1/decide/"+strings.ToLower(found[1])+"x").refused(http.StatusGone, "link_used_up")
			tn.browserOf(t, "scanner@example.com").opens("/decide/" + found[1])
		})
		tn.ages(t, "approval_links", "expires_at", 366*24*3600, "request_id = ?", id)
		tn.member(t, jonas).speaks("de").get(path).refused(http.StatusGone, "link_used_up")
	})
}

// Row T46: foreign and random are the same bytes.
func TestT46_ForeignAndUnknownAreTheSame(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		first := tn.visitor(t, "first").asks(twoStages, answered()) // only jonas may see it yet
		foreign, random := tn.requestID(t, first.ref), "req_01JZZZZZZZZZZZZZZZZZZZZZZZ"
		lukas := tn.visitor(t, "lukas").proves(visitors)
		lukas.sends(visitors, walkIn()).is(http.StatusAccepted)
		lukas.sees("active")
		lukas.signsIn().is(http.StatusOK)
		actors := map[string]*person{
			"anonymous": tn.browserOf(t, "nobody@example.com"), "applicant": maria, "guest": lukas,
			"admin who approves nothing": tn.member(t, ines), "auditor": tn.member(t, tom),
		}
		for name, actor := range actors {
			for _, call := range []struct{ method, path, body string }{
				{"GET", "/api/v1/approvals/%", ""},
				{"POST", "/api/v1/approvals/%/decision", `{"decision":"approve"}`},
				{"POST", "/api/v1/approvals/%/ask", `{"text":"Who are you?"}`},
			} {
				a := actor.asksFor(call.method, call.path, call.body, foreign)
				b := actor.asksFor(call.method, call.path, call.body, random)
				require.Equal(t, withoutIDs(b), withoutIDs(a), "%s %s", name, call.path)
				require.Contains(t, []int{401, 403, 404}, a.status, "%s %s", name, a)
			}
		}
		for _, path := range []string{"/api/v1/requests/%", "/api/v1/requests/%/events"} {
			a, b := maria.asksFor("GET", path, "", first.ref), maria.asksFor("GET", path, "", "7KQ-42M-9")
			require.Equal(t, withoutIDs(b), withoutIDs(a), path)
			require.Equal(t, http.StatusNotFound, a.status)
		}
		require.Equal(t, "pending", first.request().text("state"))
	})
}

// asksFor calls path with its % replaced by id.
func (p *person) asksFor(method, path, body, id string) answer {
	p.t.Helper()
	path = regexp.MustCompile("%").ReplaceAllString(path, id)
	if body == "" {
		return p.send(method, path, nil)
	}
	return p.send(method, path, raw(body))
}

// varying are the members of answers that differ from one second to the next.
var varying = regexp.MustCompile(`"(id|expiresAt|resendAt|codeExpiresAt)":"[^"]*"`)

var requestIDs = regexp.MustCompile(`"(requestId|instance)":"[^"]*"`)

// withoutIDs is status and body without what must differ between two requests.
func withoutIDs(a answer) string {
	return http.StatusText(a.status) + " " + a.header.Get("Content-Type") + " " + requestIDs.ReplaceAllString(string(a.body), "")
}

// Row T47: no stage is skipped, and applicants name no approver of their own.
func TestT47_StagesAreTakenInOrder(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(twoStages, answered())
		id := tn.requestID(t, maria.ref)
		early := tn.member(t, ana).speaks("de").decides(id, "approve", nil)
		require.Contains(t, []int{http.StatusConflict, http.StatusNotFound}, early.status, "%s", early)
		require.Equal(t, "pending", maria.request().text("state"))
		require.Zero(t, tn.tracesOf(t, maria.address).Decisions)
		tn.member(t, jonas).decides(id, "deny", map[string]any{"reason": "No."}).is(http.StatusOK)
		tn.member(t, ana).speaks("de").decides(id, "approve", nil).is(http.StatusConflict)
		maria.sees("denied")
		require.Zero(t, tn.tracesOf(t, maria.address).Guests)
	})
}

func TestApproverSetsAnEarlierEnd(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id, sponsor := tn.requestID(t, maria.ref), tn.member(t, jonas).speaks("de")
		day := 24 * time.Hour
		for name, until := range map[string]time.Time{
			"yesterday": time.Now().Add(-day), "in an hour": time.Now().Add(time.Minute), "past the flow's longest": time.Now().Add(500 * day),
		} {
			t.Run(name, func(t *testing.T) {
				sponsor.in(t).decides(id, "approve", map[string]any{"until": until.UTC().Format(time.RFC3339)}).field("/until", "until_out_of_range")
			})
		}
		until := time.Now().Add(30 * day).UTC().Truncate(time.Second)
		sponsor.decides(id, "approve", map[string]any{"until": until.Format(time.RFC3339)}).is(http.StatusOK)
		maria.sees("active")
		maria.signsIn().is(http.StatusOK)
		ends, err := time.Parse(time.RFC3339, maria.get("/api/v1/me").text("endsAt"))
		require.NoError(t, err)
		require.WithinDuration(t, until, ends, day)
	})
}
