package identity

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

func TestSignin_aGuestComesIn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		ends := clk.Now().Add(30 * 24 * time.Hour)
		guest := h.guest("Maria@fabrikam.test", &ends)
		b := h.browser()
		require.Equal(t, "not_signed_in", b.get("/api/v1/me").code())

		asked := b.post("/api/v1/signin", map[string]any{"email": "maria@FABRIKAM.test ", "returnTo": "/apps?from=mail"})
		require.JSONEq(t, `{"next":"code","codeLength":6,"expiresAt":"2026-03-01T09:10:00Z","resendAt":"2026-03-01T09:00:30Z"}`, string(asked.body))
		require.Equal(t, []string{"__Host-vestibule_signin"}, asked.cookies)

		clk.Advance(5 * time.Minute) // the mail server was slow: the code's time begins now
		letter := h.nextMail()
		clk.Advance(9 * time.Minute)
		done := b.enters(" " + letter.Code[:3] + " " + letter.Code[3:])
		require.Equal(t, http.StatusOK, done.status, "%s", done.body)
		var shown SignedIn
		done.into(t, &shown)
		require.Equal(t, "/apps?from=mail", shown.Next)
		require.Equal(t, guest.ID, shown.Me.Id)
		require.NotContains(t, b.cookies, "__Host-vestibule_signin", "the sign-in is over")
		require.Equal(t, []string{"identity.signed_in"}, h.events())

		me := b.get("/api/v1/me")
		require.Equal(t, http.StatusOK, me.status)
		require.JSONEq(t, `{"id":"`+guest.ID+`","kind":"guest","name":"Maria Lindqvist","givenName":"Maria","email":"Maria@fabrikam.test",
			"organisation":"Fabrikam","endsAt":"2026-03-31T09:00:00Z","roles":[],"rights":[]}`, string(me.body))
		user, err := h.people.ByID(context.Background(), guest.ID)
		require.NoError(t, err)
		require.Equal(t, clk.Now(), user.LastSignInAt.UTC())

		require.Equal(t, http.StatusNoContent, b.post("/api/v1/signout", nil).status)
		require.Equal(t, http.StatusUnauthorized, b.get("/api/v1/me").status)
		require.Equal(t, []string{"identity.signed_in", "identity.signed_out"}, h.events())
	})
}

// TestSignOut_theBrowserForgets: who comes to a shared machine next finds nothing of the person before (T15). Only the
// mark of the known device stays.
func TestSignOut_theBrowserForgets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.guest(maria, nil)
		b := h.browser()
		b.signsIn(maria)
		for _, name := range []string{"__Host-vestibule_signup", "__Host-vestibule_signin", "__Host-vestibule_link"} {
			b.cookies[name] = strings.Repeat("a", 43)
		}
		require.Len(t, b.cookies, 5)
		require.Equal(t, http.StatusNoContent, b.post("/api/v1/signout", nil).status)
		require.Len(t, b.cookies, 1, "%v", b.cookies)
		require.Contains(t, b.cookies, "__Host-vestibule_device")
	})
}

func TestSignin_aMemberBeginsAtTheInbox(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.member("i.vogel@contoso.com", RoleAdmin)
		b := h.browser()
		b.post("/api/v1/signin", map[string]any{"email": "i.vogel@contoso.com", "returnTo": "//evil.test"})
		var shown SignedIn
		b.enters(h.nextMail().Code).into(t, &shown)
		require.Equal(t, "/inbox", shown.Next, "a return to elsewhere is forgotten")
		require.Equal(t, []MeRoles{"admin"}, shown.Me.Roles)
		require.Equal(t, []MeRights{"approver", "directory", "flows", "operations"}, shown.Me.Rights)
	})
}

