package strangers

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T26: the code goes to one address, and that is the one typed.
func TestT26_NobodyElseGetsTheCode(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, eve := tn.Visitor(t, "maria"), tn.Visitor(t, "eve")
		maria.Begins(story.Partner)
		for _, body := range []string{
			`{"email":["` + maria.Address + `","` + eve.Address + `"]}`, `{"email":"` + maria.Address + `,` + eve.Address + `"}`,
			`{"email":{"x":1}}`, `{"email":"` + maria.Address + `","email":"` + eve.Address + `"}`,
			`{"email":"` + maria.Address + `","to":"` + eve.Address + `"}`, `{"email":"` + maria.Address + `","bcc":"` + eve.Address + `"}`,
			`{"email":"` + maria.Address + `","EMAIL":"` + eve.Address + `"}`, `{"email":"` + maria.Address + `","cc":"` + eve.Address + `"}`,
			`{"email":"` + maria.Address + `","address":"` + eve.Address + `"}`, `{"email":"` + maria.Address + `","recipient":"` + eve.Address + `"}`,
			`{"email":"` + maria.Address + `","cc":["` + eve.Address + `"]}`, `{"email":"` + maria.Address + `\n` + eve.Address + `"}`, `{"email":"` + maria.Address + ` ` + eve.Address + `"}`,
		} {
			for _, path := range []string{maria.Path("/email"), "/api/v1/signin"} {
				a := maria.Speaks("de").Post(path, story.Raw(body))
				require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, a.Status, "%s: %s", body, a)
			}
		}
		maria.Leaves(story.Left{})
		eve.Leaves(story.Left{})
	})
}

// Row T27: five tries, then not even the right code.
func TestT27_FiveWrongTriesAndTheRightCodeIsWorthless(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, code, _ := tn.WaitsForProof(t, "maria")
		maria = maria.Speaks("de")
		for i := range 5 {
			maria.At(i).Types(story.Other(code)).Refused(http.StatusUnprocessableEntity, "code_wrong")
		}
		maria.Types(code).Refused(http.StatusTooManyRequests, "too_many_tries")
		require.Equal(t, "code", maria.Get(maria.Path("")).Text("step"))
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "identity.code_refused! ×6"}})
	})
}

func TestT27_TheSameHoldsAtSignin(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		lukas := tn.Guest(t, "lukas")
		lukas.Post("/api/v1/signin", map[string]any{"email": lukas.Address}).Is(http.StatusOK)
		code := story.CodeIn(t, lukas.Letter())
		for i := range 5 {
			lukas.Speaks("de").At(i).Post("/api/v1/signin/code", map[string]any{"code": story.Other(code)}).Refused(http.StatusUnprocessableEntity, "code_wrong")
		}
		lukas.Speaks("de").Post("/api/v1/signin/code", map[string]any{"code": code}).Refused(http.StatusTooManyRequests, "too_many_tries")
		lukas.Speaks("de").Get("/api/v1/me").Refused(http.StatusUnauthorized, "not_signed_in")
		lukas.Leaves(story.Left{Traces: story.Traces{Requests: 1, Guests: 1, Grants: 1, Mails: 3, Codes: 2, States: "active"}, Audit: append(slices.Clone(signedUp), "identity.code_refused! ×6")})
	})
}

// Row T28: tries are counted before comparing, however many come at once and wherever: of two hundred wrong codes and the
// right one among them five are looked at.
func TestT28_ParallelTriesAreCountedBeforeComparing(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, code, _ := tn.WaitsForProof(t, "maria")
		const all, right = 201, 100
		counted := story.Crowd(tn, all, func(i int) string {
			typed := fmt.Sprintf("%06d", 100000+i)
			if typed == code {
				typed = "999999"
			}
			if i == right {
				typed = code
			}
			a := maria.At(i).Copied().Types(typed)
			if a.Status == http.StatusOK {
				return "200"
			}
			return a.Text("code")
		})
		if counted["200"] > 0 { // it was among the first five: the old cookie is nobody's then
			require.LessOrEqual(t, counted["code_wrong"], 4, "%v", counted)
			maria.Audited()
			return
		}
		require.Equal(t, map[string]int{"code_wrong": 5, "too_many_tries": all - 5}, counted, "the right one is refused like any other")
		require.Equal(t, http.StatusTooManyRequests, maria.Types(code).Status)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "identity.code_refused! ×6"}})
	})
}

