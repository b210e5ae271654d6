package app

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

func TestSeedDemo(t *testing.T) {
	t.Parallel()
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			o := Options{Config: settings(t, dbtest.EmptyURL(t, dialect)), Logger: slog.New(slog.DiscardHandler), Version: "test"}
			require.NoError(t, SeedDemo(t.Context(), o), "on a database without any schema")
			require.ErrorIs(t, SeedDemo(t.Context(), o), ErrNotEmpty, "once")

			house, err := Build(t.Context(), o)
			require.NoError(t, err)
			t.Cleanup(house.Close)
			h := &testHouse{House: house, t: t, read: map[string]bool{}}
			denied, flows := 0, map[string]bool{}
			for _, g := range demoGuests {
				flows[g.flow] = true
				if g.deny != "" {
					denied++
				}
			}
			asked := 0
			for _, w := range demoWaiting {
				if w.ask != "" && w.answer == "" {
					asked++
				}
			}
			require.Equal(t, len(demoGuests)-denied, h.count("directory_users WHERE user_type = 'Guest'"), "each approved request is a guest")
			require.Equal(t, len(demoGuests)-denied, h.count("requests WHERE state = 'active'"))
			require.Equal(t, denied, h.count("requests WHERE state = 'denied'"))
			require.Equal(t, asked, h.count("requests WHERE state = 'needs_info'"))
			require.Equal(t, len(demoWaiting)-asked, h.count("requests WHERE state = 'pending'"))
			require.Zero(t, h.count("requests WHERE submitted_at > ?", clock.System().Now()), "nothing happens in the future")
			require.Zero(t, h.count("mails WHERE state = 'queued'"), "no mail waits to surprise anybody")
			require.Equal(t, map[string]bool{"supplier": true, "visitor": true}, flows)
			for _, p := range DemoPeople() {
				if p.Name == "You" {
					continue
				}
				found, err := h.People.ByAddress(t.Context(), p.Email)
				require.NoError(t, err)
				require.NotNil(t, found, "%s is there to sign in as", p.Email)
				require.Equal(t, p.Name, found.DisplayName)
			}
			h.roundTrip(t)
		})
	}
}

// roundTrip: what is exported says what is published.
func (h *testHouse) roundTrip(t *testing.T) {
	t.Helper()
	var files []flow.File
	for _, slug := range []string{"supplier", "visitor"} {
		text, err := h.Flows.Export(t.Context(), slug)
		require.NoError(t, err)
		files = append(files, flow.File{Name: slug, Data: text})
	}
	applied, err := h.Flows.Apply(t.Context(), files, audit.Actor{Kind: audit.KindOperator})
	require.NoError(t, err)
	require.Equal(t, []flow.Applied{{Slug: "supplier", Version: 1, Outcome: flow.Unchanged}, {Slug: "visitor", Version: 1, Outcome: flow.Unchanged}}, applied)
}

func TestSeedDemo_RefusesAHouseThatHoldsAnything(t *testing.T) {
	t.Parallel()
	for name, furnish := range map[string]func(h *House) error{
		"a flow that an operator has applied before the set-up": func(h *House) error {
			files, err := demoFiles()
			if err != nil {
				return err
			}
			s := &seeder{House: h, ctx: t.Context()}
			if err := h.DB.InTx(t.Context(), func(tx *database.Tx) error {
				for _, g := range demoGroups {
					if _, err := s.People.PutGroup(tx, g); err != nil {
						return err
					}
				}
				for _, a := range demoApps {
					if _, err := s.People.PutApp(tx, a); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				return err
			}
			_, err = h.Flows.Apply(t.Context(), files, audit.Actor{Kind: audit.KindOperator})
			return err
		},
		"a key for a program": func(h *House) error {
			_, _, err := h.Identity.CreateKey(t.Context(), identity.NewKey{Name: "nightly", Scopes: []string{"guests:read"}})
			return err
		},
	} {
		o := Options{Config: settings(t, dbtest.URL(t, database.SQLite)), Logger: slog.New(slog.DiscardHandler), Version: "test"}
		h, err := Build(t.Context(), o)
		require.NoError(t, err)
		require.NoError(t, furnish(h))
		h.Close()
		require.ErrorIs(t, SeedDemo(t.Context(), o), ErrNotEmpty, name)
	}
}
