package flow

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

var designer = audit.Actor{Kind: audit.KindMember, ID: "usr_ines", Name: "Ines Vogel"}

// house is the room on a database that has what the demo's flows grant.
type house struct {
	*Service
	t   *testing.T
	db  *database.DB
	clk *clock.Fake
	log *audit.Log
}

func open(t *testing.T, db *database.DB, clk *clock.Fake) *house {
	t.Helper()
	keys, err := secret.NewKeys(secret.New("kJ8s2Lq9Xw4Zr7Tn1Vb6Ym3Pc5Hd0Gf2"))
	require.NoError(t, err)
	source := ids.NewSequence(clk)
	log := audit.New(db, source, keys)
	people := directory.New(db, log, source, directory.Options{TenantDomain: "contoso.com", MailFrom: "guests@contoso.com", Languages: []string{"en"}, Version: "test"})
	h := &house{t: t, db: db, clk: clk, log: log, Service: New(Needs{
		DB: db, Clock: clk, IDs: source, Audit: log, Catalogue: people, BaseURL: "http://guests.contoso.com",
	})}
	require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
		for name, title := range map[string]string{
			"drawings": "Drawings library", "tickets": "Ticket desk", "supplier-portal": "Supplier portal", "site-map": "Site map",
		} {
			app := directory.App{Name: name, Title: title, LaunchURL: "https://" + name + ".contoso.com/", Logo: "/assets/apps/" + name + ".svg"}
			app.Description.V = map[string]string{"en": "About the " + title, "de": "Über " + title}
			if _, err := people.PutApp(tx, app); err != nil {
				return err
			}
		}
		for _, name := range []string{"team", "hamburg-site-team", "partners-hamburg", "visitors"} {
			if _, err := people.PutGroup(tx, directory.Group{Name: name, Title: "The " + name}); err != nil {
				return err
			}
		}
		return nil
	}))
	return h
}

// apply publishes the sound flow with some of its text replaced.
func (h *house) apply(edit ...string) []Applied {
	h.t.Helper()
	applied, err := h.Apply(h.t.Context(), edited(edit...), designer)
	require.NoError(h.t, err)
	return applied
}

func edited(edit ...string) []File {
	return []File{{"partner.yaml", []byte(strings.NewReplacer(edit...).Replace(sound))}}
}

// events are names and versions of what was recorded about a flow, oldest first.
func (h *house) events(slug string) (out []string) {
	h.t.Helper()
	var row flowRow
	require.NoError(h.t, h.db.Read(h.t.Context()).Where("slug = ?", slug).Take(&row).Error)
	page, err := h.log.Timeline(h.t.Context(), audit.Query{Targets: []string{row.ID}, Limit: 50})
	require.NoError(h.t, err)
	for _, e := range page.Entries {
		require.Equal(h.t, designer, e.Actor)
		out = append([]string{e.Name}, out...)
	}
	return out
}

func TestApply_MakesAVersionOnlyOfWhatIsDifferent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		require.Equal(t, []Applied{{"partner", 1, Created}}, h.apply())
		require.Equal(t, []Applied{{"partner", 1, Unchanged}}, h.apply())
		require.Equal(t, []Applied{{"partner", 1, Unchanged}}, h.apply("[en, de]", "\n    - en\n    - de"), "layout is no change")
		clk.Advance(time.Hour)
		require.Equal(t, []Applied{{"partner", 2, Changed}}, h.apply("180", "90"))
		require.Equal(t, []Applied{{"partner", 3, Changed}}, h.apply(), "going back is a new version, not an old one again")
		require.Equal(t, []string{"flow.published", "flow.published", "flow.published"}, h.events("partner"))

		v, err := h.Published(t.Context(), "partner")
		require.NoError(t, err)
		require.Equal(t, 3, v.Number)
		require.Equal(t, "Ines Vogel", v.PublishedBy)
		require.Equal(t, clk.Now(), v.PublishedAt)
		second, err := h.Version(t.Context(), "partner", 2)
		require.NoError(t, err)
		require.Equal(t, 90, second.Ends.AfterDays, "a sign-up that began on version 2 goes on with it")
		_, err = h.Version(t.Context(), "partner", 4)
		require.ErrorIs(t, err, ErrUnknown)
		require.Equal(t, "partner unchanged, version 3", h.apply()[0].String())
	})
}

func TestExport_AppliedAndExportedAgainIsTheSameBytes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		files := demoFiles(t)
		applied, err := h.Apply(t.Context(), files, designer)
		require.NoError(t, err)
		require.Equal(t, []Applied{{"supplier", 1, Created}, {"visitor", 1, Created}}, applied)
		for i, slug := range []string{"supplier", "visitor"} {
			out, err := h.Export(t.Context(), slug)
			require.NoError(t, err)
			require.Equal(t, string(files[i].Data), string(out))
			again, err := h.Apply(t.Context(), []File{{"export.yaml", out}}, designer)
			require.NoError(t, err)
			require.Equal(t, Unchanged, again[0].Outcome)

			fresh := New(Needs{DB: db, Clock: clk, IDs: h.ids, Audit: h.log, Catalogue: h.catalogue, BaseURL: h.baseURL})
			read, err := fresh.Newest(t.Context(), slug)
			require.NoError(t, err)
			require.Equal(t, string(out), string(Print(slug, read.Definition)), "what the database keeps is all of it")
		}
		_, err = h.Export(t.Context(), "nothing")
		require.ErrorIs(t, err, ErrUnknown)
	})
}

