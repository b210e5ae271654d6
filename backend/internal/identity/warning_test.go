package identity

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

// warnings composes what was ordered and tells how many warnings there were, and to whom.
func (h *house) warnings() (ordered int, to []string) {
	h.t.Helper()
	h.post.mu.Lock()
	orders := slices.Clone(h.post.orders)
	h.post.mu.Unlock()
	for _, o := range orders {
		if o.Kind != kindWarning {
			continue
		}
		ordered++
		letter, err := h.writeWarning(context.Background(), o.Payload.(warningOrder))
		require.NoError(h.t, err)
		if letter != nil {
			to = append(to, o.To.String())
		}
	}
	return ordered, to
}

func (h *house) wrongTries(n int, p Purpose, address string) {
	h.t.Helper()
	for i := range n {
		try := Try{Purpose: p, SubjectID: "x_" + address + h.ids.New("t") + strconv.Itoa(i), Address: address}
		if err := h.Codes.CountTry(context.Background(), try); err != nil {
			require.ErrorIs(h.t, err, ErrTooManyTries)
			continue
		}
		require.NoError(h.t, h.NoteWrong(context.Background(), try))
	}
}

// TestWarning_onceADayToThePerson is T28's last sentence: the owner is told at the tenth wrong code, once a day, however
// they are spread over sign-ups, sign-ins and hours.
func TestWarning_onceADayToThePerson(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.guest("Maria@fabrikam.test", nil)
		h.wrongTries(5, PurposeSignup, maria)
		clk.Advance(3 * time.Hour)
		h.wrongTries(4, PurposeSignin, maria)
		ordered, _ := h.warnings()
		require.Zero(t, ordered, "nine")
		h.wrongTries(1, PurposeSignin, maria)
		_, to := h.warnings()
		require.Equal(t, []string{"Maria@fabrikam.test"}, to, "ten: to the address as it is kept")
		clk.Advance(2 * time.Hour)
		h.wrongTries(40, PurposeSignin, maria)
		ordered, _ = h.warnings()
		require.Equal(t, 1, ordered, "one is enough for a day")
		require.Contains(t, h.events(), "identity.codes_paused")

		for range 23 {
			clk.Advance(time.Hour)
			h.wrongTries(40, PurposeSignin, maria)
		}
		clk.Advance(24 * time.Hour)
		h.wrongTries(40, PurposeSignin, maria)
		ordered, _ = h.warnings()
		require.LessOrEqual(t, ordered, 3, "one a day at most")
		require.GreaterOrEqual(t, ordered, 2, "and again on another day")
		warned := slices.DeleteFunc(h.events(), func(name string) bool { return name != "identity.many_wrong_codes" })
		require.Len(t, warned, ordered)
	})
}

// TestWarning_tellsNobodyElse: for an address of nobody, or of somebody who may not come in, the same happens, and no
// mail comes of it. A person's own slips on a known device warn nobody.
func TestWarning_tellsNobodyElse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.guest(maria, nil)
		h.disable(h.guest("gone@fabrikam.test", nil))
		for i, address := range []string{maria, "nobody@fabrikam.test", "gone@fabrikam.test"} {
			before := h.rows("audit_events")
			h.wrongTries(10, PurposeSignup, address)
			ordered, to := h.warnings()
			require.Equal(t, i+1, ordered, address)
			require.Equal(t, []string{maria}, to)
			require.EqualValues(t, 10+1, h.rows("audit_events")-before, "%s: each try, and the warning", address)
		}

		clk.Advance(25 * time.Hour)
		h.forgetsOrders()
		b := h.browser()
		b.signsIn(maria)
		for range 12 {
			clk.Advance(2 * time.Hour)
			b.asks(maria)
			letter := h.nextMail()
			b.enters(wrong(letter.Code))
			b.enters(letter.Code)
		}
		ordered, _ := h.warnings()
		require.Zero(t, ordered)
	})
}

