package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

func (h *house) makeCode(p Purpose, subject string) (made Made) {
	h.t.Helper()
	h.inTx(func(tx *database.Tx) (err error) {
		made, err = h.Codes.Make(tx, p, subject)
		return err
	})
	return made
}

// try is what a surface does with a typed code: count, then consume.
func (h *house) try(p Purpose, subject, address, code string) error {
	if err := h.Codes.CountTry(context.Background(), Try{Purpose: p, SubjectID: subject, Address: address}); err != nil {
		return err
	}
	return h.db.InTx(context.Background(), func(tx *database.Tx) error { return h.Codes.Consume(tx, p, subject, code) })
}

const maria = "maria@fabrikam.test"

func TestCodes_twoNewestCountAndOneIsEnough(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		var made []Made
		for range 3 {
			made = append(made, h.makeCode(PurposeSignup, "sgn_1"))
			clk.Advance(30 * time.Second)
		}
		require.ErrorIs(t, h.try(PurposeSignup, "sgn_1", maria, made[0].Code), ErrCodeWrong, "the third oldest is replaced")
		require.NoError(t, h.try(PurposeSignup, "sgn_1", maria, made[1].Code), "the second newest counts")
		require.ErrorIs(t, h.try(PurposeSignup, "sgn_1", maria, made[1].Code), ErrCodeWrong, "once")
		require.ErrorIs(t, h.try(PurposeSignup, "sgn_1", maria, made[2].Code), ErrCodeWrong, "its sibling is burnt with it")
		info, err := h.Codes.Describe(context.Background(), made[2].LinkToken)
		require.NoError(t, err)
		require.Equal(t, LinkUsed, info.State)
	})
}

func TestCodes_belongToOnePurposeAndSubject(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		made := h.makeCode(PurposeSignup, "same_1")
		for _, tc := range []struct {
			name    string
			p       Purpose
			subject string
		}{
			{"a sign-up's code at sign-in", PurposeSignin, "same_1"},
			{"another sign-up's code", PurposeSignup, "same_2"},
		} {
			require.ErrorIs(t, h.try(tc.p, tc.subject, "x@y.test", made.Code), ErrCodeWrong, tc.name)
			err := h.db.InTx(context.Background(), func(tx *database.Tx) error { return h.Codes.ConsumeLink(tx, made.LinkToken, tc.p, tc.subject) })
			require.ErrorIs(t, err, ErrLinkSpent, tc.name)
		}
		n, err := triesOf(h, scopeHour, "x@y.test")
		require.NoError(t, err)
		require.Equal(t, 2, n, "both were charged")
		require.NoError(t, h.try(PurposeSignup, "same_1", maria, made.Code), "and neither consumed it")
		n, err = triesOf(h, scopeHour, maria)
		require.NoError(t, err)
		require.Zero(t, n, "a right code does not count against the address")
	})
}

func triesOf(h *house, scope, id string) (int, error) {
	row, err := one[tryRow](h.db.Read(context.Background()).Where("scope = ? AND scope_id = ?", scope, id))
	if err != nil || row == nil {
		return 0, err
	}
	return row.Tries, nil
}

func TestCodes_expire(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		made := h.makeCode(PurposeSignin, "sin_1")
		clk.Advance(10*time.Minute - time.Microsecond)
		require.ErrorIs(t, h.try(PurposeSignin, "sin_1", maria, wrong(made.Code)), ErrCodeWrong)
		info, err := h.Codes.Describe(context.Background(), made.LinkToken)
		require.NoError(t, err)
		require.Equal(t, LinkReady, info.State, "the last instant before the end")

		clk.Advance(time.Microsecond)
		err = h.try(PurposeSignin, "sin_1", maria, made.Code)
		require.ErrorIs(t, err, ErrCodeExpired, "right, and late")
		f, _ := fault.From(err)
		require.Equal(t, "2026-03-01T09:10:00Z", f.Members()["endedAt"])
		require.ErrorIs(t, h.try(PurposeSignin, "sin_1", maria, wrong(made.Code)), ErrCodeWrong, "wrong codes are never called expired")
		info, err = h.Codes.Describe(context.Background(), made.LinkToken)
		require.NoError(t, err)
		require.Equal(t, LinkExpired, info.State)
		require.Empty(t, info.Code)
		err = h.db.InTx(context.Background(), func(tx *database.Tx) error {
			return h.Codes.ConsumeLink(tx, made.LinkToken, PurposeSignin, "sin_1")
		})
		require.ErrorIs(t, err, ErrLinkSpent)

		clk.Advance(2 * time.Hour)
		require.ErrorIs(t, h.try(PurposeSignin, "sin_1", maria, made.Code), ErrCodeWrong, "later it is merely wrong")
	})
}

// TestCodes_storedInNoReadableForm: who has the tables has no code (T33).
func TestCodes_storedInNoReadableForm(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		made := h.makeCode(PurposeSignin, "sin_1")
		row, err := one[code](db.Read(context.Background()).Where("subject_id = ?", "sin_1"))
		require.NoError(t, err)
		for name, column := range map[string][]byte{"code_mac": row.CodeMac, "link_hash": row.LinkHash, "sealed_code": row.SealedCode} {
			require.NotContains(t, string(column), made.Code, name)
			require.NotContains(t, string(column), made.LinkToken, name)
			require.GreaterOrEqual(t, len(column), 32, name)
		}
	})
}

