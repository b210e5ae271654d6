package signup

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fuzztest"
)

// TestWalk is security.md F05 and T25: three browsers do anything in any order, with each other's codes and addresses,
// and nobody comes past a step whose proof they have not given.
func TestWalk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
				w := newWalk(openHouse(t, db, clk, false), 0)
				dice := rand.New(rand.NewPCG(seed, 5))
				for range 150 {
					w.step(dice)
				}
				require.Positive(t, w.proofs, "a walk in which nobody proves anything shows nothing")
				require.Positive(t, w.sent)
			})
		})
	}
}

// FuzzWalk is TestWalk driven by a fuzzer, on SQLite. One house lasts for all its runs; each has addresses of its own.
func FuzzWalk(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 0, 2, 0, 6, 0})
	for seed := range uint64(4) {
		dice, tape := rand.New(rand.NewPCG(seed, 6)), make([]byte, 60)
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
			h = openHouse(t, db, clk, false)
		}
		runs++
		h.t, h.ctx = t, t.Context()
		w, dice := newWalk(h, runs), fuzztest.NewTape(tape[:min(len(tape), most)])
		for !dice.Ended() {
			w.step(dice)
		}
	})
}

// believed is what the model believes of one sign-up.
type believed struct {
	id, token string
	address   string
	codes     []letter // mailed for the address that is given now, oldest first
	proved    bool
	once      string // the address that was proved last
}

// knows says whether the browser's own mails hold this code or link.
func (b *believed) knows(code, link string) bool {
	return slices.ContainsFunc(b.codes, func(l letter) bool { return code != "" && l.code == code || link != "" && l.link == link })
}

type walk struct {
	*house
	browsers     []*believed
	addresses    []string
	seen         []letter // every code and link that has left
	proofs, sent int
}

func newWalk(h *house, run int) *walk {
	w := &walk{house: h}
	for i := range 2 {
		w.addresses = append(w.addresses, fmt.Sprintf("w%d-%d@fabrikam.de", run, i))
	}
	return w
}

func (w *walk) step(dice fuzztest.Dice) {
	w.t.Helper()
	w.clk.Advance(time.Second)
	act := dice.IntN(12)
	if act == 0 || len(w.browsers) == 0 {
		w.starts(dice)
		return
	}
	b := w.browsers[dice.IntN(len(w.browsers))]
	before := w.row(b.id)
	name, err := w.act(dice, act, b)
	if err != nil {
		_, known := fault.From(err)
		require.True(w.t, known, "%s: %v is no answer for a person", name, err)
		require.Equal(w.t, before, w.row(b.id), "%s failed with %v and changed something", name, err)
	}
	w.holds(name)
}

func (w *walk) starts(dice fuzztest.Dice) {
	w.t.Helper()
	row, token, err := w.Start(w.ctx, []string{"supplier", "visitor"}[dice.IntN(2)], "", "en", "")
	require.NoError(w.t, err)
	w.browsers = append(w.browsers, &believed{id: row.ID, token: token})
	w.browsers = w.browsers[max(0, len(w.browsers)-3):]
}

// act does one thing in the browser b and learns what it may believe.
func (w *walk) act(dice fuzztest.Dice, act int, b *believed) (name string, err error) {
	w.t.Helper()
	mailed := letter{code: "000000", link: "nobody"}
	if own := len(b.codes); own > 0 && dice.IntN(2) == 0 {
		mailed = b.codes[own-1]
	} else if len(w.seen) > 0 {
		mailed = w.seen[len(w.seen)-1-dice.IntN(min(len(w.seen), 4))]
	}
	switch act {
	case 1, 2:
		return "give", w.gives(b, w.addresses[dice.IntN(len(w.addresses))])
	case 3, 4, 5:
		return "type " + mailed.code, w.proves(b, mailed.code, "")
	case 6:
		return "press", w.proves(b, "", mailed.link)
	case 7:
		_, err = w.Keep(w.ctx, b.id, answers)
		require.False(w.t, err == nil && !b.proved, "a draft without proof")
		return "keep", err
	case 8:
		_, err = w.Submit(w.ctx, b.id, answers, nil)
		return "submit without agreeing", err
	case 9:
		w.clk.Advance([]time.Duration{time.Minute, 6 * time.Minute, 20 * time.Minute, 3 * time.Hour}[dice.IntN(4)])
		return "wait", nil
	default:
		r, err := w.Submit(w.ctx, b.id, answers, []flow.Consent{{Terms: "use", Version: "4"}})
		if err == nil {
			w.sent++
			require.True(w.t, b.proved, "a request without proof")
			require.Equal(w.t, b.address, r.Address, "a request of an address that another has proved")
		}
		return "submit", err
	}
}

// gives has a code mailed; an address that is given again has to be proved again.
func (w *walk) gives(b *believed, to string) error {
	_, err := w.GiveEmail(w.ctx, b.id, to, "en")
	if err != nil {
		return err
	}
	if b.proved = false; b.address != to {
		b.address, b.codes = to, nil
	}
	for _, l := range w.mails() {
		if l.to == to && l.code != "" {
			b.codes, w.seen = append(b.codes, l), append(w.seen, l)
		}
	}
	return nil
}

// proves types a code or presses a link. Only those of the browser's own mails may prove anything.
func (w *walk) proves(b *believed, code, link string) (err error) {
	fresh := ""
	if link != "" {
		_, fresh, err = w.pressLink(w.ctx, link, b.token)
	} else {
		_, fresh, err = w.Prove(w.ctx, b.id, code)
	}
	if err == nil && fresh != "" {
		b.token = fresh
		w.cookies.Store(b.id, fresh)
	}
	if err == nil && !b.proved {
		require.True(w.t, b.knows(code, link), "proved with %s%s, which was not mailed for this", code, link)
		b.proved, b.once, b.codes = true, b.address, nil
		w.proofs++
	}
	w.mails()
	return err
}

// holds is what must be so after every act, in every sign-up and in all requests.
func (w *walk) holds(act string) {
	w.t.Helper()
	for _, b := range w.browsers {
		row := w.row(b.id)
		past := row.Step == StepDetails || row.Step == StepRequest || row.RequestID != nil || row.ProvedAt != nil
		require.False(w.t, past && !b.proved && row.RequestID == nil, "past its proof after %s: %+v", act, row)
		require.False(w.t, len(row.Answers.V) > 0 && b.once != row.Address, "answers of an address that was not proved, after %s", act)
		if row.RequestID != nil {
			r, err := w.Approvals.ByID(w.ctx, *row.RequestID)
			require.NoError(w.t, err)
			require.Equal(w.t, row.Address, r.Address, "somebody else's request after %s", act)
		}
	}
	for _, address := range w.addresses {
		require.Zero(w.t, w.count(`requests r JOIN signups s ON s.id = r.source_id WHERE r.address = ? AND NOT EXISTS
			(SELECT 1 FROM audit_events a WHERE a.target = s.id AND a.name = 'signup.proved')`, address), "a request without proof after %s", act)
		require.LessOrEqual(w.t, w.count("directory_users WHERE address = ?", address), 1)
	}
}