func TestT28_OneRightCodeTypedTwentyTimesAtOnceProvesOnce(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, code, _ := tn.WaitsForProof(t, "maria")
		story.Crowd(tn, 20, func(i int) int { return maria.At(i).Copied().Types(code).Status })
		require.Equal(t, 1, tn.Count(t, "SELECT count(*) FROM audit_events WHERE target = ? AND name = 'signup.proved'", maria.Signup))
		require.Equal(t, 1, tn.Count(t, "SELECT count(*) FROM audit_events WHERE target = ? AND name = 'identity.code_refused'", maria.Signup),
			"the sixth of twenty presses is one too many, before or after the proof")
		require.Equal(t, story.Traces{Mails: 1, Codes: 1}, tn.TracesOf(t, maria.Address))
		maria.Audited()
	})
}

// Row T31: a code is bound to its purpose, its sign-up and its browser.
func TestT31_ACodeIsNothingElsewhere(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		lukas := tn.Guest(t, "lukas")
		lukas.Post("/api/v1/signin", map[string]any{"email": lukas.Address}).Is(http.StatusOK)
		code := story.CodeIn(t, lukas.Letter())
		thief := tn.BrowserOf(t, lukas.Address).Speaks("de")
		a := thief.Post("/api/v1/signin/code", map[string]any{"code": code}) // the code alone, without the browser that asked
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusGone, http.StatusUnprocessableEntity}, a.Status, "%s", a)
		thief.Post("/api/v1/signin", map[string]any{"email": lukas.Address}).Is(http.StatusOK)
		thief.Post("/api/v1/signin/code", map[string]any{"code": code}).Is(http.StatusUnprocessableEntity)
		thief.Begins(story.Partner)
		thief.Gives(lukas.Address)
		a = thief.Types(code)
		require.Equal(t, http.StatusUnprocessableEntity, a.Status, "a sign-in code signs nobody up: %s", a)
		thief.Get("/api/v1/me").Is(http.StatusUnauthorized)
		lukas.Post("/api/v1/signin/code", map[string]any{"code": code}).Is(http.StatusOK)
		lukas.Audited()
		require.Equal(t, 1, tn.TracesOf(t, lukas.Address).Sessions, "one session, and it is the owner's")
	})
}

// Row T16: before proof nobody adds an address, or anything else that would sign in later, and not to what is another's:
// there is one address, and only the mail to it proves it.
func TestT16_BeforeProofNothingIsAdded(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		victim := tn.Visitor(t, "victim").Proves(story.Partner)
		eve, code, _ := tn.WaitsForProof(t, "eve")
		eve = eve.Speaks("de")
		victim.LeavesNoTrace(func() {
			for path, body := range map[string]any{"/email": map[string]any{"email": eve.Address}, "/code": map[string]any{"code": code}, "/submit": map[string]any{"answers": story.Answered()}} {
				eve.Post(victim.Path(path), body).Refused(http.StatusUnauthorized, "signup_gone")
			}
			eve.Patch(victim.Path(""), map[string]any{"answers": story.Answered()}).Refused(http.StatusUnauthorized, "signup_gone")
			for _, door := range []string{"addresses", "emails", "passkeys", "identities", "password"} {
				for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch} {
					for _, path := range []string{"/api/v1/me/" + door, eve.Path("/" + door)} {
						eve.Send(method, path, map[string]any{"email": victim.Address}).IsOneOf(http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed)
					}
				}
			}
		})
		eve.Patch(eve.Path(""), map[string]any{"answers": map[string]any{"secondMail": victim.Address}}).Refused(http.StatusConflict, "proof_needed")
		eve.Sends(story.Partner, story.Answered("secondMail", victim.Address)).Refused(http.StatusConflict, "proof_needed")
		eve.Get("/api/v1/me").Refused(http.StatusUnauthorized, "not_signed_in")
		lukas := tn.Guest(t, "lukas") // a session is no sign-up either, and gives no address to one
		lukas.SignsIn().Is(http.StatusOK)
		lukas.Speaks("de").Post(eve.Path("/email"), map[string]any{"email": lukas.Address}).Refused(http.StatusUnauthorized, "signup_gone")
		lukas.Speaks("de").Post(eve.Path("/code"), map[string]any{"code": code}).Refused(http.StatusUnauthorized, "signup_gone")
		eve.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started"}})
	})
}

