package journeys

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStaffFindAGuestAndReadWhatHappened(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		word := "Zz" + strings.Map(letters, unique())
		maria := tn.visitor(t, "maria").asks(partner, answered("surname", word, "phone", "+49 40 5550 120"))
		id := tn.requestID(t, maria.ref)
		tn.member(t, jonas).decides(id, "approve", nil).is(http.StatusOK)
		maria.sees("active")
		auditor := tn.member(t, tom).at(1)
		for _, search := range []string{word, strings.ToLower(word), word[2:8], maria.address, strings.ToUpper(maria.address)} {
			found := auditor.get("/api/v1/guests?search=" + search).is(http.StatusOK).list("data")
			require.Len(t, found, 1, search)
		}
		require.Empty(t, auditor.get("/api/v1/guests?search=nobody"+unique()).is(http.StatusOK).list("data"))
		guestID := auditor.get("/api/v1/guests?search=" + word).text("data.0.id")
		guest := auditor.get("/api/v1/guests/" + guestID).is(http.StatusOK)
		require.Equal(t, "Maria "+word, guest.text("name"))
		require.Equal(t, "Guest", guest.text("userType"))
		require.Equal(t, "SelfServiceSignUp", guest.text("creationType"))
		require.Equal(t, "Accepted", guest.text("externalUserState"))
		require.Equal(t, strings.Replace(maria.address, "@", "_", 1)+"#EXT#@contoso.com", guest.text("userPrincipalName"))
		require.Equal(t, "Jonas Becker", guest.text("sponsor.name"))
		require.NotEmpty(t, guest.list("grants"))
		require.Equal(t, maria.ref, guest.text("requests.0.reference"))

		maria.letter()
		maria.signsIn().is(http.StatusOK)
		timeline := auditor.get("/api/v1/guests/" + guestID + "/timeline?limit=100").is(http.StatusOK)
		names := map[string]int{}
		for _, one := range timeline.list("data") {
			names[one.(map[string]any)["name"].(string)]++
		}
		for _, name := range []string{"signup.started", "signup.proved", "signup.submitted", "approval.approved"} {
			require.Equal(t, 1, names[name], "%s in %v", name, names)
		}
		require.NotContains(t, string(timeline.body), maria.cookie("vestibule_session"))
		auditor.speaks("de").get("/api/v1/guests/gst_01JZZZZZZZZZZZZZZZZZZZZZZZ").refused(http.StatusNotFound, "guest_unknown")
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
	each(t, func(t *testing.T, tn *town) {
		auditor := tn.member(t, tom)
		for _, list := range []string{"/api/v1/guests", "/api/v1/organisations", "/api/v1/sponsors"} {
			all := auditor.pages(list, 100)
			require.NotEmpty(t, all, list)
			few := auditor.pages(list, 3)
			for i := 1; i < len(few); i++ {
				require.NotContains(t, few[:i], few[i], "%s: nobody twice", list)
			}
			require.GreaterOrEqual(t, len(few), len(all)/2, list)
		}
		first := auditor.get("/api/v1/guests?limit=1&count=estimate").is(http.StatusOK)
		require.NotNil(t, first.value("estimate"))
	})
}

// pages reads a list to its end (or 40 pages of it) and returns the ids in order.
func (p *person) pages(list string, limit int) (ids []string) {
	p.t.Helper()
	after := ""
	for range 40 {
		a := p.get(list + "?limit=" + itoa(limit) + after).is(http.StatusOK)
		for _, one := range a.list("data") {
			ids = append(ids, one.(map[string]any)["id"].(string))
		}
		if a.value("hasMore") != true {
			return ids
		}
		after = "&after=" + a.text("next")
	}
	return ids
}

func TestGuestsAreFiltered(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		sponsor := tn.member(t, jonas)
		for _, state := range []string{"active", "ends_soon", "ended", "disabled", "invited"} {
			for _, one := range sponsor.get("/api/v1/guests?limit=100&state=" + state).is(http.StatusOK).list("data") {
				require.Equal(t, state, one.(map[string]any)["state"])
			}
		}
		for _, one := range sponsor.get("/api/v1/guests?sponsor=me&limit=100").is(http.StatusOK).list("data") {
			require.Equal(t, "Jonas Becker", one.(map[string]any)["sponsor"].(map[string]any)["name"])
		}
		sponsor.speaks("de").get("/api/v1/guests?state=hungry").is(http.StatusBadRequest)
	})
}

func TestGuestSeesNothingOfTheDirectory(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		lukas := tn.guest(t, "lukas")
		lukas.signsIn().is(http.StatusOK)
		for _, path := range []string{"/api/v1/guests", "/api/v1/organisations", "/api/v1/sponsors", "/api/v1/approvals", "/api/v1/flows", "/api/v1/jobs"} {
			lukas.speaks("de").get(path).refused(http.StatusForbidden, "not_allowed")
		}
	})
}
