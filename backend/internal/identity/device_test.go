package identity

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

const deviceCookie = "__Host-vestibule_device"

// exhausts is what a stranger does: wrong codes for the address, from many places, until it takes none.
func (h *house) exhausts(address string) {
	h.t.Helper()
	for i := range 3 {
		stranger := h.browser()
		stranger.address = "203.0.113." + strconv.Itoa(i+1) + ":80"
		stranger.asks(address)
		for range 5 {
			stranger.enters("000000")
		}
	}
}

func (h *house) forgetsOrders() {
	h.post.mu.Lock()
	defer h.post.mu.Unlock()
	h.post.orders = nil
}

// TestDevice_theOwnerComesInWhileStrangersCoolDown is T29: the person signs in where they did before, by typing a code,
// while the address takes none from anybody else and its mailbox has had its share of mails.
func TestDevice_theOwnerComesInWhileStrangersCoolDown(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.guest(maria, nil)
		h.guest("lukas@fabrikam.test", nil)
		owner, lukas := h.browser(), h.browser()
		owner.signsIn(maria)
		lukas.signsIn("lukas@fabrikam.test")
		clk.Advance(time.Hour)
		owner.post("/api/v1/signin", map[string]any{"email": maria}) // her own session goes on meanwhile
		h.forgetsOrders()
		h.exhausts(maria)
		h.forgetsOrders()
		clk.Advance(time.Minute)

		elsewhere := h.browser()
		elsewhere.asks(maria)
		require.Nil(t, h.nextMail(), "the mailbox has had its share")
		require.Equal(t, "too_many_tries", elsewhere.enters("000000").code(), "strangers cool down")
		lukas.asks(maria)
		require.Nil(t, h.nextMail(), "another person's device is no device of hers")
		require.Equal(t, "too_many_tries", lukas.enters("000000").code())

		clk.Advance(time.Minute)
		owner.asks(maria)
		letter := h.nextMail()
		require.NotNil(t, letter, "her own device has mails of its own")
		require.Equal(t, "code_wrong", owner.enters(wrong(letter.Code)).code())
		before := owner.cookies[deviceCookie]
		require.Equal(t, http.StatusOK, owner.enters(letter.Code).status, "and tries of its own")
		require.NotEqual(t, before, owner.cookies[deviceCookie], "the mark is a new one after each use")
		require.EqualValues(t, 2, h.rows("identity_devices"), "in the same row")

		require.Equal(t, "too_many_tries", elsewhere.enters("000000").code(), "nothing got better for strangers")
	})
}

// TestDevice_hasASmallShare: who steals the mark gets few tries with it, and no cheaper ones.
func TestDevice_hasASmallShare(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.guest(maria, nil)
		b := h.browser()
		b.signsIn(maria)
		evaluated := 0
		for hour := range 12 {
			clk.Advance(time.Hour)
			for i := range 3 {
				row := "sin_" + strconv.Itoa(hour) + "_" + strconv.Itoa(i)
				for range 5 {
					err := h.Codes.CountTry(context.Background(), Try{PurposeSignin, row, maria, b.cookies[deviceCookie]})
					if err == nil {
						evaluated++
					}
				}
			}
		}
		require.LessOrEqual(t, evaluated, 13, "five an hour, ten a day, then one after each cool-down")
		require.GreaterOrEqual(t, evaluated, 10)
		n, err := triesOf(h, scopeHour, maria)
		require.NoError(t, err)
		require.Zero(t, n, "the address has not paid for it")
	})
}

// TestDevice_worksWhileTheHouseIsClosed: a thousand wrong codes an hour close typing for strangers only.
func TestDevice_worksWhileTheHouseIsClosed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.guest(maria, nil)
		h.guest("lukas@fabrikam.test", nil)
		owner, stranger := h.browser(), h.browser()
		owner.signsIn(maria)
		clk.Advance(time.Minute)
		h.inTx(func(tx *database.Tx) error {
			return putTry(tx, tryRow{Scope: scopeHouse, Tries: triesOfHouse, WindowStart: tx.Now})
		})
		stranger.asks("lukas@fabrikam.test")
		link := h.nextMail()
		require.Equal(t, "too_many_tries", stranger.enters(link.Code).code())
		_, err := h.finishByLink(context.Background(), linkToken(link), Holds{Signin: stranger.cookies["__Host-vestibule_signin"]})
		require.NoError(t, err, "the mailed link is no guess: it goes on working where they began")
		owner.signsIn(maria)
	})
}

// TestDevice_isForgotten: with the last sign-in 30 days ago, with "end all sessions", for another person in the same
// browser, and for a disabled person.
func TestDevice_isForgotten(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		guest, other := h.guest(maria, nil), h.guest("lukas@fabrikam.test", nil)
		known := func(token, address string) bool {
			id, err := knownDevice(db.Read(context.Background()), db.Now(), token, address)
			require.NoError(t, err)
			return id != ""
		}
		b := h.browser()
		b.signsIn(maria)
		token := b.cookies[deviceCookie]
		require.True(t, known(token, maria))
		require.False(t, known("", maria))
		require.False(t, known(token[1:]+"x", maria))
		require.False(t, known(token, other.Address), "it is one person's")
		b.post("/api/v1/signout", nil)
		require.True(t, known(token, maria), "signing out here is no reason to distrust this browser")

		clk.Advance(deviceLife - time.Second)
		require.True(t, known(token, maria))
		clk.Advance(time.Second)
		require.False(t, known(token, maria), "30 days are over")

		b.signsIn(maria)
		token = b.cookies[deviceCookie]
		clk.Advance(time.Minute)
		b.signsIn(other.Address)
		require.False(t, known(token, maria), "the browser is another person's now")
		require.True(t, known(b.cookies[deviceCookie], other.Address))

		clk.Advance(time.Hour)
		b.signsIn(maria)
		h.inTx(func(tx *database.Tx) error { return h.EndSessions(tx, guest.ID) })
		require.False(t, known(b.cookies[deviceCookie], maria), "ended everywhere")

		clk.Advance(time.Hour)
		b.signsIn(maria)
		h.disable(guest)
		require.False(t, known(b.cookies[deviceCookie], maria), "disabled")
		var hashes []string
		require.NoError(t, db.Read(context.Background()).Raw("SELECT token_hash FROM identity_devices").Scan(&hashes).Error)
		for _, hash := range hashes {
			require.NotContains(t, hash, b.cookies[deviceCookie])
		}
	})
}
