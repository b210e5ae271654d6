package journeys

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestLinkInTheSameBrowserFinishesProofWhenPressed(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, _, token := tn.WaitsForProof(t, "maria")
		maria.Opens("/l/" + token)
		link := maria.Get("/api/v1/link").Is(http.StatusOK)
		require.Equal(t, "ready", link.Text("state"))
		require.Equal(t, "signup", link.Text("purpose"))
		require.Equal(t, true, link.Value("sameBrowser"))
		require.Nil(t, link.Value("code"), "the code is for other devices")
		require.NotContains(t, link.Text("email"), strings.Split(maria.Address, "@")[0])
		require.Equal(t, "code", maria.Get(maria.Path("")).Text("step"), "opening acts on nothing")
		pressed := maria.At(1).Post("/api/v1/link", nil).Is(http.StatusOK)
		require.Equal(t, "/join/"+story.Partner, pressed.Text("next"))
		require.Equal(t, "details", maria.Get(maria.Path("")).Is(http.StatusOK).Text("step"))
		maria.Speaks("de").Post("/api/v1/link", nil).Is(http.StatusGone)
	})
}

func TestLinkInAnotherBrowserShowsTheCodeToType(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria, code, token := tn.WaitsForProof(t, "maria")
		desk := tn.BrowserOf(t, maria.Address)
		desk.Opens("/l/" + token)
		link := desk.Get("/api/v1/link").Is(http.StatusOK)
		require.Equal(t, false, link.Value("sameBrowser"))
		require.Equal(t, code, link.Text("code"))
		desk.Speaks("de").Post("/api/v1/link", nil).Refused(http.StatusConflict, "link_other_browser")
		require.Equal(t, "code", maria.Get(maria.Path("")).Text("step"))
		maria.Types(link.Text("code")).Is(http.StatusOK)
		require.Equal(t, "used", desk.Get("/api/v1/link").Is(http.StatusOK).Text("state"))
	})
}
