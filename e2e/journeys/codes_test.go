package journeys

import (
	"crypto/md5"  //nolint:gosec // to try what a thief of the database would
	"crypto/sha1" //nolint:gosec // the same
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Row T26: the code goes to one address, and that is the one typed.
func TestT26_NobodyElseGetsTheCode(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, eve := tn.visitor(t, "maria"), tn.visitor(t, "eve")
		maria.begins(partner)
		for _, body := range []string{
			`{"email":["` + maria.address + `","` + eve.address + `"]}`, `{"email":"` + maria.address + `,` + eve.address + `"}`,
			`{"email":{"x":1}}`, `{"email":"` + maria.address + `","email":"` + eve.address + `"}`,
			`{"email":"` + maria.address + `","to":"` + eve.address + `"}`, `{"email":"` + maria.address + `","bcc":"` + eve.address + `"}`,
			`{"email":"` + maria.address + `","EMAIL":"` + eve.address + `"}`,
		} {
			for _, path := range []string{maria.path("/email"), "/api/v1/signin"} {
				a := maria.speaks("de").post(path, raw(body))
				require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.status, "%s: %s", body, a)
			}
		}
		require.Equal(t, traces{}, tn.tracesOf(t, maria.address))
		require.Equal(t, traces{}, tn.tracesOf(t, eve.address))
	})
}

// Row T27: five tries, then not even the right code.
func TestT27_FiveWrongTriesAndTheRightCodeIsWorthless(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, _ := tn.waitsForProof(t, "maria")
		maria = maria.speaks("de")
		for i := range 5 {
			maria.at(i).types(other(code)).refused(http.StatusUnprocessableEntity, "code_wrong")
		}
		maria.types(code).refused(http.StatusTooManyRequests, "too_many_tries")
		require.Equal(t, "code", maria.get(maria.path("")).text("step"))
	})
}

func TestT27_TheSameHoldsAtSignin(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		lukas := tn.guest(t, "lukas")
		lukas.post("/api/v1/signin", map[string]any{"email": lukas.address}).is(http.StatusOK)
		code := codeIn(t, lukas.letter())
		for i := range 5 {
			lukas.speaks("de").at(i).post("/api/v1/signin/code", map[string]any{"code": other(code)}).refused(http.StatusUnprocessableEntity, "code_wrong")
		}
		lukas.speaks("de").post("/api/v1/signin/code", map[string]any{"code": code}).refused(http.StatusTooManyRequests, "too_many_tries")
		lukas.get("/api/v1/me").is(http.StatusUnauthorized)
	})
}

// guest is somebody whom walk-in has let in, with all mail read and no session.
func (tn *town) guest(t *testing.T, name string) *person {
	t.Helper()
	g := tn.visitor(t, name).proves(visitors)
	g.sends(visitors, walkIn()).is(http.StatusAccepted)
	g.sees("active")
	eventually(t, "quiet in the mailbox of "+g.address, func() bool {
		list, err := tn.mail.To(t.Context(), g.address)
		queued := tn.count(t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", g.address)
		*g.read = len(list)
		return err == nil && queued == 0 && len(list) >= 2
	})
	return g
}

// Row T28: tries are counted before comparing, however many come at once and wherever.
func TestT28_ParallelTriesAreCountedBeforeComparing(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, _ := tn.waitsForProof(t, "maria")
		statuses := together(40, func(i int) int {
			return maria.at(i).copied().types(fmt.Sprintf("%06d", 100000+i)).status
		})
		require.LessOrEqual(t, statuses[http.StatusUnprocessableEntity], 5, "%v", statuses)
		require.Equal(t, 40, statuses[http.StatusUnprocessableEntity]+statuses[http.StatusTooManyRequests]+statuses[http.StatusOK], "%v", statuses)
		if statuses[http.StatusOK] == 0 { // unless somebody was lucky
			maria.types(code).is(http.StatusTooManyRequests)
		}
	})
}

func TestT28_OneRightCodeTypedTwentyTimesAtOnceProvesOnce(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, _ := tn.waitsForProof(t, "maria")
		together(20, func(i int) int { return maria.at(i).copied().types(code).status })
		require.Equal(t, 1, tn.count(t, "SELECT count(*) FROM audit_events WHERE target = ? AND name = 'signup.proved'", maria.signup))
	})
}

