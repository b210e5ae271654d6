package identity

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fuzztest"
)

// TestCodes_model is F06: random acts on a few subjects, and after each one the answer that a plain model of the rules
// gives. A code is accepted if and only if it is one of the two newest of its purpose and subject, unused, unexpired, and
// subject and address have tries left.
func TestCodes_model(t *testing.T) {
	t.Parallel()
	const runs, steps = 6, 120
	for run := range uint64(runs) {
		t.Run(fmt.Sprintf("seed %d", run), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
				m, dice := newModel(openHouse(t, db, clk), ""), rand.New(rand.NewPCG(run, 6))
				for step := range steps {
					m.step(dice, fmt.Sprintf("seed %d, step %d", run, step))
				}
			})
		})
	}
}

// FuzzCodes is TestCodes_model driven by a fuzzer, on SQLite. One house lasts for all its runs; each has subjects and
// addresses of its own, and begins when the counts of the one before are over.
func FuzzCodes(f *testing.F) {
	f.Add([]byte{0, 0, 0, 5, 1, 0, 0, 14, 0, 6, 1})
	for seed := range uint64(4) {
		dice, tape := rand.New(rand.NewPCG(seed, 9)), make([]byte, 60)
		for i := range tape {
			tape[i] = byte(dice.IntN(256))
		}
		f.Add(tape)
	}
	const most = 150 // bytes: some 50 acts
	db, clk := dbtest.New(f, database.SQLite)
	var h *house
	runs := 0
	f.Fuzz(func(t *testing.T, tape []byte) {
		if h == nil {
			h = openHouse(t, db, clk)
		}
		h.t = t
		runs++
		clk.Advance(48 * time.Hour)
		m, dice := newModel(h, fmt.Sprintf("r%d-", runs)), fuzztest.NewTape(tape[:min(len(tape), most)])
		for step := 0; !dice.Ended(); step++ {
			m.step(dice, fmt.Sprintf("run %d, step %d", runs, step))
		}
	})
}

type codeModel struct {
	Made
	used, revoked bool
}

type subjectModel struct {
	p       Purpose
	id      string
	address string
	tries   int
	codes   []*codeModel // oldest first
}

// alive are the codes that would be accepted at now.
func (s *subjectModel) alive(now time.Time) (out []*codeModel) {
	for _, c := range s.codes {
		if !c.used && !c.revoked && now.Before(c.ExpiresAt) {
			out = append(out, c)
		}
	}
	return out
}

func (s *subjectModel) burn(c *codeModel) {
	for _, other := range s.codes {
		other.revoked = other.revoked || !other.used && other != c
	}
	c.used = true
}

// addressModel counts evaluated wrong tries in two windows.
type addressModel struct {
	hourBegan, dayBegan, pausedAt time.Time
	hour, day, pauses             int
}

func (a *addressModel) pausedUntil() time.Time {
	if a.pauses == 0 {
		return time.Time{}
	}
	return a.pausedAt.Add(min(time.Hour<<min(a.pauses-1, 5), 24*time.Hour))
}

// take says whether a try is evaluated, and counts it.
func (a *addressModel) take(now time.Time) bool {
	if a.pausedUntil().After(now) {
		return false
	}
	if !a.hourBegan.After(now.Add(-time.Hour)) {
		a.hourBegan, a.hour = now, 0
	}
	if !a.dayBegan.After(now.Add(-24 * time.Hour)) {
		a.dayBegan, a.day = now, 0
	}
	if a.hour < 10 && a.day < 20 {
		a.hour, a.day = a.hour+1, a.day+1
		return true
	}
	if now.Sub(a.pausedUntil()) > 24*time.Hour {
		a.pauses = 0
	}
	a.pauses, a.pausedAt = a.pauses+1, now
	a.hour, a.hourBegan, a.day = 0, now, min(a.day, 19)
	return false
}

type model struct {
	*house
	random    fuzztest.Dice
	run       string // begins every id and address of this run
	addresses map[string]*addressModel
	subjects  []*subjectModel
	fresh     int
}

// newModel has two subjects on each of two addresses.
func newModel(h *house, run string) *model {
	a, c := run+"a@b.test", run+"c@d.test"
	return &model{house: h, run: run, addresses: map[string]*addressModel{}, subjects: []*subjectModel{
		{p: PurposeSignin, id: run + "x_1", address: a}, {p: PurposeSignup, id: run + "x_1", address: a},
		{p: PurposeSignin, id: run + "x_2", address: c}, {p: PurposeSignup, id: run + "x_3", address: c},
	}}
}

