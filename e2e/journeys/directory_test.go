package journeys

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestStaffFindAGuestAndReadWhatHappened(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		word := "Zz" + strings.Map(letters, story.Unique())
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered("surname", word, "phone", "+49 40 5550 120"))
		id := tn.RequestID(t, maria.Ref)
		tn.Member(t, story.Jonas).Decides(id, "approve", nil).Is(http.StatusOK)
		maria.Sees("active")
		auditor := tn.Member(t, story.Tom).At(1)
		for _, search := range []string{word, strings.ToLower(word), word[2:8], maria.Address, strings.ToUpper(maria.Address)} {
			found := auditor.Get("/api/v1/guests?search=" + search).Is(http.StatusOK).List("data")
			require.Len(t, found, 1, search)
		}
		require.Empty(t, auditor.Get("/api/v1/guests?search=nobody"+story.Unique()).Is(http.StatusOK).List("data"))
		guestID := auditor.Get("/api/v1/guests?search=" + word).Text("data.0.id")
		guest := auditor.Get("/api/v1/guests/" + guestID).Is(http.StatusOK)
		require.Equal(t, "Maria "+word, guest.Text("name"))
		require.Equal(t, "Guest", guest.Text("userType"))
		require.Equal(t, "SelfServiceSignUp", guest.Text("creationType"))
		require.Equal(t, "Accepted", guest.Text("externalUserState"))
		require.Equal(t, strings.Replace(maria.Address, "@", "_", 1)+"#EXT#@contoso.com", guest.Text("userPrincipalName"))
		require.Equal(t, "Jonas Becker", guest.Text("sponsor.name"))
		require.NotEmpty(t, guest.List("grants"))
		require.Equal(t, maria.Ref, guest.Text("requests.0.reference"))

		maria.Letter()
		maria.SignsIn().Is(http.StatusOK)
		timeline := auditor.Get("/api/v1/guests/" + guestID + "/timeline?limit=100").Is(http.StatusOK)
		names := map[string]int{}
		for _, one := range timeline.List("data") {
			names[one.(map[string]any)["name"].(string)]++
		}
		for _, name := range []string{"signup.started", "signup.proved", "signup.submitted", "approval.approved"} {
			require.Equal(t, 1, names[name], "%s in %v", name, names)
		}
		require.NotContains(t, string(timeline.Body), maria.Cookie("vestibule_session"))
		auditor.Speaks("de").Get("/api/v1/guests/gst_01JZZZZZZZZZZZZZZZZZZZZZZZ").Refused(http.StatusNotFound, "guest_unknown")
	})
}

// letters turns digits of a random word into letters: names have none.
func letters(r rune) rune {
	if '0' <= r && r <= '9' {
		return 'k' + r - '0'
	}
	return r
}

func TestListsAreReadPageByPage(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		auditor := tn.Member(t, story.Tom)
		for _, list := range []string{"/api/v1/guests", "/api/v1/organisations", "/api/v1/sponsors"} {
			all := auditor.Pages(list, 100)
			require.NotEmpty(t, all, list)
			few := auditor.Pages(list, 3)
			for i := 1; i < len(few); i++ {
				require.NotContains(t, few[:i], few[i], "%s: nobody twice", list)
			}
			require.GreaterOrEqual(t, len(few), len(all)/2, list)
		}
		first := auditor.Get("/api/v1/guests?limit=1&count=estimate").Is(http.StatusOK)
		require.NotNil(t, first.Value("estimate"))
	})
}

func TestGuestsAreFiltered(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		sponsor := tn.Member(t, story.Jonas)
		for _, state := range []string{"active", "ends_soon", "ended", "disabled", "invited"} {
			for _, one := range sponsor.Get("/api/v1/guests?limit=100&state=" + state).Is(http.StatusOK).List("data") {
				require.Equal(t, state, one.(map[string]any)["state"])
			}
		}
		for _, one := range sponsor.Get("/api/v1/guests?sponsor=me&limit=100").Is(http.StatusOK).List("data") {
			require.Equal(t, "Jonas Becker", one.(map[string]any)["sponsor"].(map[string]any)["name"])
		}
		sponsor.Speaks("de").Get("/api/v1/guests?state=hungry").Is(http.StatusBadRequest)
	})
}

func TestGuestSeesNothingOfTheDirectory(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		lukas := tn.Guest(t, "lukas")
		lukas.SignsIn().Is(http.StatusOK)
		for _, path := range []string{"/api/v1/guests", "/api/v1/organisations", "/api/v1/sponsors", "/api/v1/approvals", "/api/v1/flows", "/api/v1/jobs"} {
			lukas.Speaks("de").Get(path).Refused(http.StatusForbidden, "not_allowed")
		}
	})
}