// TestSignin_sixKindsOfAddress: the answer, the work and the rows are the same; what differs is the mail (T24).
func TestSignin_sixKindsOfAddress(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		ended := clk.Now().Add(-time.Hour)
		h.guest("guest@fabrikam.test", nil)
		h.member("member@contoso.test")
		h.guest("ended@fabrikam.test", &ended)
		h.disable(h.guest("disabled@fabrikam.test", nil))
		waiting := h.guest("waiting@fabrikam.test", nil)
		h.inTx(func(tx *database.Tx) error {
			return tx.Exec("UPDATE directory_users SET external_user_state = 'PendingAcceptance' WHERE id = ?", waiting.ID).Error
		})
		for range 3 { // the mailbox's share of ten minutes
			h.browser().asks("throttled@fabrikam.test")
			h.nextMail()
		}
		statements := countStatements(t, h)

		var first answer
		var firstWork int
		for i, tc := range []struct {
			address string
			wantsIn string // what the heading of the mail speaks of; empty: no mail
		}{
			{"guest@fabrikam.test", "sign-in code"},
			{"member@contoso.test", "sign-in code"},
			{"unknown@fabrikam.test", "no access"},
			{"waiting@fabrikam.test", "no access"},
			{"ended@fabrikam.test", "ended"},
			{"disabled@fabrikam.test", "ended"},
			{"throttled@fabrikam.test", ""},
		} {
			before, rows := *statements, h.rows("identity_signins")
			a := h.browser().asks(tc.address)
			work := *statements - before
			require.EqualValues(t, 1, h.rows("identity_signins")-rows, tc.address)
			require.Len(t, h.post.orders, 1, "%s: one order, whoever it is", tc.address)
			if i == 0 {
				first, firstWork = a, work
			}
			require.Equal(t, string(first.body), string(a.body), tc.address)
			require.Equal(t, shape(first.header), shape(a.header), tc.address)
			if tc.wantsIn != "" { // an exhausted budget reads when it will be full again: three look-ups by key more
				require.Equal(t, firstWork, work, "%s: the same number of statements", tc.address)
			}
			checkLetter(t, h, tc.address, tc.wantsIn)
		}
	})
}

func checkLetter(t *testing.T, h *house, address, wants string) {
	t.Helper()
	letter := h.nextMail()
	if wants == "" {
		require.Nil(t, letter, address)
		return
	}
	require.NotNil(t, letter, address)
	require.Equal(t, wants == "sign-in code", letter.Code != "", address)
	require.Equal(t, wants == "sign-in code", letter.Button == "", address)
}

// shape is a header without what is random in it.
func shape(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		out[name] = strings.Join(values, "\n")
	}
	out["Request-Id"] = ""
	out["Set-Cookie"] = regexp.MustCompile(`=[\w-]{43};`).ReplaceAllString(out["Set-Cookie"], "=…;")
	return out
}

// countStatements counts what goes to the database through the writing handle.
func countStatements(t *testing.T, h *house) *int {
	t.Helper()
	n := new(int)
	count := func(*gorm.DB) { *n++ }
	h.inTx(func(tx *database.Tx) error {
		cb := tx.Callback()
		require.NoError(t, cb.Create().Before("*").Register("test:create", count))
		require.NoError(t, cb.Query().Before("*").Register("test:query", count))
		require.NoError(t, cb.Update().Before("*").Register("test:update", count))
		require.NoError(t, cb.Raw().Before("*").Register("test:raw", count))
		require.NoError(t, cb.Row().Before("*").Register("test:row", count))
		return nil
	})
	return n
}