// Row T31: a code is bound to its purpose, its sign-up and its browser.
func TestT31_ACodeIsNothingElsewhere(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		lukas := tn.guest(t, "lukas")
		lukas.post("/api/v1/signin", map[string]any{"email": lukas.address}).is(http.StatusOK)
		code := codeIn(t, lukas.letter())
		thief := tn.browserOf(t, lukas.address).speaks("de")
		a := thief.post("/api/v1/signin/code", map[string]any{"code": code}) // the code alone, without the browser that asked
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusGone, http.StatusUnprocessableEntity}, a.status, "%s", a)
		thief.post("/api/v1/signin", map[string]any{"email": lukas.address}).is(http.StatusOK)
		thief.post("/api/v1/signin/code", map[string]any{"code": code}).is(http.StatusUnprocessableEntity)
		thief.begins(partner)
		thief.gives(lukas.address)
		a = thief.types(code)
		require.Equal(t, http.StatusUnprocessableEntity, a.status, "a sign-in code signs nobody up: %s", a)
		thief.get("/api/v1/me").is(http.StatusUnauthorized)
		lukas.post("/api/v1/signin/code", map[string]any{"code": code}).is(http.StatusOK)
	})
}

// Row T32: each mail has a code of its own; the two newest work (docs/settled.md §3), the older do not.
func TestT32_AResentCodeIsANewOneAndTheTwoNewestWork(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, first, _ := tn.waitsForProof(t, "maria")
		maria.speaks("de").gives(maria.address).refused(http.StatusTooManyRequests, "resend_too_soon")
		codes := []string{first}
		for range 2 {
			tn.ages(t, "signups", "mail_asked_at", 200, "id = ?", maria.signup)
			maria.gives(maria.address).is(http.StatusAccepted)
			codes = append(codes, codeIn(t, maria.letter()))
		}
		require.NotEqual(t, codes[0], codes[1])
		require.NotEqual(t, codes[1], codes[2])
		require.Contains(t, []int{http.StatusUnprocessableEntity, http.StatusGone}, maria.types(codes[0]).status)
		maria.types(codes[1]).is(http.StatusOK)
	})
}

func TestResendWaitsItsTime(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, _, _ := tn.waitsForProof(t, "maria")
		a := maria.speaks("de").gives(maria.address).refused(http.StatusTooManyRequests, "resend_too_soon")
		require.NotEmpty(t, a.header.Get("Retry-After"))
		require.Equal(t, 1, tn.tracesOf(t, maria.address).Mails)
		elsewhere := "maria-" + unique() + "@fabrikam.example" // a typing mistake is mended at once, or after the same wait
		a = maria.gives(elsewhere)
		require.Contains(t, []int{http.StatusAccepted, http.StatusTooManyRequests}, a.status)
	})
}

// Row T33: who steals the database gets no code by trying the usual.
func TestT33_TheDatabaseHoldsNoCode(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria, code, token := tn.waitsForProof(t, "maria")
		hexMAC := "hex(code_mac)"
		if tn.name == "postgres" {
			hexMAC = "encode(code_mac, 'hex')"
		}
		macs, err := tn.eyes.Strings(t.Context(), "SELECT lower("+hexMAC+") FROM identity_codes WHERE subject_id = ?", maria.signup)
		require.NoError(t, err)
		require.Len(t, macs, 1)
		for _, salted := range []string{code, maria.signup + code, code + maria.signup, maria.signup + ":" + code, "signup" + maria.signup + code} {
			for _, sum := range []string{
				hexOf(sha256.Sum256([]byte(salted))), hexOf20(sha1.Sum([]byte(salted))), hexOf16(md5.Sum([]byte(salted))), //nolint:gosec // as a thief would
				hex.EncodeToString([]byte(salted)),
			} {
				require.NotEqual(t, sum, macs[0])
			}
		}
		require.Zero(t, tn.count(t, "SELECT count(*) FROM mails WHERE reason LIKE ? OR about LIKE ?", "%"+code+"%", "%"+token+"%"))
		jobs, err := tn.eyes.Strings(t.Context(), "SELECT CAST(payload AS TEXT) FROM jobs")
		if err == nil {
			for _, payload := range jobs {
				require.NotContains(t, payload, token)
				require.NotContains(t, payload, `"`+code+`"`)
			}
		}
	})
}

func hexOf(sum [32]byte) string   { return hex.EncodeToString(sum[:]) }
func hexOf20(sum [20]byte) string { return hex.EncodeToString(sum[:]) }
func hexOf16(sum [16]byte) string { return hex.EncodeToString(sum[:]) }
