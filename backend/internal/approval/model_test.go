package approval

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fuzztest"
)

// TestModel is security.md F07: any order of acts on a few requests, each answered as a plain model of the rules says.
// Nothing leaves an end; guests, decisions and audit say the same.
func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
				w := newWalk(openHouse(t, db, clk))
				dice := rand.New(rand.NewPCG(seed, 7))
				for range 120 {
					w.step(dice)
				}
			})
		})
	}
}

// FuzzModel is TestModel driven by a fuzzer, on SQLite. One house lasts for all its runs; each has people of its own.
func FuzzModel(f *testing.F) {
	f.Add([]byte{0, 0, 9, 0, 0, 0, 9, 1, 0, 0})
	for seed := range uint64(4) {
		dice, tape := rand.New(rand.NewPCG(seed, 8)), make([]byte, 60)
		for i := range tape {
			tape[i] = byte(dice.IntN(256))
		}
		f.Add(tape)
	}
	const most = 240 // bytes: some 60 acts
	db, clk := dbtest.New(f, database.SQLite)
	var h *house
	f.Fuzz(func(t *testing.T, tape []byte) {
		if h == nil {
			h = openHouse(t, db, clk)
		}
		h.t = t
		w, dice := newWalk(h), fuzztest.NewTape(tape[:min(len(tape), most)])
		for !dice.Ended() {
			w.step(dice)
		}
		w.clears()
	})
}

// belief is what the model believes of one request.
type belief struct {
	id, slug, address string
	stage             int
	state             State           // as it is written down: expiry only by the sweep
	approved          map[string]bool // who approved an earlier stage
	expires           time.Time
	until             *time.Time
	version           int
}

// stagesOf are the approvers of the house's flows, and how long each stage waits.
var stagesOf = map[string]struct {
	approvers [][]string
	waits     []time.Duration
}{
	"supplier": {[][]string{{"a.ruiz@contoso.com", "g.group@contoso.com"}}, []time.Duration{14 * 24 * time.Hour}},
	"double": {
		[][]string{{"a.ruiz@contoso.com", "j.becker@contoso.com"}, {"a.ruiz@contoso.com", "s.weber@contoso.com"}},
		[]time.Duration{14 * 24 * time.Hour, 7 * 24 * time.Hour},
	},
}

var (
	errCrash  = errors.New("the power failed")
	errFields = errors.New("a field is out of bounds")
)

// walk is a series of acts on a few requests.
type walk struct {
	*house
	deciders []Decider
	all      []*belief
	crash    bool // the opener's half of the next act fails
}

func newWalk(h *house) *walk {
	w := &walk{house: h, deciders: []Decider{AsKey(audit.Actor{Kind: audit.KindAPIKey, ID: "key_1", Name: "key"})}}
	for _, mail := range []string{"a.ruiz@contoso.com", "j.becker@contoso.com", "s.weber@contoso.com", "g.group@contoso.com", "i.vogel@contoso.com"} {
		w.deciders = append(w.deciders, h.as(mail))
	}
	if h.whole == nil {
		h.whole = h.openers["test"]
	}
	h.OnDecided("test", func(tx *database.Tx, r *Request) error {
		if err := h.whole(tx, r); err != nil || !w.crash {
			return err
		}
		return errCrash // everything was written, and nothing of it stays
	})
	return w
}

func (w *walk) step(dice fuzztest.Dice) {
	w.t.Helper()
	if len(w.all) == 0 || len(w.all) < 5 && dice.IntN(12) == 0 {
		w.opens(dice)
		return
	}
	n := dice.IntN(len(w.all))
	m := w.all[n]
	before := w.read(m.id)
	w.crash = dice.IntN(16) == 15
	act, want, err := w.anyAct(dice, m)
	w.crash = false
	r := w.read(m.id)
	if errors.Is(want, errFields) {
		f, _ := fault.From(err)
		require.NotNil(w.t, f, "%s: %v", act, err)
		require.Equal(w.t, "fields_invalid", f.Code(), act)
	} else {
		require.ErrorIs(w.t, err, want, act)
	}
	if err != nil {
		require.Equal(w.t, before, r, "%s failed with %v and changed something", act, err)
	}
	require.Equal(w.t, m.state, r.State, "after %s", act)
	require.Equal(w.t, m.stage, r.Stage, "after %s", act)
	m.version = r.Version
	w.agree(r, act)
	w.clk.Advance(time.Millisecond)
}