// Row T17: who changes the address ends the code and the link of the one before, and with it any proof: what was begun
// for one address is finished for no other.
func TestT17_AChangeOfAddressEndsWhatIsPending(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		evil, code, link := tn.WaitsForProof(t, "evil")
		maria := evil.Speaks("de")
		maria.Address = "maria-" + story.Unique() + "@fabrikam.example"
		maria.Read = new(int)
		changes := func() {
			tn.Ages(t, "signups", "mail_asked_at", 200, "id = ?", maria.Signup)
			maria.Gives(maria.Address).Is(http.StatusAccepted)
		}
		changes()
		second := story.CodeIn(t, maria.Letter())
		require.NotEqual(t, code, second)
		maria.Types(code).Refused(http.StatusUnprocessableEntity, "code_wrong")
		maria.Opens("/l/" + link)
		maria.Post("/api/v1/link", nil).Refused(http.StatusGone, "mailed_link_used_up")
		require.Equal(t, "code", maria.Get(maria.Path("")).Text("step"))
		maria.Types(second).Is(http.StatusOK)
		require.Equal(t, maria.Address, maria.Get(maria.Path("")).Text("email"), "what was proven is what the code went to")
		maria.Patch(maria.Path(""), map[string]any{"answers": map[string]any{"company": "Fabrikam"}}).Is(http.StatusOK)
		evil.Jar = maria.Jar
		tn.Ages(t, "signups", "mail_asked_at", 200, "id = ?", maria.Signup)
		evil.Gives(evil.Address).Is(http.StatusAccepted) // and back: the proof of the other address is gone, and what was typed
		evil.Speaks("de").Sends(story.Partner, story.Answered()).Refused(http.StatusConflict, "proof_needed")
		evil.Speaks("de").Types(second).Refused(http.StatusUnprocessableEntity, "code_wrong")
		evil.Types(story.CodeIn(t, evil.Letter())).Is(http.StatusOK)
		require.NotContains(t, string(evil.Get(evil.Path("")).Body), "Fabrikam\"")
		evil.Leaves(story.Left{Traces: story.Traces{Mails: 2, Codes: 3}, Audit: []string{"signup.started ×3", "identity.code_refused! ×2", "signup.proved ×2"}})
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1}})
	})
}

// Row T32: each mail has a code of its own; the two newest work (docs/settled.md §3), the older do not.
func TestT32_AResentCodeIsANewOneAndTheTwoNewestWork(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria")
		maria.Begins(story.Partner)
		maria.Gives(maria.Address).Is(http.StatusAccepted)
		maria.Speaks("de").Gives(maria.Address).Refused(http.StatusTooManyRequests, "resend_too_soon")
		codes := []string{story.CodeIn(t, maria.Letter())}
		for range 2 {
			tn.Ages(t, "signups", "mail_asked_at", 200, "id = ?", maria.Signup)
			maria.Gives(maria.Address).Is(http.StatusAccepted)
			codes = append(codes, story.CodeIn(t, maria.Letter()))
		}
		require.NotEqual(t, codes[0], codes[1])
		require.NotEqual(t, codes[1], codes[2])
		require.Contains(t, []int{http.StatusUnprocessableEntity, http.StatusGone}, maria.Types(codes[0]).Status)
		maria.Types(codes[1]).Is(http.StatusOK)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 3, Codes: 3}, Audit: []string{"signup.started", "identity.code_refused!", "signup.proved"}})
	})
}

// Row T33: who steals the database gets no code by trying the usual.
func TestT33_TheDatabaseHoldsNoCode(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria, code, token := tn.WaitsForProof(t, "maria")
		hexMAC := "hex(code_mac)"
		if tn.Name == "postgres" {
			hexMAC = "encode(code_mac, 'hex')"
		}
		macs, err := tn.Eyes.Strings(t.Context(), "SELECT lower("+hexMAC+") FROM identity_codes WHERE subject_id = ?", maria.Signup)
		require.NoError(t, err)
		require.Len(t, macs, 1)
		rows, err := tn.Eyes.Strings(t.Context(), "SELECT id FROM identity_codes WHERE subject_id = ?", maria.Signup)
		require.NoError(t, err)
		for _, salted := range []string{rows[0] + code, code + rows[0], rows[0] + ":" + code, code, maria.Signup + code, code + maria.Signup, maria.Signup + ":" + code, "signup" + maria.Signup + code} {
			for _, sum := range []string{
				hexOf(sha256.Sum256([]byte(salted))), hexOf20(sha1.Sum([]byte(salted))), hexOf16(md5.Sum([]byte(salted))), //nolint:gosec // as a thief would
				hex.EncodeToString([]byte(salted)),
			} {
				require.NotEqual(t, sum, macs[0])
			}
		}
		require.Zero(t, tn.Count(t, "SELECT count(*) FROM mails WHERE reason LIKE ? OR about LIKE ?", "%"+code+"%", "%"+token+"%"))
		jobs, err := tn.Eyes.Strings(t.Context(), "SELECT CAST(payload AS TEXT) FROM jobs")
		if err == nil {
			for _, payload := range jobs {
				require.NotContains(t, payload, token)
				require.NotContains(t, payload, `"`+code+`"`)
			}
		}
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started"}})
	})
}

func hexOf(sum [32]byte) string { return hex.EncodeToString(sum[:]) }

func hexOf20(sum [20]byte) string { return hex.EncodeToString(sum[:]) }

func hexOf16(sum [16]byte) string { return hex.EncodeToString(sum[:]) }
