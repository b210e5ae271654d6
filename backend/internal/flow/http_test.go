package flow

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

func TestGetFlow_SpeaksTheReadersLanguageAndIsAskedForOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		_, err := h.Apply(t.Context(), demoFiles(t), designer)
		require.NoError(t, err)
		door := h.door()
		for _, tc := range []struct{ name, query, accept, lang, title string }{
			{"nothing said", "", "", "en", "Supplier access"},
			{"a browser in Austria", "", "de-AT,de;q=0.9,en;q=0.5", "de", "Lieferantenzugang"},
			{"the query wins", "?lang=ar", "de", "ar", "وصول المورّدين"},
			{"a language the flow has not, then the header", "?lang=ja", "de", "de", "Lieferantenzugang"},
			{"a language nobody has", "", "ja", "en", "Supplier access"},
			{"no language at all", "?lang=%21%21", "*&!", "en", "Supplier access"},
		} {
			answer := get(t, door, "/api/v1/flows/supplier"+tc.query, "Accept-Language", tc.accept)
			require.Equal(t, http.StatusOK, answer.Code, "%s: %s", tc.name, answer.Body)
			require.Equal(t, `"v1-`+tc.lang+`"`, answer.Header().Get("ETag"), tc.name)
			require.Equal(t, tc.lang, answer.Header().Get("Content-Language"), tc.name)
			require.Equal(t, "no-cache", answer.Header().Get("Cache-Control"))
			require.Contains(t, answer.Header().Get("Vary"), "Accept-Language")
			var body Flow
			require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &body))
			require.Equal(t, tc.title, body.Title, tc.name)

			again := get(t, door, "/api/v1/flows/supplier"+tc.query, "Accept-Language", tc.accept, "If-None-Match", `W/"v1-`+tc.lang+`", "x"`)
			require.Equal(t, http.StatusNotModified, again.Code, tc.name)
			require.Empty(t, again.Body.String())
			require.Equal(t, `"v1-`+tc.lang+`"`, again.Header().Get("ETag"))
		}
	})
}

func TestGetFlow_ShowsWhatAnApplicantMaySee(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		_, err := h.Apply(t.Context(), demoFiles(t), designer)
		require.NoError(t, err)
		answer := get(t, h.door(), "/api/v1/flows/supplier?lang=de")
		var body Flow
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &body))
		require.Equal(t, DecisionShown{Team: new("Standortteam Hamburg")}, body.Decision)
		require.Equal(t, GrantShown{Kind: GrantShownKindApp, Name: "Drawings library", Description: new("Über Drawings library"), LogoUrl: new("/assets/apps/drawings.svg")}, body.Grants[0])
		require.Len(t, body.Grants, 4)
		require.Equal(t, GrantShownKindGroup, body.Grants[3].Kind)
		require.Equal(t, 3, body.Minutes)
		require.Equal(t, 180, *body.EndsAfterDays)
		require.Equal(t, "+49 40 5550 120", *body.Contact.Phone)
		require.Equal(t, "4", body.Terms[0].Version)
		require.Len(t, *body.Needs, 2)
		names := map[string]FlowField{}
		for _, page := range body.Pages {
			for _, f := range page.Fields {
				names[f.Name] = f
			}
		}
		require.Equal(t, "given-name", *names["givenNames"].Autocomplete)
		require.Equal(t, 64, *names["givenNames"].MaxLength, "the browser learns the bound that the server holds")
		require.Equal(t, &When{Field: new("why"), Is: "maintain"}, names["site"].When)
		require.Equal(t, []any{"deliver", "maintain"}, *names["invoiceAddress"].When.In)
		require.Equal(t, "Wählen Sie, wofür Sie den Zugang brauchen", *names["why"].Missing)
		for _, secret := range []string{"hamburg-site-team", "mailinator", "partners-hamburg\"", "namedIn"} {
			require.NotContains(t, answer.Body.String(), `"`+secret, "who decides and whom we refuse is nobody's business")
		}
	})
}

func TestGetFlow_SaysWhenThereIsNoneAndWhenItIsClosed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		h.apply("  grants:", "  state: closed\n  closedReason: {en: Holidays, de: Ferien}\n  opensAt: 2026-03-02T08:00:00Z\n  grants:")
		door := h.door()
		unknown := get(t, door, "/api/v1/flows/nothing")
		require.Equal(t, http.StatusNotFound, unknown.Code)
		require.Contains(t, unknown.Body.String(), `"flow_unknown"`)
		closed := get(t, door, "/api/v1/flows/partner", "Accept-Language", "de", "If-None-Match", `"v1-de"`)
		require.Equal(t, http.StatusGone, closed.Code)
		var problem struct {
			Code, Reason, Detail string
			OpensAt              time.Time
		}
		require.NoError(t, json.Unmarshal(closed.Body.Bytes(), &problem))
		require.Equal(t, "flow_closed", problem.Code)
		require.Equal(t, "Ferien", problem.Reason)
		require.Equal(t, "Diese Anmeldung ist zurzeit geschlossen.", problem.Detail)
		require.Equal(t, time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), problem.OpensAt)
	})
}

func TestListFlows_IsPagedNewestFirst(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		for _, slug := range []string{"aa", "bb", "cc"} {
			clk.Advance(time.Second)
			h.apply("name: partner", "name: "+slug, "title: {en: Partner", "title: {en: Flow "+slug)
		}
		door := h.door()
		var first, second FlowList
		require.NoError(t, json.Unmarshal(get(t, door, "/api/v1/flows?limit=2").Body.Bytes(), &first))
		require.True(t, first.HasMore)
		require.Equal(t, "Flow cc", first.Data[0].Title)
		require.Equal(t, "http://guests.contoso.com/join/cc", first.Data[0].Url)
		require.Equal(t, FlowSummaryStateOpen, first.Data[0].State)
		require.NoError(t, json.Unmarshal(get(t, door, "/api/v1/flows?limit=2&after="+*first.Next).Body.Bytes(), &second))
		require.False(t, second.HasMore)
		require.Equal(t, "aa", second.Data[0].Slug)
		require.Equal(t, http.StatusBadRequest, get(t, door, "/api/v1/flows?limit=0").Code)
		require.Equal(t, http.StatusBadRequest, get(t, door, "/api/v1/flows?after=x").Code)

		source := get(t, door, "/api/v1/flows/aa/source")
		require.Equal(t, "application/yaml", source.Header().Get("Content-Type"))
		out, err := h.Export(t.Context(), "aa")
		require.NoError(t, err)
		require.Equal(t, string(out), source.Body.String())
	})
}