// opens sends a request of somebody new.
func (w *walk) opens(dice fuzztest.Dice) {
	w.t.Helper()
	slug := []string{"supplier", "double"}[dice.IntN(2)]
	w.strangers++
	mail := fmt.Sprintf("p%d@fabrikam.de", w.strangers)
	r := w.request(slug, mail, nil)
	rules := stagesOf[slug]
	for stage, want := range rules.approvers {
		require.Equal(w.t, want, w.approversOf(r, stage+1), "who decides is frozen at the start")
	}
	w.all = append(w.all, &belief{
		id: r.ID, slug: slug, address: mail, stage: 1, state: Pending, approved: map[string]bool{},
		expires: w.clk.Now().Add(rules.waits[0]), version: r.Version,
	})
}

// anyAct does one act on a request. It returns its name, what the rules say, and what the house said.
func (w *walk) anyAct(dice fuzztest.Dice, m *belief) (name string, want, got error) {
	ctx, by := context.Background(), w.deciders[dice.IntN(len(w.deciders))]
	switch dice.IntN(12) {
	case 0, 1:
		return w.decides(m, by, approve)
	case 2:
		return w.decides(m, by, Given{Decision: Deny, Reason: "no"})
	case 3:
		want = w.withdraws(m)
		_, got = w.Withdraw(ctx, m.id, audit.Actor{Kind: audit.KindApplicant})
		return "withdraw", want, got
	case 4:
		want = w.asks(m, by)
		_, got = w.Ask(ctx, m.id, by, "Why?")
		return "ask", want, got
	case 5:
		if want = ErrNothingAsked; m.state == NeedsInfo && !m.lapsed(w.clk.Now()) {
			m.state, want = Pending, nil
		}
		_, got = w.Reply(ctx, m.id, audit.Actor{Kind: audit.KindApplicant}, "Because.")
		return "reply", want, got
	case 6:
		w.clk.Advance(time.Duration(dice.IntN(5*24)) * time.Hour)
		return "wait", nil, nil
	case 7:
		return w.sweeps()
	case 8:
		return w.sendsAgain(m)
	case 9: // what was read is old, or is not
		return w.decides(m, by, Given{Decision: Approve, Seen: m.version - 1 + dice.IntN(3)})
	case 10: // whoever it is, they also are the applicant
		by.Address = strings.Replace(m.address, "@", "+work@", 1)
		return w.decides(m, by, approve)
	default:
		until := w.clk.Now().AddDate(0, 0, dice.IntN(500)-20)
		return w.decides(m, by, Given{Decision: Approve, Until: &until})
	}
}

func (m *belief) lapsed(now time.Time) bool { return now.After(m.expires) }

// closed is why nothing more can happen to the request, or nil.
func (m *belief) closed(now time.Time) error {
	switch {
	case m.state == Active || m.state == Denied:
		return ErrAlreadyDecided
	case !m.state.Open() || m.lapsed(now):
		return ErrClosed
	}
	return nil
}

// mayDecide is the rule before every act of an approver.
func (w *walk) mayDecide(m *belief, by Decider) error {
	if sameMailbox(by.Address, m.address) {
		return ErrOwnRequest
	}
	everywhere, here := by.ID == everyKey, false
	for stage, approvers := range stagesOf[m.slug].approvers {
		if slices.Contains(approvers, by.Address) {
			everywhere, here = true, here || stage+1 == m.stage
		}
	}
	switch closed := m.closed(w.clk.Now()); {
	case !everywhere:
		return ErrNotFound
	case closed != nil:
		return closed
	case !here && by.ID != everyKey:
		return ErrOtherStage
	}
	return nil
}