// TestCodes_guessesInParallel: 200 wrong ones and the right one at once, through two replicas, are at most five
// evaluations (T28).
func TestCodes_guessesInParallel(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		one := openHouse(t, db, clk)
		replicas := []*house{one, openHouse(t, db, clk)}
		made := one.makeCode(PurposeSignin, "sin_1")
		var evaluated, accepted, refused atomic.Int64
		var group sync.WaitGroup
		for i := range 201 {
			group.Go(func() {
				guess := fmt.Sprintf("%06d", i)
				if i == 100 || guess == made.Code {
					guess = made.Code
				}
				switch err := replicas[i%2].try(PurposeSignin, "sin_1", maria, guess); {
				case err == nil:
					accepted.Add(1)
					evaluated.Add(1)
				case errors.Is(err, ErrCodeWrong):
					evaluated.Add(1)
				case errors.Is(err, ErrTooManyTries):
					refused.Add(1)
				default:
					t.Errorf("unexpected: %v", err)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 5, evaluated.Load())
		require.EqualValues(t, 196, refused.Load())
		require.LessOrEqual(t, accepted.Load(), int64(1))
		require.ErrorIs(t, one.try(PurposeSignin, "sin_1", maria, made.Code), ErrTooManyTries, "the right one is refused as well by now")
	})
}

// TestCodes_guessesOverManySubjects: fresh sign-ins from many places do not give fresh tries at an address (T28).
func TestCodes_guessesOverManySubjects(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		round := 0
		guess := func(subjects int) (evaluated int) { // five tries each
			round++
			for subject := range subjects {
				for range 5 {
					err := h.try(PurposeSignin, fmt.Sprintf("sin_%d_%d", round, subject), maria, "000000")
					if errors.Is(err, ErrCodeWrong) {
						evaluated++
						continue
					}
					require.ErrorIs(t, err, ErrTooManyTries)
				}
			}
			return evaluated
		}
		require.Equal(t, 10, guess(40), "ten an hour")
		mine := h.makeCode(PurposeSignin, "sin_mine")
		require.ErrorIs(t, h.try(PurposeSignin, "sin_mine", maria, mine.Code), ErrTooManyTries, "the cool-down holds for the right code too")
		other := h.makeCode(PurposeSignin, "sin_other")
		require.NoError(t, h.try(PurposeSignin, "sin_other", "lukas@fabrikam.test", other.Code), "other addresses go on")

		var seen []int
		for range 26 { // hour by hour
			clk.Advance(time.Hour)
			seen = append(seen, guess(3))
		}
		require.Equal(t, []int{10, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, seen[:15], "cool-downs of 1, 2, 4, 8 hours")
		total := 10
		for _, n := range seen[:23] {
			total += n
		}
		require.LessOrEqual(t, total, 24, "about twenty within a day")

		clk.Advance(7 * 24 * time.Hour)
		fresh := h.makeCode(PurposeSignin, "sin_fresh")
		require.NoError(t, h.try(PurposeSignin, "sin_fresh", maria, fresh.Code), "after the storm the owner comes in")
	})
}

func TestCodes_houseBudget(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := openHouse(t, db, clk)
	h.inTx(func(tx *database.Tx) error {
		return putTry(tx, tryRow{Scope: scopeHouse, Tries: triesOfHouse - 1, WindowStart: tx.Now})
	})
	made := h.makeCode(PurposeSignin, "sin_1")
	require.NoError(t, h.try(PurposeSignin, "sin_1", maria, made.Code), "the thousandth is evaluated, and a right one is given back")
	require.ErrorIs(t, h.try(PurposeSignin, "sin_2", "a@b.test", "000000"), ErrCodeWrong)
	err := h.try(PurposeSignin, "sin_3", "c@d.test", "000000")
	require.ErrorIs(t, err, ErrTooManyTries, "over all addresses")
	f, _ := fault.From(err)
	require.Equal(t, time.Hour, f.Wait())
	require.Equal(t, "10:00 UTC", f.Members()["clock"])
	require.Equal(t, []string{"identity.code_refused"}, h.events(), "and it is written down, although nothing was compared")
	clk.Advance(time.Hour)
	require.ErrorIs(t, h.try(PurposeSignin, "sin_3", "c@d.test", "000000"), ErrCodeWrong)
}

func TestCodes_consumeWithoutCountingIsAMistakeOfOurs(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := openHouse(t, db, clk)
	made := h.makeCode(PurposeSignin, "sin_1")
	err := db.InTx(context.Background(), func(tx *database.Tx) error { return h.Codes.Consume(tx, PurposeSignin, "sin_1", made.Code) })
	require.ErrorIs(t, err, errUncounted)
	_, known := fault.From(err)
	require.False(t, known, "it is answered as internal_error")
}

// TestSignin_afterTooManyTries: the page of a spent sign-in can start again with the same browser and address.
func TestSignin_afterTooManyTries(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.guest(maria, nil)
		b := h.browser()
		b.asks(maria)
		code := h.nextMail().Code
		for range 5 {
			require.Equal(t, "code_wrong", b.enters(wrong(code)).code())
		}
		a := b.enters(code)
		require.Equal(t, http.StatusTooManyRequests, a.status, "five wrong, then the right one")
		require.Equal(t, "too_many_tries", a.code())
		require.Equal(t, "60", a.header.Get("Retry-After"))
		require.Contains(t, string(a.body), "09:01 UTC")

		clk.Advance(time.Minute)
		again := b.asks(maria)
		require.NotEmpty(t, again.cookies, "a new sign-in")
		require.Equal(t, http.StatusOK, b.enters(h.nextMail().Code).status)
		want := slices.Repeat([]string{"identity.code_refused"}, 6)
		require.Equal(t, append(want, "identity.signed_in"), h.events())
	})
}
