package approval

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// TestDecide_ExactlyOnce is security.md T43: 20 approve, 20 deny and 5 withdraw at the same instant, over two replicas.
func TestDecide_ExactlyOnce(t *testing.T) {
	t.Parallel()
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			clk, url := clock.NewFake(dbtest.Start), dbtest.URL(t, dialect)
			first := dbtest.Open(t, url, clk)
			second := first // SQLite has one process: the second service shares its handle
			if dialect == database.Postgres {
				second = dbtest.Open(t, url, clk)
			}
			h := openHouse(t, first, clk)
			replicas := []*house{h, build(t, second, clk, ids.System(clk))}
			for round := range 10 {
				h.race(replicas, fmt.Sprintf("maria%d@fabrikam.de", round))
			}
		})
	}
}

func (h *house) race(replicas []*house, mail string) {
	h.t.Helper()
	r := h.request("supplier", mail, nil)
	ana, group := h.as("a.ruiz@contoso.com"), h.as("g.group@contoso.com")
	var acts []func(s *house) error
	for i := range 20 {
		acts = append(acts, func(s *house) error {
			_, err := s.Decide(context.Background(), r.ID, ana, approve)
			return err
		}, func(s *house) error {
			_, err := s.Decide(context.Background(), r.ID, group, Given{Decision: Deny, Reason: "no"})
			return err
		})
		if i < 5 {
			acts = append(acts, func(s *house) error {
				_, err := s.Withdraw(context.Background(), r.ID, audit.Actor{Kind: audit.KindApplicant})
				return err
			})
		}
	}
	rand.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
	results := make([]error, len(acts))
	var barrier, done sync.WaitGroup
	barrier.Add(1)
	for i, act := range acts {
		done.Go(func() {
			barrier.Wait()
			results[i] = act(replicas[i%len(replicas)])
		})
	}
	barrier.Done()
	done.Wait()
	h.oneWinner(r.ID, results)
}

func (h *house) oneWinner(id string, results []error) {
	h.t.Helper()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrAlreadyDecided) && !errors.Is(err, ErrClosed) {
			h.t.Errorf("a loser is told %v", err)
		}
	}
	r := h.read(id)
	require.Equal(h.t, 1, won, "exactly one press takes effect")
	require.Equal(h.t, 1, h.count("mails WHERE about = ? AND kind = ?", id, kindTold), "one mail to the applicant")
	guests := h.count("directory_users WHERE user_type = ? AND request_id = ?", directory.TypeGuest, id)
	want := map[State]struct {
		guests, decisions int
		event             string
	}{Active: {1, 1, "approval.approved"}, Denied: {0, 1, "approval.denied"}, Withdrawn: {0, 0, "approval.withdrawn"}}[r.State]
	require.NotEmpty(h.t, want.event, "it ended as %s", r.State)
	require.Equal(h.t, want.guests, guests)
	require.Equal(h.t, want.decisions, h.count("approval_decisions WHERE request_id = ?", id))
	require.Equal(h.t, []string{want.event}, h.events(id))
	require.Zero(h.t, h.count("approval_assignments WHERE request_id = ? AND bucket <> 'done'", id))
}
