package audit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

func newLog(t *testing.T, db *database.DB, clk clock.Clock) *audit.Log {
	t.Helper()
	keys, err := secret.NewKeys(secret.New("kJ8s2Lq9Xw4Zr7Tn1Vb6Ym3Pc5Hd0Gf2"))
	require.NoError(t, err)
	return audit.New(db, ids.NewSequence(clk), keys)
}

func record(t *testing.T, db *database.DB, log *audit.Log, ctx context.Context, events ...audit.Event) {
	t.Helper()
	require.NoError(t, db.InTx(ctx, func(tx *database.Tx) error {
		for _, e := range events {
			if err := log.Record(tx, e); err != nil {
				return err
			}
		}
		return nil
	}))
}

func names(page audit.Page) (out []string) {
	for _, e := range page.Entries {
		out = append(out, e.Name)
	}
	return out
}

func TestRecord_KeepsWhoWhenWhereAndWhat(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		log := newLog(t, db, clk)
		ctx := web.WithMeta(t.Context(), web.Meta{RequestID: "req_1", Address: "198.51.100.7"})
		ctx = audit.WithActor(ctx, audit.Actor{Kind: audit.KindMember, ID: "mem_1", Name: "Jonas Becker"})
		record(t, db, log, ctx, audit.Event{
			Name: "approval.approved", Target: "req_9", Subject: log.Subject("maria@fabrikam.de"), Data: map[string]any{"stage": 1},
		})

		page, err := log.Timeline(t.Context(), audit.Query{Targets: []string{"req_9"}, Limit: 10})
		require.NoError(t, err)
		require.Len(t, page.Entries, 1)
		got := page.Entries[0]
		require.Regexp(t, `^evt_[0-9A-Z]{26}$`, got.ID)
		got.ID = ""
		require.Equal(t, audit.Entry{
			At: dbtest.Start, Name: "approval.approved", Result: audit.OK,
			Actor:  audit.Actor{Kind: audit.KindMember, ID: "mem_1", Name: "Jonas Becker"},
			Target: "req_9", Address: "198.51.100.7", RequestID: "req_1", Data: map[string]any{"stage": 1.0},
		}, got)
		require.False(t, page.HasMore)
		require.Empty(t, page.Next)
	})
}

func TestRecord_IsUndoneWithItsAct(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		log := newLog(t, db, clk)
		failed := errors.New("the act failed")
		err := db.InTx(t.Context(), func(tx *database.Tx) error {
			require.NoError(t, log.Record(tx, audit.Event{Name: "signup.submitted", Target: "sgn_1"}))
			return failed
		})
		require.ErrorIs(t, err, failed)
		page, err := log.Timeline(t.Context(), audit.Query{Targets: []string{"sgn_1"}, Limit: 10})
		require.NoError(t, err)
		require.Empty(t, page.Entries)
	})
}

func TestRecord_RefusesWhatAnEventMustNotBe(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		log := newLog(t, db, clk)
		for _, tc := range []struct {
			name  string
			event audit.Event
		}{
			{"a name without a room cannot be found again", audit.Event{Name: "approved"}},
			{"a name is no sentence", audit.Event{Name: "approval.was approved"}},
			{"results are ok and refused only", audit.Event{Name: "approval.approved", Result: "maybe"}},
			{"a one-time code would let readers in", audit.Event{Name: "identity.code_refused", Data: map[string]any{"code": "482913"}}},
			{"so would a token", audit.Event{Name: "identity.signed_in", Data: map[string]any{"token": "x"}}},
			{"answers belong to those who decide", audit.Event{Name: "signup.submitted", Data: map[string]any{"answers": map[string]any{}}}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				require.Error(t, db.InTx(t.Context(), func(tx *database.Tx) error { return log.Record(tx, tc.event) }))
			})
		}
	})
}