// TestWarning_onceAmongMany: tries at the same moment, on two replicas, warn once.
func TestWarning_onceAmongMany(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		one := openHouse(t, db, clk)
		replicas := []*house{one, openHouse(t, db, clk)}
		one.guest(maria, nil)
		var group sync.WaitGroup
		for i := range 40 {
			group.Go(func() {
				h := replicas[i%2]
				try := Try{Purpose: PurposeSignin, SubjectID: "sin_" + strconv.Itoa(i), Address: maria}
				if h.Codes.CountTry(context.Background(), try) == nil {
					if err := h.NoteWrong(context.Background(), try); err != nil {
						t.Errorf("note: %v", err)
					}
				}
			})
		}
		group.Wait()
		sum := 0
		for _, h := range replicas {
			n, _ := h.warnings()
			sum += n
		}
		require.Equal(t, 1, sum)
	})
}

// TestSignin_pressedTwice: two presses of the right code from one browser are both answered with the one session, at the
// same time and one after the other; the tries are not charged for it, and anybody else gets nothing.
func TestSignin_pressedTwice(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.member("i.vogel@contoso.com")
		b := h.browser()
		b.asks("i.vogel@contoso.com")
		letter := h.nextMail()
		holds := Holds{Signin: b.cookies["__Host-vestibule_signin"]}
		var tokens sync.Map
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				done, err := h.FinishSignin(context.Background(), letter.Code, holds)
				if err != nil {
					t.Errorf("pressed at once: %v", err)
				}
				tokens.Store(done.Token, true)
			})
		}
		group.Wait()
		n := 0
		tokens.Range(func(token, _ any) bool {
			n++
			_, err := h.Session(context.Background(), token.(string))
			require.NoError(t, err)
			return true
		})
		require.Equal(t, 1, n, "one session for all")
		require.EqualValues(t, 1, h.rows("identity_sessions"))
		require.Equal(t, []string{"identity.signed_in"}, h.events())
		left, err := triesOf(h, scopeHour, "i.vogel@contoso.com")
		require.NoError(t, err)
		require.Zero(t, left)

		_, err = h.FinishSignin(context.Background(), wrong(letter.Code), holds)
		require.ErrorIs(t, err, ErrSigninGone, "a wrong code after the right one is no second press")
		_, err = h.FinishSignin(context.Background(), letter.Code, Holds{Signin: "another"})
		require.ErrorIs(t, err, ErrSigninGone, "another browser")
		clk.Advance(AgainWithin)
		_, err = h.FinishSignin(context.Background(), letter.Code, holds)
		require.ErrorIs(t, err, ErrSigninGone, "ten seconds later it is a used code")
	})
}

// TestSignin_pressedTwiceAfterTheEnd: a session that ended is not brought back.
func TestSignin_pressedTwiceAfterTheEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.member("i.vogel@contoso.com")
		b := h.browser()
		b.asks("i.vogel@contoso.com")
		letter := h.nextMail()
		before := b.cookies["__Host-vestibule_signin"]
		require.Equal(t, http.StatusOK, b.enters(letter.Code).status)
		require.Equal(t, http.StatusNoContent, b.post("/api/v1/signout", nil).status)
		b.cookies["__Host-vestibule_signin"] = before
		require.Equal(t, "signin_gone", b.enters(letter.Code).code())
		require.Equal(t, http.StatusUnauthorized, b.get("/api/v1/me").status)
	})
}

// TestNoteWrong_WhoHangsUpIsWrittenDown: a program that leaves before it is answered leaves the row all the same.
func TestNoteWrong_WhoHangsUpIsWrittenDown(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		gone, leave := context.WithCancel(context.Background())
		leave()
		require.NoError(t, h.NoteWrong(gone, Try{Purpose: PurposeSignup, SubjectID: "sgn_1", Address: maria}))
		require.Equal(t, []string{"identity.code_refused"}, h.events())
	})
}
