package identity

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

func (h *house) setupToken() string {
	h.t.Helper()
	link, err := h.CreateSetupLink(context.Background())
	require.NoError(h.t, err)
	token, found := strings.CutPrefix(link, publicURL+"/setup#")
	require.True(h.t, found, "the secret stands behind the #, which browsers send to nobody: %s", link)
	return token
}

func setupBody(token string) map[string]any {
	return map[string]any{"token": token, "organisation": "Contoso", "name": "Ines Vogel", "email": "i.vogel@contoso.com"}
}

func TestSetup_onceAndForEver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		old := h.setupToken()
		token := h.setupToken()
		b := h.browser()
		require.Equal(t, "setup_link_used_up", b.post("/api/v1/setup/check", map[string]any{"token": old}).code(), "a new link ends the one before")
		require.Equal(t, "setup_link_used_up", b.post("/api/v1/setup", setupBody(old)).code())
		require.Equal(t, "setup_link_used_up", b.post("/api/v1/setup", setupBody(strings.Repeat("a", 43))).code(), "a guess")
		require.JSONEq(t, `{"expiresAt":"2026-03-01T09:30:00Z"}`, string(b.post("/api/v1/setup/check", map[string]any{"token": token}).body))

		clk.Advance(30*time.Minute - time.Microsecond)
		done := b.post("/api/v1/setup", setupBody(token))
		require.Equal(t, http.StatusCreated, done.status, "%s", done.body)
		var shown SignedIn
		done.into(t, &shown)
		require.Equal(t, "/inbox", shown.Next)
		require.Equal(t, []MeRoles{"admin"}, shown.Me.Roles)
		require.Equal(t, "Contoso", *shown.Me.Organisation)
		require.Equal(t, http.StatusOK, b.get("/api/v1/me").status, "signed in")
		require.Equal(t, []string{"identity.setup_refused", "identity.setup_refused", "identity.set_up"}, h.events())

		// What is closed stays closed, even without any administrator and after a restart (T56).
		h.inTx(func(tx *database.Tx) error { return tx.Exec("UPDATE directory_users SET roles = '[]'").Error })
		again := openHouse(t, db, clk)
		_, err := again.CreateSetupLink(context.Background())
		require.ErrorIs(t, err, ErrSetupClosed)
		require.Equal(t, "setup_closed", again.browser().post("/api/v1/setup", setupBody(token)).code())
		require.Equal(t, "setup_closed", again.browser().post("/api/v1/setup/check", map[string]any{"token": token}).code())
	})
}

func TestSetup_linkLivesHalfAnHour(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		token := h.setupToken()
		clk.Advance(30 * time.Minute)
		require.Equal(t, "setup_link_used_up", h.browser().post("/api/v1/setup", setupBody(token)).code())
		require.Zero(t, h.rows("directory_users"))
		require.Zero(t, h.rows("identity_tenant"))
	})
}

// TestSetup_race: twenty calls at once, through two replicas, make one administrator (T56).
func TestSetup_race(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		one := openHouse(t, db, clk)
		replicas := []*house{one, openHouse(t, db, clk)}
		token := one.setupToken()
		answers := make([]answer, 20)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() {
				body := setupBody(token)
				body["email"] = "admin" + string(rune('a'+i)) + "@contoso.com"
				answers[i] = replicas[i%2].browser().post("/api/v1/setup", body)
			})
		}
		group.Wait()
		codes := map[string]int{}
		for _, a := range answers {
			codes[a.code()]++
		}
		require.Equal(t, map[string]int{"": 1, "setup_closed": 19}, codes)
		require.EqualValues(t, 1, one.rows("directory_users"))
		require.EqualValues(t, 1, one.rows("identity_sessions"))
		require.EqualValues(t, 1, one.rows("identity_tenant"))
	})
}

func TestSetup_asksForWhatIsMissing(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := openHouse(t, db, clk)
	token := h.setupToken()
	body := setupBody(token)
	body["organisation"], body["name"], body["email"] = " ", strings.Repeat("é", 60), "ines"
	a := h.browser().post("/api/v1/setup", body)
	require.Equal(t, http.StatusUnprocessableEntity, a.status)
	for _, pointer := range []string{"/organisation", "/name", "/email"} {
		require.Contains(t, string(a.body), `"`+pointer+`"`)
	}
	require.Equal(t, http.StatusCreated, h.browser().post("/api/v1/setup", setupBody(token)).status, "the link is still good")
}

func TestSetup_isNoWayToGuess(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := openHouse(t, db, clk)
	h.setupToken()
	last := ""
	for range 31 {
		last = h.browser().post("/api/v1/setup/check", map[string]any{"token": strings.Repeat("b", 43)}).code()
	}
	require.Equal(t, "too_many_requests", last)
}