func TestSignin_resend(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.member("i.vogel@contoso.com")
		b := h.browser()
		b.asks("i.vogel@contoso.com")
		one := h.nextMail().Code
		early := b.post("/api/v1/signin", map[string]any{"email": "i.vogel@contoso.com"})
		require.Equal(t, "resend_too_soon", early.code())
		require.Equal(t, http.StatusTooManyRequests, early.status)
		require.NotEmpty(t, early.header.Get("Retry-After"))
		require.Contains(t, string(early.body), "in 30 seconds")

		clk.Advance(30 * time.Second)
		again := b.asks("i.vogel@contoso.com")
		require.Empty(t, again.cookies, "the browser keeps the sign-in it has")
		two := h.nextMail().Code
		require.NotEqual(t, one, two)
		clk.Advance(59 * time.Second)
		require.Equal(t, "resend_too_soon", b.post("/api/v1/signin", map[string]any{"email": "i.vogel@contoso.com"}).code())
		clk.Advance(time.Second)
		b.asks("i.vogel@contoso.com")
		three := h.nextMail().Code

		require.Equal(t, "code_wrong", b.enters(one).code(), "two newer ones came after it")
		require.Equal(t, http.StatusOK, b.enters(two).status, "mails overtake each other: the second newest counts")
		require.Equal(t, "signin_gone", b.enters(three).code(), "used codes burn their siblings and end the sign-in")
	})
}

func TestSignin_onlyInTheBrowserThatBegan(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.member("i.vogel@contoso.com")
		b, other, third := h.browser(), h.browser(), h.browser()
		b.asks("i.vogel@contoso.com")
		letter := h.nextMail()
		other.asks("i.vogel@contoso.com")
		require.Equal(t, "code_wrong", other.enters(letter.Code).code(), "a code of another sign-in, although of the same address")
		require.Equal(t, "signin_gone", third.enters(letter.Code).code(), "no sign-in at all")
		require.Equal(t, http.StatusOK, b.enters(letter.Code).status, "the tries elsewhere have not used it up")
	})
}

func TestSignin_byLink(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.member("i.vogel@contoso.com")
		ctx := context.Background()
		b, other := h.browser(), h.browser()
		b.asks("i.vogel@contoso.com")
		letter := h.nextMail()
		token := linkToken(letter)
		held := b.cookies["__Host-vestibule_signin"]

		for range 3 { // scanners and people look as often as they like
			info, err := h.Codes.Describe(ctx, token)
			require.NoError(t, err)
			require.Equal(t, LinkInfo{
				State: LinkReady, Purpose: PurposeSignin, SubjectID: info.SubjectID, Code: letter.Code, ExpiresAt: clk.Now().Add(10 * time.Minute),
			}, info)
			mine, err := h.DescribeSignin(ctx, info.SubjectID, held)
			require.NoError(t, err)
			require.Equal(t, SigninShown{SameBrowser: true, Mail: "i.vogel@contoso.com", Origin: "Chrome on Windows", AskedAt: mine.AskedAt}, mine)
			theirs, err := h.DescribeSignin(ctx, info.SubjectID, "another")
			require.NoError(t, err)
			require.False(t, theirs.SameBrowser)
		}
		_, err := h.finishByLink(ctx, token, Holds{})
		require.ErrorIs(t, err, ErrOtherBrowser, "a browser that holds nothing")
		other.asks("i.vogel@contoso.com")
		_, err = h.finishByLink(ctx, token, Holds{Signin: other.cookies["__Host-vestibule_signin"]})
		require.ErrorIs(t, err, ErrOtherBrowser, "a browser with a sign-in of its own")

		done, err := h.finishByLink(ctx, token, Holds{Signin: held})
		require.NoError(t, err)
		_, err = h.Session(ctx, done.Token)
		require.NoError(t, err)
		_, err = h.finishByLink(ctx, token, Holds{Signin: held})
		require.ErrorIs(t, err, ErrLinkSpent, "once")
		clk.Advance(AgainWithin)
		require.Equal(t, "signin_gone", b.enters(letter.Code).code(), "the code went with the link")
		info, err := h.Codes.Describe(ctx, token)
		require.NoError(t, err)
		require.Equal(t, LinkUsed, info.State)
		require.Empty(t, info.Code, "a used link shows no code")
		info, err = h.Codes.Describe(ctx, token[1:]+"x")
		require.NoError(t, err)
		require.Equal(t, LinkInfo{State: LinkNone}, info)
	})
}

