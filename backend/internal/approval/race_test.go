package approval

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

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

// model is what F07 believes of one request.
type model struct {
	id     string
	ended  State // "" while open
	events int
}

// TestModel is security.md F07: any order of acts on a few requests. Nothing leaves an end; guests, decisions and audit
// say the same.
func TestModel(t *testing.T) {
	t.Parallel()
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s/%d", dialect, seed), func(t *testing.T) {
				t.Parallel()
				db, clk := dbtest.New(t, dialect)
				h := openHouse(t, db, clk)
				h.wander(rand.New(rand.NewPCG(seed, 7)), 120)
			})
		}
	}
}

func (h *house) wander(dice *rand.Rand, steps int) {
	h.t.Helper()
	var open []*model
	deciders := []Decider{h.as("a.ruiz@contoso.com"), h.as("j.becker@contoso.com"), h.as("s.weber@contoso.com"), h.as("g.group@contoso.com"), AsKey(audit.Actor{Kind: audit.KindAPIKey, ID: "key_1", Name: "key"})}
	for step := range steps {
		if len(open) < 4 || dice.IntN(12) == 0 {
			slug := []string{"supplier", "double"}[dice.IntN(2)]
			open = append(open, &model{id: h.request(slug, fmt.Sprintf("p%d@fabrikam.de", step), nil).ID})
			continue
		}
		m := open[dice.IntN(len(open))]
		before := h.read(m.id)
		act, err := h.anyAct(dice, m.id, deciders[dice.IntN(len(deciders))])
		after := h.read(m.id)
		if err != nil {
			require.Equal(h.t, before, after, "%s failed with %v and changed something", act, err)
		}
		if m.ended != "" {
			require.Equal(h.t, before, after, "%s moved a request that had ended as %s", act, m.ended)
		}
		if !after.State.Open() {
			m.ended = after.State
		}
		h.agree(after, act)
	}
}

// anyAct does one act; its name is for the failure's text.
func (h *house) anyAct(dice *rand.Rand, id string, by Decider) (name string, err error) {
	ctx := context.Background()
	switch dice.IntN(9) {
	case 0, 1:
		_, err = h.Decide(ctx, id, by, approve)
		return "approve", err
	case 2:
		_, err = h.Decide(ctx, id, by, Given{Decision: Deny, Reason: "no"})
		return "deny", err
	case 3:
		_, err = h.Withdraw(ctx, id, audit.Actor{Kind: audit.KindApplicant})
		return "withdraw", err
	case 4:
		_, err = h.Ask(ctx, id, by, "Why?")
		return "ask", err
	case 5:
		_, err = h.Reply(ctx, id, audit.Actor{Kind: audit.KindApplicant}, "Because.")
		return "reply", err
	case 6:
		h.clk.Advance(time.Duration(dice.IntN(5*24)) * time.Hour)
		return "wait", nil
	case 7:
		_, err = h.ExpireLapsed(ctx)
		return "sweep", err
	default:
		until := h.clk.Now().AddDate(0, 0, dice.IntN(500)-20)
		_, err = h.Decide(ctx, id, by, Given{Decision: Approve, Until: &until})
		return "approve until", err
	}
}

// agree holds the invariants of one request.
func (h *house) agree(r *Request, act string) {
	h.t.Helper()
	approved := r.State == Active
	decided := approved || r.State == Denied
	guests := h.count("directory_users WHERE user_type = ? AND request_id = ?", directory.TypeGuest, r.ID)
	require.Equal(h.t, approved, guests == 1, "guests are approvals, after %s", act)
	require.Equal(h.t, decided, r.Decision != "", "a decision is there exactly when it is decided, after %s", act)
	var names []string
	passed, ends := 0, 0
	for _, name := range h.events(r.ID) {
		switch name {
		case "approval.approved", "approval.denied", "approval.withdrawn", "approval.expired":
			ends++
		case "approval.passed":
			passed++
		}
		names = append(names, name)
	}
	require.Equal(h.t, !r.State.Open(), ends == 1, "one end, one event: %v", names)
	rows := passed
	if decided {
		rows++
	}
	require.Equal(h.t, rows, h.count("approval_decisions WHERE request_id = ?", r.ID), "decisions are the audit's: %v", names)
	people := h.count("(SELECT DISTINCT approver_id FROM approval_decisions WHERE request_id = ? AND decision = 'approve' AND approver_id <> '*') AS d", r.ID)
	approvals := h.count("approval_decisions WHERE request_id = ? AND decision = 'approve' AND approver_id <> '*'", r.ID)
	require.Equal(h.t, people, approvals, "no person approved twice")
	require.Equal(h.t, !r.State.Open(), h.count("approval_assignments WHERE request_id = ? AND bucket <> 'done'", r.ID) == 0, "after %s", act)
	require.Equal(h.t, r.State == NeedsInfo, r.PausedAt != nil, "the clock stands exactly while a question is open, after %s", act)
}
