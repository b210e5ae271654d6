package strangers

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestT52_APIKeysDoWhatTheirScopesSay(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		plan, err := story.NewPlan(t.Context(), kind, story.World.Mail)
		require.NoError(t, err)
		require.NoError(t, story.Furnish(t.Context(), plan))
		_, err = plan.Run(t.Context(), "apikey", "create", "--name", "x", "--scopes", "Directory.ReadWrite.All")
		require.Error(t, err, "a scope that does not exist is not given")
		key := func(scopes string) string {
			out, err := plan.Run(t.Context(), "apikey", "create", "--name", "journeys "+scopes, "--scopes", scopes)
			require.NoError(t, err)
			require.Regexp(t, `^vst_\S+\n$`, out, "the key and nothing else")
			return story.Seen(strings.TrimSpace(out))
		}
		reads, decides := key("guests:read,requests:read"), key("requests:read,requests:decide")
		tn, err := story.OpenHouses(t.Context(), kind, plan, 1)
		require.NoError(t, err)
		tn.Mail = story.World.Mail
		t.Cleanup(func() { tn.Close(t) })
		reader := tn.BrowserOf(t, "program").With("Authorization", "Bearer "+reads)
		decider := tn.BrowserOf(t, "program").With("Authorization", "bearer "+decides)
		reader.Get("/api/v1/guests").Is(http.StatusOK)
		decider.Speaks("de").Get("/api/v1/guests").Refused(http.StatusForbidden, "not_allowed")
		reader.Speaks("de").Get("/api/v1/jobs").Refused(http.StatusForbidden, "not_allowed")
		reader.Speaks("de").Get("/api/v1/me").Refused(http.StatusForbidden, "not_allowed")
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		id := tn.RequestID(t, maria.Ref)
		maria.LeavesNoTrace(func() {
			reader.Speaks("de").Decides(id, "approve", nil).Refused(http.StatusForbidden, "not_allowed")
			for _, wrong := range []string{"Bearer vst_wrong", "Bearer " + reads + "x", "Basic " + reads, "Bearer", "Bearer " + strings.ToUpper(reads), "Bearer  "} {
				tn.BrowserOf(t, "program").Speaks("de").With("Authorization", wrong).Decides(id, "approve", nil).Refused(http.StatusUnauthorized, "api_key_invalid")
			}
			both := maria.With("Authorization", "Bearer "+decides)
			both.Jar.SetCookies(story.Home(""), []*http.Cookie{{Name: "vestibule_session", Value: "x"}})
			both.Speaks("de").Get("/api/v1/approvals").Refused(http.StatusBadRequest, "two_identities")
		})
		decider.Decides(id, "approve", nil).Is(http.StatusOK)
		require.Equal(t, "active", maria.Request().Text("state"))
	})
}