func TestEvents_CanOnlyBeAdded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		log := newLog(t, db, clk)
		record(t, db, log, t.Context(), audit.Event{Name: "signup.submitted", Target: "sgn_1"})
		for _, statement := range []string{
			"UPDATE audit_events SET name = 'nothing.happened'",
			"DELETE FROM audit_events",
		} {
			err := db.InTx(t.Context(), func(tx *database.Tx) error { return tx.Exec(statement).Error })
			require.ErrorContains(t, err, "append-only", statement)
		}
	})
}

func TestTimeline_JoinsTargetsAndSubjectNewestFirst(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		log := newLog(t, db, clk)
		maria, other := log.Subject("maria@fabrikam.de"), log.Subject("lukas@fabrikam.de")
		record(t, db, log, t.Context(), audit.Event{Name: "signup.started", Target: "sgn_1", Subject: maria})
		record(t, db, log, t.Context(), audit.Event{Name: "signup.started", Target: "sgn_2", Subject: other})
		clk.Advance(time.Minute)
		record(t, db, log, t.Context(),
			audit.Event{Name: "approval.approved", Target: "req_1", Subject: maria}, // found by target and by subject, told once
			audit.Event{Name: "directory.guest_admitted", Target: "gst_1"},
			audit.Event{Name: "directory.grant_added", Target: "gst_1"},
		)
		page, err := log.Timeline(t.Context(), audit.Query{Targets: []string{"gst_1", "req_1"}, Subject: maria, Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []string{
			"directory.grant_added", "directory.guest_admitted", "approval.approved", "signup.started",
		}, names(page), "events of one act are told in the order in which they happened")

		page, err = log.Timeline(t.Context(), audit.Query{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, page.Entries, "a question about nobody has no answer")
	})
}

func TestTimeline_PagesStayStableWhileEventsAreAdded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		log := newLog(t, db, clk)
		for i := range 25 {
			target := fmt.Sprintf("req_%d", i%3)
			record(t, db, log, t.Context(), audit.Event{Name: "approval.asked", Target: target, Data: map[string]any{"n": i}})
			clk.Advance(time.Second)
		}
		var seen []float64
		query := audit.Query{Targets: []string{"req_0", "req_1", "req_2"}, Limit: 10}
		for {
			page, err := log.Timeline(t.Context(), query)
			require.NoError(t, err)
			for _, e := range page.Entries {
				seen = append(seen, e.Data["n"].(float64))
			}
			if !page.HasMore {
				break
			}
			query.After = page.Next
			record(t, db, log, t.Context(), audit.Event{Name: "approval.asked", Target: "req_0", Data: map[string]any{"n": 99}})
		}
		require.Len(t, seen, 25)
		for i, n := range seen {
			require.InDelta(t, 24-i, n, 0)
		}
	})
}

func TestTimeline_RefusesMoreTargetsThanOneStatementCanHold(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	_, err := newLog(t, db, clk).Timeline(t.Context(), audit.Query{Targets: make([]string, 101), Limit: 10})
	require.Error(t, err)
}

func TestSubject_IsKeyedAndStable(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	log := newLog(t, db, clk)
	require.Equal(t, log.Subject("maria@fabrikam.de"), log.Subject("maria@fabrikam.de"))
	require.NotEqual(t, log.Subject("maria@fabrikam.de"), log.Subject("maria@fabrikam.com"))

	keys, err := secret.NewKeys(secret.New("Qm4Zr7Tn1Vb6Ym3Pc5Hd0Gf2kJ8s2Lq9"))
	require.NoError(t, err)
	require.NotEqual(t, log.Subject("maria@fabrikam.de"), audit.New(db, ids.NewSequence(clk), keys).Subject("maria@fabrikam.de"),
		"whoever has the events alone cannot test addresses against them")
}

func TestActorOf_IsTheHouseUnlessSomebodyActs(t *testing.T) {
	t.Parallel()
	require.Equal(t, audit.Actor{Kind: audit.KindSystem}, audit.ActorOf(t.Context()))
}
