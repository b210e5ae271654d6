package audit_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// threeHours writes three events an hour for three hours and seals them hour by hour.
func threeHours(t *testing.T, db *database.DB, clk *clock.Fake) (log *audit.Log, seals []audit.Seal) {
	t.Helper()
	log = newLog(t, db, clk)
	ctx := web.WithMeta(t.Context(), web.Meta{RequestID: "req_1", Address: "198.51.100.7"})
	ctx = audit.WithActor(ctx, audit.Actor{Kind: audit.KindMember, ID: "mem_1", Name: "Jonas Becker"})
	for hour := range 3 {
		for n := range 3 {
			record(t, db, log, ctx, audit.Event{
				Name: "approval.approved", Target: fmt.Sprintf("req_%d%d", hour, n), Subject: log.Subject("maria@fabrikam.de"), Data: map[string]any{"stage": n, "why": "a ü<>&"},
			})
			clk.Advance(time.Minute)
		}
		clk.Advance(time.Hour)
		require.NoError(t, log.SealSettled(t.Context(), func(s audit.Seal) { seals = append(seals, s) }))
	}
	return log, seals
}

// behindItsBack changes what the schema refuses to change, as somebody with all rights in the database could.
func behindItsBack(t *testing.T, db *database.DB, statement string) {
	t.Helper()
	off := []string{"DROP TRIGGER audit_events_no_update", "DROP TRIGGER audit_events_no_delete", "DROP TRIGGER audit_seals_no_update", "DROP TRIGGER audit_seals_no_delete"}
	if db.Dialect() == database.Postgres {
		off = []string{"ALTER TABLE audit_events DISABLE TRIGGER ALL", "ALTER TABLE audit_seals DISABLE TRIGGER ALL"}
	}
	require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
		for _, s := range append(off, statement) {
			done := tx.Exec(s)
			if done.Error != nil {
				return done.Error
			}
			if s == statement {
				require.NotZero(t, done.RowsAffected)
			}
		}
		return nil
	}))
}

func TestSeals_HoldWhatWasWritten(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		log, seals := threeHours(t, db, clk)
		require.Len(t, seals, 3)
		record(t, db, log, t.Context(), audit.Event{Name: "signup.submitted", Target: "sgn_1"})
		clk.Advance(9 * time.Minute)
		require.NoError(t, log.SealSettled(t.Context(), func(audit.Seal) {
			t.Error("an event of nine minutes was sealed: another act of then may still be written")
		}))

		found, err := log.Verify(t.Context(), audit.Noted{Number: 2, Seal: seals[1].Seal})
		require.NoError(t, err)
		require.NoError(t, found.Err())
		require.Empty(t, found.Breaks)
		require.Equal(t, 3, found.Seals)
		require.EqualValues(t, 9, found.Events)
		require.EqualValues(t, 1, found.Open)
		require.Equal(t, seals[2].Seal, found.Newest.Seal)

		clk.Advance(time.Minute + time.Millisecond)
		require.NoError(t, log.SealSettled(t.Context(), func(s audit.Seal) { require.Equal(t, 1, s.Events) }))
	})
}

