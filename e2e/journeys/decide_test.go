package journeys

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestOfTwoApproversAtOnceOneDecides(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		both := []*story.Person{tn.Member(t, story.Jonas).At(0), tn.Member(t, story.Ana).At(1)}
		statuses := story.Together(2, func(i int) int {
			return both[i].Speaks("de").Decides(id, "approve", nil).Status
		})
		require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 1}, statuses)
		late := tn.Member(t, story.Ana).Speaks("de").Decides(id, "deny", map[string]any{"reason": "No."}).Refused(http.StatusConflict, "already_decided")
		require.Regexp(t, `^(Jonas Becker|Ana Ruiz)$`, late.Text("decidedBy"))
		require.NotEmpty(t, late.Text("decidedAt"))
		maria.Sees("active")
		require.Equal(t, 1, tn.TracesOf(t, maria.Address).Guests)
		require.Equal(t, 1, tn.TracesOf(t, maria.Address).Decisions)
	})
}

func TestApproverSetsAnEarlierEnd(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id, sponsor := tn.RequestID(t, maria.Ref), tn.Member(t, story.Jonas).Speaks("de")
		day := 24 * time.Hour
		for name, until := range map[string]time.Time{
			"yesterday": time.Now().Add(-day), "in an hour": time.Now().Add(time.Minute), "past the flow's longest": time.Now().Add(500 * day),
		} {
			t.Run(name, func(t *testing.T) {
				sponsor.In(t).Decides(id, "approve", map[string]any{"until": until.UTC().Format(time.RFC3339)}).Field("/until", "until_out_of_range")
			})
		}
		until := time.Now().Add(30 * day).UTC().Truncate(time.Second)
		sponsor.Decides(id, "approve", map[string]any{"until": until.Format(time.RFC3339)}).Is(http.StatusOK)
		maria.Sees("active")
		maria.SignsIn().Is(http.StatusOK)
		ends, err := time.Parse(time.RFC3339, maria.Get("/api/v1/me").Text("endsAt"))
		require.NoError(t, err)
		require.WithinDuration(t, until, ends, day)
	})
}