func TestApply_PublishesAllOrNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		other := strings.NewReplacer("name: partner", "name: other", "[drawings]", "[drawing, tickets]", "groups: [team]", "groups: [team, night-shift]").Replace(sound)
		files := append(edited(), File{"other.yaml", []byte(other)})
		_, err := h.Apply(t.Context(), files, designer)
		var mistakes Mistakes
		require.ErrorAs(t, err, &mistakes)
		require.Equal(t, `other.yaml:44:54: spec.approval.stages[0].approvers.groups[1]: there is no group "night-shift"; make it first, or correct the name
other.yaml:48:12: spec.grants.apps[0]: there is no app "drawing"; make it first, or correct the name`, err.Error())
		_, err = h.Newest(t.Context(), "partner")
		require.ErrorIs(t, err, ErrUnknown, "the sound one is not published either")
		listed, err := h.Validate(t.Context(), files)
		require.NoError(t, err)
		require.Equal(t, []Mistake(mistakes), listed)
	})
}

func TestApply_AtOnceFromTwoSidesMakesTwoVersions(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		h.apply()
		var wait sync.WaitGroup
		for _, days := range []string{"90", "91"} {
			wait.Go(func() {
				_, err := h.Apply(context.WithoutCancel(t.Context()), edited("180", days), designer)
				if err != nil {
					t.Errorf("apply: %v", err)
				}
			})
		}
		wait.Wait()
		v, err := h.Newest(t.Context(), "partner")
		require.NoError(t, err)
		require.Equal(t, 3, v.Number)
	})
}

func TestPublished_OtherReplicasSeeANewVersionWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		here := open(t, db, clk)
		here.apply()
		there := New(Needs{DB: db, Clock: clk, IDs: here.ids, Audit: here.log, Catalogue: here.catalogue, BaseURL: here.baseURL})
		number := func() int {
			v, err := there.Published(t.Context(), "partner")
			require.NoError(t, err)
			return v.Number
		}
		require.Equal(t, 1, number())
		here.apply("180", "90")
		clk.Advance(2 * time.Second)
		require.Equal(t, 2, number())
		v, err := here.Published(t.Context(), "partner")
		require.NoError(t, err)
		require.Equal(t, 2, v.Number, "who published sees it at once")
	})
}

func TestPublished_AClosedFlowSaysWhyAndOpensByItself(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		h.apply()
		h.apply("  grants:", "  state: closed\n  closedReason: {en: Holidays, de: Ferien}\n  opensAt: 2026-03-01T11:00:00+01:00\n  grants:")
		require.Equal(t, []string{"flow.published", "flow.published", "flow.closed"}, h.events("partner"))
		ctx := web.WithMeta(t.Context(), web.Meta{Locale: "de"})
		_, err := h.Published(ctx, "partner")
		f, ok := fault.From(err)
		require.True(t, ok)
		require.ErrorIs(t, err, ErrClosed)
		require.Equal(t, map[string]any{"reason": "Ferien", "opensAt": "2026-03-01T10:00:00Z"}, f.Members())
		v, err := h.Version(ctx, "partner", 2)
		require.NoError(t, err, "what has begun can still be read")
		require.False(t, v.IsOpen(clk.Now()))
		clk.Advance(time.Hour)
		_, err = h.Published(ctx, "partner")
		require.NoError(t, err)
		_, err = h.Published(ctx, "nothing")
		require.ErrorIs(t, err, ErrUnknown)
	})
}

func TestDiff_SaysWhatApplyWouldDoAndDoesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		d, err := h.Diff(t.Context(), edited())
		require.NoError(t, err)
		require.Contains(t, d[0].String(), "partner: new\n")
		require.Contains(t, d[0].Words, "Question “Why” (why) added on page you")
		h.apply()
		d, err = h.Diff(t.Context(), edited("180", "90"))
		require.NoError(t, err)
		require.Equal(t, []string{"End of access changed"}, d[0].Words)
		require.Contains(t, d[0].Lines, "-    afterDays: 180\n+    afterDays: 90\n")
		v, err := h.Newest(t.Context(), "partner")
		require.NoError(t, err)
		require.Equal(t, 1, v.Number)
		_, err = h.Diff(t.Context(), edited("[drawings]", "[none]"))
		var mistakes Mistakes
		require.ErrorAs(t, err, &mistakes)
	})
}

func (h *house) door() http.Handler {
	engine := web.New(web.Options{PublicURL: h.baseURL, Logger: slog.New(slog.DiscardHandler), Clock: h.clk, IDs: h.ids})
	h.Routes(engine)
	return engine
}

func get(t *testing.T, door http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	answer, ask := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://guests.contoso.com"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		ask.Header.Set(headers[i], headers[i+1])
	}
	door.ServeHTTP(answer, ask)
	return answer
}