func TestSignin_endedAccess(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		ends := clk.Now().Add(5 * time.Minute)
		h.guest("maria@fabrikam.test", &ends)
		b := h.browser()
		b.asks("maria@fabrikam.test")
		code := h.nextMail().Code
		clk.Advance(5 * time.Minute)
		a := b.enters(wrong(code))
		require.Equal(t, "code_wrong", a.code(), "before proof nobody is told")
		a = b.enters(code)
		require.Equal(t, http.StatusForbidden, a.status)
		require.Equal(t, "access_ended", a.code())
		require.Contains(t, string(a.body), `"endedAt":"2026-03-01T09:05:00Z"`)
		require.Empty(t, a.cookies)
		require.Equal(t, "signin_gone", b.enters(code).code(), "the proof is used up all the same")
		require.Zero(t, h.rows("identity_sessions"))
		require.Equal(t, []string{"identity.code_refused", "identity.signin_refused", "identity.code_refused"}, h.events())
	})
}

func TestSignin_newSessionForEveryChangeOfRights(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.member("i.vogel@contoso.com")
		h.member("a.ruiz@contoso.com")
		const name = "__Host-vestibule_session"
		planted := h.browser()
		planted.cookies[name] = strings.Repeat("x", 43)
		planted.signsIn("i.vogel@contoso.com")
		one := planted.cookies[name]
		require.NotEqual(t, strings.Repeat("x", 43), one)

		planted.signsIn("a.ruiz@contoso.com")
		two := planted.cookies[name]
		require.NotEqual(t, one, two)
		old := h.browser()
		old.cookies[name] = one
		require.Equal(t, http.StatusUnauthorized, old.get("/api/v1/me").status, "what the browser held before is over")
		require.Equal(t, http.StatusOK, planted.get("/api/v1/me").status)

		var hashes []string
		require.NoError(t, db.Read(context.Background()).Raw("SELECT token_hash FROM identity_sessions").Scan(&hashes).Error)
		require.Len(t, hashes, 2)
		for _, hash := range hashes {
			require.NotContains(t, hash, two, "the table does not hold what opens the door")
		}
	})
}

func TestSession_endsByItself(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.member("i.vogel@contoso.com")
		guest := h.guest("maria@fabrikam.test", nil)
		for _, tc := range []struct {
			address    string
			idle, life time.Duration
		}{
			{"i.vogel@contoso.com", 30 * time.Minute, 8 * time.Hour},
			{"maria@fabrikam.test", 60 * time.Minute, 24 * time.Hour},
		} {
			b := h.browser()
			b.signsIn(tc.address)
			began := clk.Now()
			for clk.Now().Sub(began) < tc.life-tc.idle {
				clk.Advance(tc.idle - time.Second)
				require.Equal(t, http.StatusOK, b.get("/api/v1/me").status, "%s in use, after %s", tc.address, clk.Now().Sub(began))
			}
			clk.Set(began.Add(tc.life))
			require.Equal(t, "not_signed_in", b.get("/api/v1/me").code(), "%s: in use, but at the end of its life", tc.address)

			b.signsIn(tc.address)
			clk.Advance(tc.idle)
			require.Equal(t, "not_signed_in", b.get("/api/v1/me").code(), "%s: nobody was here for so long", tc.address)
		}

		b := h.browser()
		b.signsIn("maria@fabrikam.test")
		h.disable(guest)
		require.Equal(t, "not_signed_in", b.get("/api/v1/me").code(), "disabled while signed in")
	})
}

func TestSession_oneQueryAndFewWrites(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		user := h.member("i.vogel@contoso.com")
		b, second := h.browser(), h.browser()
		b.signsIn("i.vogel@contoso.com")
		second.signsIn("i.vogel@contoso.com")
		token := b.cookies["__Host-vestibule_session"]
		writes := countStatements(t, h)
		for range 20 {
			_, err := h.Session(context.Background(), token)
			require.NoError(t, err)
		}
		reads := *writes // SQLite reads through another handle
		require.Contains(t, []int{0, 20}, reads, "one query each; within a minute nothing is written")
		clk.Advance(time.Minute)
		for range 20 {
			_, err := h.Session(context.Background(), token)
			require.NoError(t, err)
		}
		require.Equal(t, reads+1, *writes-reads, "once a minute it is written down")

		h.inTx(func(tx *database.Tx) error { return h.EndSessions(tx, user.ID) })
		require.Equal(t, http.StatusUnauthorized, b.get("/api/v1/me").status)
		require.Equal(t, http.StatusUnauthorized, second.get("/api/v1/me").status)
	})
}