func TestSeals_TellWhatIsNotAsItWas(t *testing.T) {
	t.Parallel()
	const second = "(SELECT last_id FROM audit_seals WHERE number = 2)" // the last event of the second hour
	insert := "INSERT INTO audit_events SELECT id || '0', at, name, result, actor_kind, actor_id, actor_name, target, subject, address, request_id, data FROM audit_events WHERE id = " + second
	for _, tc := range []struct {
		name, statement string
		breaks          []audit.Break // Number, Missing, Sealed and Found
	}{
		{"an event was taken away", "DELETE FROM audit_events WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 2}}},
		{"all of them were", "DELETE FROM audit_events", []audit.Break{{Number: 1, Sealed: 3}, {Number: 2, Sealed: 3}, {Number: 3, Sealed: 3}}},
		{"one was put in between", insert, []audit.Break{{Number: 3, Sealed: 3, Found: 4}}},
		{"another act", "UPDATE audit_events SET name = 'approval.denied' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"another time", "UPDATE audit_events SET at = (SELECT sealed_at FROM audit_seals WHERE number = 1) WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"another result", "UPDATE audit_events SET result = 'refused' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"another kind of actor", "UPDATE audit_events SET actor_kind = 'system' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"another actor", "UPDATE audit_events SET actor_id = 'mem_2' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"another name of the actor", "UPDATE audit_events SET actor_name = 'Maria' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"another target", "UPDATE audit_events SET target = 'req_9' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"another person", "UPDATE audit_events SET subject = '' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"another address", "UPDATE audit_events SET address = '' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"another call", "UPDATE audit_events SET request_id = '' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"another fact", "UPDATE audit_events SET data = '{\"stage\":7}' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"a letter moved from one column to the next", "UPDATE audit_events SET actor_id = 'mem_1J', actor_name = 'onas Becker' WHERE id = " + second, []audit.Break{{Number: 2, Sealed: 3, Found: 3}}},
		{"a seal was changed, and the next stands on it", "UPDATE audit_seals SET seal = (SELECT seal FROM audit_seals WHERE number = 2) WHERE number = 1", []audit.Break{{Number: 1, Sealed: 3, Found: 3}, {Number: 2, Sealed: 3, Found: 3}}},
		{"a seal was taken away", "DELETE FROM audit_seals WHERE number = 2", []audit.Break{{Number: 2, Missing: true}, {Number: 3, Sealed: 3, Found: 6}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
				log, _ := threeHours(t, db, clk)
				behindItsBack(t, db, tc.statement)
				found, err := log.Verify(t.Context(), audit.Noted{})
				require.NoError(t, err)
				require.Error(t, found.Err())
				for i := range found.Breaks {
					require.NotEmpty(t, found.Breaks[i].String())
					found.Breaks[i].After, found.Breaks[i].LastID = "", ""
				}
				require.Equal(t, tc.breaks, found.Breaks)
			})
		})
	}
}

func TestSeals_TheEndIsHeldByOneKeptElsewhere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		log, seals := threeHours(t, db, clk)
		behindItsBack(t, db, "DELETE FROM audit_seals WHERE number = 3")
		behindItsBackAgain := func(statement string) {
			require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error { return tx.Exec(statement).Error }))
		}
		behindItsBackAgain("DELETE FROM audit_events WHERE id > (SELECT last_id FROM audit_seals WHERE number = 2)")
		found, err := log.Verify(t.Context(), audit.Noted{})
		require.NoError(t, err)
		require.NoError(t, found.Err(), "the database alone cannot know what it once held")

		noted, err := audit.ParseNoted("3:" + hex.EncodeToString(seals[2].Seal))
		require.NoError(t, err)
		found, err = log.Verify(t.Context(), noted)
		require.NoError(t, err)
		require.ErrorContains(t, found.Err(), "noted")
	})
}

func TestSeals_OneOfTwoWorkersMakesEach(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		log := newLog(t, db, clk)
		record(t, db, log, t.Context(), audit.Event{Name: "signup.submitted", Target: "sgn_1"})
		clk.Advance(time.Hour)
		done := make(chan error)
		for range 4 {
			go func() { done <- log.SealSettled(context.WithoutCancel(t.Context()), func(audit.Seal) {}) }()
		}
		for range 4 {
			<-done // who comes second may be told of the first; what counts is what is there
		}
		found, err := log.Verify(t.Context(), audit.Noted{})
		require.NoError(t, err)
		require.NoError(t, found.Err())
		require.Equal(t, 1, found.Seals)
	})
}

func TestParseNoted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text string }{
		{"nothing", ""}, {"no seal", "12"}, {"an empty seal", "12:"}, {"no number", ":ab"}, {"no digits", "12:xy"}, {"numbers begin with 1", "0:ab"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := audit.ParseNoted(tc.text)
			require.ErrorContains(t, err, "write its number")
		})
	}
}