func (w *walk) decides(m *belief, by Decider, g Given) (name string, want, got error) {
	want = w.mayDecide(m, by)
	switch {
	case want != nil:
	case g.Seen != 0 && g.Seen != m.version:
		want = ErrChanged
	case g.Decision == Approve && m.approved[by.Address]:
		want = ErrSamePerson
	case g.Decision == Approve && !w.endFits(m, g.Until):
		want = errFields
	default:
		want = w.takes(m, by, g)
	}
	_, got = w.Decide(context.Background(), m.id, by, g)
	return fmt.Sprintf("%s by %s (%+v)", g.Decision, by.Name, g), want, got
}

// endFits holds a chosen end between a day and the flow's 365 from now.
func (w *walk) endFits(m *belief, until *time.Time) bool {
	if until == nil {
		until = m.until
	}
	now := w.clk.Now()
	return until == nil || !until.Before(now.Add(23*time.Hour)) && !until.After(now.AddDate(0, 0, 366))
}

// takes moves the belief as a decision that counts does.
func (w *walk) takes(m *belief, by Decider, g Given) error {
	waits := stagesOf[m.slug].waits
	last := m.stage == len(waits)
	if w.crash && (last || g.Decision == Deny) {
		return errCrash
	}
	if g.Until != nil {
		m.until = g.Until
	}
	switch {
	case g.Decision == Deny:
		m.state = Denied
	case last:
		m.state = Active
	default:
		m.approved[by.Address] = true
		m.expires, m.state = w.clk.Now().Add(waits[m.stage]), Pending
		m.stage++
	}
	return nil
}

func (w *walk) asks(m *belief, by Decider) error {
	switch err := w.mayDecide(m, by); {
	case err != nil:
		return err
	case m.state == NeedsInfo:
		return ErrAlreadyAsked
	case w.crash:
		return errCrash
	}
	m.state = NeedsInfo
	if patience := w.clk.Now().Add(askedPatience); m.expires.Before(patience) {
		m.expires = patience
	}
	return nil
}

func (w *walk) withdraws(m *belief) error {
	if err := m.closed(w.clk.Now()); err != nil {
		return err
	}
	if w.crash {
		return errCrash
	}
	m.state = Withdrawn
	return nil
}

// sweeps writes down which requests have expired.
func (w *walk) sweeps() (name string, want, got error) {
	for _, m := range w.all {
		switch {
		case !m.state.Open() || !m.lapsed(w.clk.Now()):
		case w.crash:
			want = errCrash
		default:
			m.state = Expired
		}
	}
	_, got = w.ExpireLapsed(context.Background())
	return "sweep", want, got
}

// sendsAgain is a second request of somebody who waits: they get the first one, and nothing happens.
func (w *walk) sendsAgain(m *belief) (name string, want, got error) {
	if !m.state.Open() {
		return "nothing", nil, nil
	}
	p, before := w.plan(m.slug, m.address, nil), w.count("requests")
	w.inTx(func(tx *database.Tx) error {
		r, fresh, err := w.Open(tx, p)
		if err == nil && (fresh || r.ID != m.id) {
			err = fmt.Errorf("%s got a second request", m.address)
		}
		return err
	})
	require.Equal(w.t, before, w.count("requests"))
	return "send again", nil, nil
}

// clears ends what is open, so that the next walk through this house begins with nothing.
func (w *walk) clears() {
	w.clk.Advance(60 * 24 * time.Hour)
	_, _, err := w.sweeps()
	require.NoError(w.t, err)
	for _, m := range w.all {
		require.False(w.t, w.read(m.id).State.Open())
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
