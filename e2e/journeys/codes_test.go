package journeys

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestResendWaitsItsTime(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria")
		maria.Begins(story.Partner)
		maria.Gives(maria.Address).Is(http.StatusAccepted)
		a := maria.Speaks("de").Gives(maria.Address).Refused(http.StatusTooManyRequests, "resend_too_soon")
		require.NotEmpty(t, a.Header.Get("Retry-After"))
		require.Equal(t, 1, tn.TracesOf(t, maria.Address).Mails)
		elsewhere := "maria-" + story.Unique() + "@fabrikam.example" // a typing mistake is mended at once, or after the same wait
		a = maria.Gives(elsewhere)
		require.Contains(t, []int{http.StatusAccepted, http.StatusTooManyRequests}, a.Status)
	})
}