func TestSignin_refusesStrangeBodies(t *testing.T) {
	t.Parallel()
	db, clk := dbtest.New(t, database.SQLite)
	h := openHouse(t, db, clk)
	b := h.browser()
	for name, body := range map[string]any{
		"no address":                    map[string]any{"email": ""},
		"no address in it":              map[string]any{"email": "Ines Vogel"},
		"two addresses":                 map[string]any{"email": "a@contoso.com,b@evil.test"},
		"a name before it":              map[string]any{"email": "Ines <i.vogel@contoso.com>"},
		"the Kelvin sign is no k":       map[string]any{"email": "\u212Aim@contoso.com"},
		"a list of addresses":           map[string]any{"email": []string{"a@contoso.com", "b@evil.test"}},
		"somebody else to write to too": map[string]any{"email": "a@contoso.com", "cc": "b@evil.test"},
	} {
		a := b.post("/api/v1/signin", body)
		require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.status, "%s: %s", name, a.body)
		require.Empty(t, a.cookies, name)
	}
	require.Empty(t, h.post.orders)
	require.Zero(t, h.rows("identity_signins"))

	a := b.post("/api/v1/signin", map[string]any{"email": "nobody"})
	var p struct {
		Errors []struct{ Pointer, Code string }
	}
	require.NoError(t, json.Unmarshal(a.body, &p))
	require.Equal(t, "/email", p.Errors[0].Pointer)
	require.Equal(t, "email_invalid", p.Errors[0].Code)
}

func TestSignin_networkAddressIsTold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		for i := range 20 {
			h.browser().asks("p" + string(rune('a'+i)) + "@fabrikam.test")
		}
		a := h.browser().post("/api/v1/signin", map[string]any{"email": "last@fabrikam.test"})
		require.Equal(t, http.StatusTooManyRequests, a.status)
		require.Equal(t, "too_many_requests", a.code())
		elsewhere := h.browser()
		elsewhere.address = "203.0.113.9:80"
		elsewhere.asks("last@fabrikam.test")
	})
}

// TestSweep_forgetsWhatIsOver: rows that can do nothing any more do not stay.
func TestSweep_forgetsWhatIsOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.guest("maria@fabrikam.test", nil)
		b := h.browser()
		b.signsIn("maria@fabrikam.test")
		tables := []string{"identity_codes", "identity_signins", "identity_sessions", "identity_tries", "identity_devices"}
		require.NoError(t, h.Sweep(context.Background()))
		for _, table := range tables {
			require.NotZero(t, h.rows(table), table)
		}
		clk.Advance(31 * 24 * time.Hour)
		require.NoError(t, h.Sweep(context.Background()))
		for _, table := range tables {
			require.Zero(t, h.rows(table), table)
		}
	})
}

func TestCookies_planted(t *testing.T) {
	t.Parallel()
	r, _ := http.NewRequest(http.MethodGet, publicURL, nil)
	k := NewCookies(publicURL)
	get := func() string { return k.Get(&gin.Context{Request: r}, CookieSession) }
	require.Empty(t, get())
	r.AddCookie(&http.Cookie{Name: "vestibule_session", Value: "a"})
	require.Empty(t, get(), "over https, a cookie without the prefix may be planted by a neighbouring domain")
	r.AddCookie(&http.Cookie{Name: "__Host-vestibule_session", Value: "b"})
	require.Equal(t, "b", get())
	r.AddCookie(&http.Cookie{Name: "__Host-vestibule_session", Value: "c"})
	require.Empty(t, get(), "two of a name: one of them is not ours")
}