func (m *model) step(dice fuzztest.Dice, name string) {
	m.random = dice
	s := m.subjects[m.random.IntN(len(m.subjects))]
	switch act := m.random.IntN(20); {
	case act < 5:
		m.make(s)
	case act < 11:
		m.guess(name, s, m.pick(s))
	case act < 13:
		m.guess(name, s, m.pick(m.subjects[m.random.IntN(len(m.subjects))]))
	case act < 14:
		m.link(name, s)
	case act < 16:
		m.parallel(name, s)
	case act < 17:
		m.Service = openHouse(m.t, m.db, m.clk).Service // the process starts anew: nothing is lost, nothing is gained
	case act < 18:
		m.fresh++
		s.id, s.tries, s.codes = fmt.Sprintf("%sx_new_%d", m.run, m.fresh), 0, nil
	default:
		m.clk.Advance([]time.Duration{time.Second, time.Minute, 7 * time.Minute, time.Hour, 3 * time.Hour, 30 * time.Hour}[m.random.IntN(6)])
	}
	m.clk.Advance(time.Millisecond)
}

func (m *model) make(s *subjectModel) {
	for _, c := range s.alive(time.Time{}) { // every unused one, ended or not
		if newest := s.alive(time.Time{}); c != newest[len(newest)-1] {
			c.revoked = true
		}
	}
	s.codes = append(s.codes, &codeModel{Made: m.makeCode(s.p, s.id)})
}

// pick is one of the subject's codes, of whatever age, or one that nobody made.
func (m *model) pick(s *subjectModel) string {
	if len(s.codes) == 0 || m.random.IntN(4) == 0 {
		return fmt.Sprintf("%06d", m.random.IntN(1_000_000))
	}
	return s.codes[m.random.IntN(len(s.codes))].Code
}

// predict is what the rules say, and does in the model what they do.
func (m *model) predict(s *subjectModel, digits string) error {
	now := m.clk.Now()
	if s.tries == 5 {
		return ErrTooManyTries
	}
	s.tries++
	a := m.addresses[s.address]
	if a == nil {
		a = &addressModel{}
		m.addresses[s.address] = a
	}
	if !a.take(now) {
		return ErrTooManyTries
	}
	for _, c := range s.alive(now) {
		if c.Code == digits {
			s.burn(c)
			a.hour, a.day = a.hour-1, a.day-1
			return nil
		}
	}
	for _, c := range s.codes {
		if c.Code == digits && !c.used && !c.revoked && now.Sub(c.ExpiresAt) < 2*time.Hour {
			return ErrCodeExpired
		}
	}
	return ErrCodeWrong
}

func (m *model) guess(name string, s *subjectModel, digits string) {
	want := m.predict(s, digits)
	require.ErrorIs(m.t, m.try(s.p, s.id, s.address, digits), want, "%s: %s %s", name, s.p, s.id)
}

func (m *model) link(name string, s *subjectModel) {
	if len(s.codes) == 0 {
		return
	}
	c := s.codes[m.random.IntN(len(s.codes))]
	var want error = ErrLinkSpent
	if !c.used && !c.revoked && m.clk.Now().Before(c.ExpiresAt) {
		want = nil
		s.burn(c)
	}
	err := m.db.InTx(context.Background(), func(tx *database.Tx) error { return m.Codes.ConsumeLink(tx, c.LinkToken, s.p, s.id) })
	require.ErrorIs(m.t, err, want, "%s: the link of %s", name, s.id)
}

// parallel types the newest code 16 times at once: one is accepted if any is, and no more are compared than tries are left.
func (m *model) parallel(name string, s *subjectModel) {
	if len(s.codes) == 0 {
		return
	}
	code := s.codes[len(s.codes)-1].Code
	const callers = 16
	got := make([]error, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() { got[i] = m.try(s.p, s.id, s.address, code) })
	}
	group.Wait()
	want, have := map[string]int{}, map[string]int{}
	for range callers {
		want[verdict(m.predict(s, code))]++
	}
	for _, err := range got {
		have[verdict(err)]++
	}
	// Whether an address's last tries are given back before the next one is counted depends on who is first, so only
	// what must hold for any order is compared.
	require.Equal(m.t, want["accepted"], have["accepted"], "%s: accepts at most once, and once if it can", name)
	require.LessOrEqual(m.t, callers-have["too many"], 5, "%s: never more than five are compared", name)
	m.learn(s)
}

func verdict(err error) string {
	switch {
	case err == nil:
		return "accepted"
	case errors.Is(err, ErrTooManyTries):
		return "too many"
	default:
		return "refused"
	}
}

// learn takes over what depends on the order of callers: the address's counts.
func (m *model) learn(s *subjectModel) {
	a := m.addresses[s.address]
	for scope, into := range map[string]struct {
		n     *int
		began *time.Time
	}{scopeHour: {&a.hour, &a.hourBegan}, scopeDay: {&a.day, &a.dayBegan}, scopePause: {&a.pauses, &a.pausedAt}} {
		row, err := one[tryRow](m.db.Read(context.Background()).Where("scope = ? AND scope_id = ?", scope, s.address))
		require.NoError(m.t, err)
		if row != nil {
			*into.n, *into.began = row.Tries, row.WindowStart.UTC()
		}
	}
}
