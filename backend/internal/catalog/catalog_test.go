package catalog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/catalog"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

var update = flag.Bool("update", false, "write golden files anew")

// house is a catalog with three apps, and a guest who was granted two of them and a group.
type house struct {
	*catalog.Catalog
	people *directory.Directory
	db     *database.DB
	clk    *clock.Fake
	guest  catalog.Caller
	caller catalog.Caller
}

func open(t *testing.T, db *database.DB, clk *clock.Fake) *house {
	t.Helper()
	keys, err := secret.NewKeys(secret.New("kJ8s2Lq9Xw4Zr7Tn1Vb6Ym3Pc5Hd0Gf2"))
	require.NoError(t, err)
	source := ids.NewSequence(clk)
	h := &house{db: db, clk: clk}
	h.people = directory.New(db, audit.New(db, source, keys), source, directory.Options{TenantDomain: "contoso.com"})
	h.Catalog = catalog.New(h.people, catalog.Options{Caller: func(context.Context) catalog.Caller { return h.caller }})
	require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
		for _, app := range []directory.App{
			{Name: "tickets", Title: "Ticket desk", LaunchURL: "https://tickets.contoso.com/", Collection: "Hamburg project"},
			{Name: "drawings", Title: "Drawings library", LaunchURL: "https://drawings.contoso.com/", Collection: "Hamburg project",
				Logo: "/assets/apps/app-drawings.svg", Owner: "Ana Ruiz",
				Description: database.JSON[map[string]string]{V: map[string]string{"en": "Plans and sections", "de": "Pläne und Schnitte"}}},
			{Name: "invoices", Title: "Invoices", LaunchURL: "https://invoices.contoso.com/"},
		} {
			if _, err := h.people.PutApp(tx, app); err != nil {
				return err
			}
		}
		_, err := h.people.PutGroup(tx, directory.Group{Name: "hamburg", Title: "Hamburg site team"})
		return err
	}))
	h.guest = h.admit(t, "req_1", clk.Now().AddDate(0, 6, 0), "tickets", "drawings")
	h.caller = h.guest
	return h
}

func (h *house) admit(t *testing.T, request string, end time.Time, apps ...string) catalog.Caller {
	t.Helper()
	mail, err := email.Parse("maria@fabrikam.de")
	require.NoError(t, err)
	var who catalog.Caller
	require.NoError(t, h.db.InTx(t.Context(), func(tx *database.Tx) error {
		u, _, err := h.people.AdmitGuest(tx, directory.Admission{
			RequestID: request, Mail: mail, DisplayName: "Maria", EndsAt: &end, Apps: apps, Groups: []string{"hamburg"}, FlowTitle: "Supplier",
		})
		if err == nil {
			who = catalog.Caller{UserID: u.ID, Address: u.Address}
		}
		return err
	}))
	return who
}

func (h *house) get(language string) *httptest.ResponseRecorder {
	door := web.New(web.Options{
		PublicURL: "http://guests.contoso.com", Logger: slog.New(slog.DiscardHandler), Clock: h.clk, IDs: ids.NewSequence(h.clk),
	})
	h.Routes(door)
	return ask(door, language)
}

func ask(door *gin.Engine, language string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "http://guests.contoso.com/api/v1/me/apps", nil)
	request.Header.Set("Accept-Language", language)
	door.ServeHTTP(answer, request)
	return answer
}

func golden(t *testing.T, db *database.DB, answer *httptest.ResponseRecorder, name string) {
	t.Helper()
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, answer.Body.Bytes(), "", "  "))
	path := filepath.Join("testdata", name)
	if *update && db.Dialect() == database.SQLite {
		require.NoError(t, os.WriteFile(path, pretty.Bytes(), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), pretty.String())
}

func TestMyApps_AreTheLiveGrantsInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		h.OnWaiting(func(_ context.Context, who catalog.Caller) ([]catalog.WaitingAccess, error) {
			require.Equal(t, h.guest, who)
			return []catalog.WaitingAccess{{Reference: "7KQ-42M-9", Title: "Auditor", SubmittedAt: dbtest.Start}}, nil
		})
		golden(t, db, h.get("en"), "apps-en.json")
		golden(t, db, h.get("de-AT"), "apps-de.json")
	})
}

func TestMyApps_EndWithTheirGrants(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		h.admit(t, "req_2", clk.Now().AddDate(1, 0, 0), "invoices")
		clk.Set(dbtest.Start.AddDate(0, 6, 0))
		mine, err := h.Mine(t.Context(), h.guest, "en")
		require.NoError(t, err)
		require.Len(t, mine.Data, 1, "at the end of its time an app is gone, and what lasts longer stays")
		require.Equal(t, "Invoices", mine.Data[0].Name)
	})
}

func TestMyApps_OfNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		none, err := h.Mine(t.Context(), catalog.Caller{UserID: "mem_1"}, "en")
		require.NoError(t, err)
		require.Equal(t, catalog.MyApps{Data: []catalog.MyApp{}, Waiting: []catalog.WaitingAccess{}}, none, "no apps is an empty list, not null")

		h.caller = catalog.Caller{}
		answer := h.get("en")
		require.Equal(t, http.StatusForbidden, answer.Code)
		require.Contains(t, answer.Body.String(), `"catalog_no_person"`)
	})
}
