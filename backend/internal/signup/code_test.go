package signup

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

func TestGiveEmail_refuses(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, _, err := h.Start(h.ctx, "supplier", "", "en", "")
		require.NoError(t, err)
		for _, tc := range []struct{ name, typed, want string }{
			{"nothing", "", "/email email_invalid"},
			{"two addresses", "v@x.test,evil@y.test", "/email email_invalid"},
			{"a name around it", "Maria <maria@fabrikam.de>", "/email email_invalid"},
			{"quoted, to get past the domain", `"a@fabrikam.de"@evil.test`, "/email email_invalid"},
			{"a line break for the mail server", "maria@fabrikam.de\r\nBcc: x@evil.test", "/email email_invalid"},
			{"NUL", "maria@fabrikam.de\x00", "/email email_invalid"},
			{"letters that look like others", "mıke@fabrikam.de", "/email email_invalid"},
			{"a refused domain", "maria@mailinator.com", "/email email_domain_not_accepted"},
			{"a refused domain below it", "maria@a.b.mailinator.com", "/email email_domain_not_accepted"},
			{"a refused domain in capitals", "maria@MAILINATOR.com", "/email email_domain_not_accepted"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				_, err := h.GiveEmail(h.ctx, row.ID, tc.typed, "en")
				requireFields(t, err, tc.want)
			})
		}
		require.Equal(t, StepIdentity, h.row(row.ID).Step)
		require.Zero(t, h.count("mails"))
		require.Empty(t, h.events(row.ID))
		_, err = h.GiveEmail(h.ctx, row.ID, "maria@notmailinator.com", "en")
		require.NoError(t, err, "a domain that only ends alike is another, and refused tries cost no wait")
		_, err = h.GiveEmail(h.ctx, "sgn_0", "maria@fabrikam.de", "en")
		require.ErrorIs(t, err, ErrNoSignup)
	})
}

func TestGiveEmail_againInTime(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, _ := h.begins("supplier", "Maria@fabrikam.de")
		first := h.newest()
		_, err := h.GiveEmail(h.ctx, row.ID, "maria@fabrikam.de", "en")
		require.ErrorIs(t, err, identity.ErrTooSoon)
		require.Empty(t, h.kinds())
		h.clk.Advance(30 * time.Second)
		_, err = h.GiveEmail(h.ctx, row.ID, "MARIA@fabrikam.de", "en")
		require.NoError(t, err)
		second := h.newest()
		require.Equal(t, first.to, second.to, "other capitals are the same mailbox, which is written to as at first")
		require.NotEqual(t, first.code, second.code)
		require.Equal(t, []string{"signup.started"}, h.events(row.ID), "begun once")
	})
}

func TestGiveEmail_anotherAddressKillsTheOldCodeAndAnswers(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row := h.proves("supplier", "maria@fabrikam.de")
		_, err := h.Keep(h.ctx, row.ID, answers)
		require.NoError(t, err)
		h.clk.Advance(time.Minute)
		row, err = h.GiveEmail(h.ctx, row.ID, "victim@fabrikam.de", "en")
		require.NoError(t, err)
		require.False(t, row.proved())
		require.Empty(t, row.Answers.V)
		_, err = h.Submit(h.ctx, row.ID, answers, agreedV)
		require.ErrorIs(t, err, ErrProofNeeded, "the first address's proof is not the second's")
		second := h.newest()
		h.clk.Advance(time.Minute)
		_, err = h.GiveEmail(h.ctx, row.ID, "third@fabrikam.de", "en")
		require.NoError(t, err)
		_, _, err = h.Prove(h.ctx, row.ID, second.code)
		require.ErrorIs(t, err, identity.ErrCodeWrong, "the old address's code is dead")
		row, _, err = h.Prove(h.ctx, row.ID, h.newest().code)
		require.NoError(t, err)
		require.Equal(t, "third@fabrikam.de", row.Address)
		require.Equal(t, []string{"signup.started", "signup.proved", "signup.started", "signup.started", "identity.code_refused", "signup.proved"}, h.events(row.ID))
	})
}

func TestGiveEmail_askedAgainAfterProofIsProvedAgain(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row := h.proves("supplier", "maria@fabrikam.de")
		_, err := h.Keep(h.ctx, row.ID, answers)
		require.NoError(t, err)
		h.clk.Advance(time.Minute)
		_, err = h.GiveEmail(h.ctx, row.ID, "maria@fabrikam.de", "en")
		require.NoError(t, err)
		_, _, err = h.Prove(h.ctx, row.ID, "000000")
		require.ErrorIs(t, err, identity.ErrCodeWrong, "the page asks for the code, so it counts")
		row, _, err = h.Prove(h.ctx, row.ID, h.newest().code)
		require.NoError(t, err)
		require.Equal(t, StepDetails, row.Step, "and the page goes on")
		require.Equal(t, answers, row.Answers.V, "what was typed for this address is still there")
	})
}

func TestProve_codes(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		for _, tc := range []struct {
			name  string
			typed func(h *house, mine, foreign letter) string
			want  error
		}{
			{"the right one", func(_ *house, mine, _ letter) string { return mine.code }, nil},
			{"with a blank in the middle", func(_ *house, mine, _ letter) string { return mine.code[:3] + " " + mine.code[3:] }, nil},
			{"a wrong one", func(_ *house, mine, _ letter) string { return wrong(mine.code) }, identity.ErrCodeWrong},
			{"nothing", func(*house, letter, letter) string { return "" }, identity.ErrCodeWrong},
			{"another sign-up's", func(_ *house, _, foreign letter) string { return foreign.code }, identity.ErrCodeWrong},
			{"in its last instant", func(h *house, mine, _ letter) string {
				h.clk.Advance(10*time.Minute - time.Microsecond)
				return mine.code
			}, nil},
			{"too old", func(h *house, mine, _ letter) string { h.clk.Advance(10 * time.Minute); return mine.code }, identity.ErrCodeExpired},
		} {
			t.Run(tc.name, func(t *testing.T) {
				name := strings.Map(func(r rune) rune {
					if r < 'a' || r > 'z' {
						return -1
					}
					return r
				}, tc.name)
				h.begins("supplier", "other-"+name+"@fabrikam.de")
				foreign := h.newest()
				row, _ := h.begins("supplier", name+"@fabrikam.de")
				mine := h.newest()
				for n := 0; foreign.code == mine.code; n++ { // one in a million
					h.begins("supplier", fmt.Sprintf("another%d-%s@fabrikam.de", n, name))
					foreign = h.newest()
				}
				_, token, err := h.Prove(h.ctx, row.ID, tc.typed(h, mine, foreign))
				require.ErrorIs(t, err, tc.want)
				require.Equal(t, tc.want == nil, h.row(row.ID).proved())
				require.Equal(t, tc.want == nil, token != "")
				require.Equal(t, tc.want != nil, slices.Contains(h.events(row.ID), "identity.code_refused"), "a refusal leaves a trace")
			})
		}
	})
}

func TestProve_FiveTriesAndNotOneMore(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, _ := h.begins("supplier", "maria@fabrikam.de")
		code := h.newest().code
		for range 5 {
			_, _, err := h.Prove(h.ctx, row.ID, wrong(code))
			require.ErrorIs(t, err, identity.ErrCodeWrong)
		}
		_, _, err := h.Prove(h.ctx, row.ID, code)
		require.ErrorIs(t, err, identity.ErrTooManyTries, "also the right one")
		require.False(t, h.row(row.ID).proved())
		want := append([]string{"signup.started"}, slices.Repeat([]string{"identity.code_refused"}, 6)...)
		require.Equal(t, want, h.events(row.ID), "each leaves a trace")
		for range 3 {
			_, _, err = h.Prove(h.ctx, row.ID, code)
			require.ErrorIs(t, err, identity.ErrTooManyTries)
		}
		require.Equal(t, want, h.events(row.ID), "but hammering does not fill the audit")
		require.Equal(t, 6, h.count("audit_events WHERE name = 'identity.code_refused' AND result = 'refused' AND actor_kind = 'applicant' AND address = '198.51.100.7' AND subject = ?",
			h.Audit.Subject("maria@fabrikam.de")))
	})
}

func TestProve_TheTwoNewestCodesAreValid(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		for i, works := range []bool{false, true, true} {
			mail := string(rune('a'+i)) + "@fabrikam.de"
			row, _ := h.begins("supplier", mail)
			codes := []string{h.newest().code}
			for range 2 {
				h.clk.Advance(2 * time.Minute)
				_, err := h.GiveEmail(h.ctx, row.ID, mail, "en")
				require.NoError(t, err)
				codes = append(codes, h.newest().code)
			}
			_, _, err := h.Prove(h.ctx, row.ID, codes[i])
			if works {
				require.NoError(t, err, "mails overtake each other: code %d of 3", i+1)
				continue
			}
			require.ErrorIs(t, err, identity.ErrCodeWrong, "code %d of 3", i+1)
		}
	})
}

func TestProve_PressedTwice(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, _ := h.begins("supplier", "maria@fabrikam.de")
		code := h.newest().code
		_, _, err := h.Prove(h.ctx, row.ID, code)
		require.NoError(t, err)
		again, token, err := h.Prove(h.ctx, row.ID, code)
		require.NoError(t, err, "the second press is welcome")
		require.Equal(t, StepDetails, again.Step)
		require.Empty(t, token, "and gives no second cookie")
		require.Equal(t, []string{"signup.started", "signup.proved"}, h.events(row.ID))
	})
}

// TestProve_PressedTwiceAtOnce: two presses of the right code, both with the cookie from before proof, as a browser sends
// them: both are answered with the same sign-up and the same new cookie, whichever comes first.
func TestProve_PressedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, before := h.begins("supplier", "maria@fabrikam.de")
		code := h.newest().code
		press := func(code, token string) (*signup, string, error) {
			return h.Service.Prove(h.ctx, row.ID, Typed{Code: code, Token: token})
		}
		fresh := make([]string, 3)
		var group sync.WaitGroup
		for i := range fresh {
			group.Go(func() {
				found, token, err := press(code, before)
				if err != nil || found.Step != StepDetails {
					t.Errorf("press %d: %v", i, err)
				}
				fresh[i] = token
			})
		}
		group.Wait()
		require.NotEmpty(t, fresh[0])
		require.NotEqual(t, before, fresh[0])
		require.Equal(t, []string{fresh[0], fresh[0], fresh[0]}, fresh)
		_, err := h.ByToken(h.ctx, fresh[0])
		require.NoError(t, err)
		_, err = h.ByToken(h.ctx, before)
		require.ErrorIs(t, err, ErrNoSignup, "the old cookie opens nothing by itself")
		require.Equal(t, []string{"signup.started", "signup.proved"}, h.events(row.ID))

		_, _, err = press(wrong(code), before)
		require.ErrorIs(t, err, ErrNoSignup, "who has the old cookie and not the code gets nothing")
		_, _, err = press(code, "planted")
		require.ErrorIs(t, err, ErrNoSignup, "nor who has the code and another cookie")
		h.clk.Advance(identity.AgainWithin)
		_, _, err = press(code, before)
		require.ErrorIs(t, err, ErrNoSignup, "after ten seconds it is no second press")
		require.Equal(t, []string{"signup.started", "signup.proved", "identity.code_refused", "identity.code_refused"}, h.events(row.ID), "what was compared in vain leaves a trace")
	})
}

func TestMail_TheCodeIsMadeWhenItLeaves(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, _ := h.begins("supplier", "maria@fabrikam.de")
		require.Zero(t, h.count("identity_codes"), "ordered, and no code is there yet")
		h.clk.Advance(8 * time.Minute) // the mail server was away
		h.post.refuse = 1
		require.Empty(t, h.mails())
		h.clk.Advance(time.Minute)
		late := h.newest()
		refused := read(h.post.refused[0])
		require.NotEqual(t, refused.code, late.code, "another attempt has another code")
		require.NotEmpty(t, late.messageID)
		require.Equal(t, refused.messageID, late.messageID, "but is the same mail to a server that had it after all")
		h.clk.Advance(9 * time.Minute)
		_, _, err := h.Prove(h.ctx, row.ID, late.code)
		require.NoError(t, err, "its time began when it left")
	})
}

func TestMail_StaleNewsDoesNotLeave(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		row, _ := h.begins("supplier", "maria@fabrikam.de")
		h.clk.Advance(time.Minute)
		_, err := h.GiveEmail(h.ctx, row.ID, "lukas@fabrikam.de", "en")
		require.NoError(t, err)
		require.Equal(t, []string{"signup.code lukas@fabrikam.de"}, h.kinds(), "the address given up gets nothing")

		_, r := h.sends("supplier", "chiara@fabrikam.de")
		_, err = h.Approvals.Decide(h.ctx, r.ID, h.ana(), approval.Given{Decision: approval.Deny, Reason: "no"})
		require.NoError(t, err)
		require.Equal(t, []string{"request.denied chiara@fabrikam.de"}, h.kinds(), "neither receipt nor a call to approvers")

		_, r = h.sends("supplier", "yuki@fabrikam.de")
		h.mails()
		_, err = h.Approvals.Ask(h.ctx, r.ID, h.ana(), "Which order?")
		require.NoError(t, err)
		_, err = h.Approvals.Decide(h.ctx, r.ID, h.ana(), approval.Given{Decision: approval.Approve})
		require.NoError(t, err)
		require.Equal(t, []string{"request.approved yuki@fabrikam.de"}, h.kinds(), "nobody is asked after the decision")
	})
}

func TestMail_OnlyTheMailTellsWhoIsKnown(t *testing.T) {
	t.Parallel()
	each(t, false, func(t *testing.T, h *house) {
		h.sends("visitor", "guest@fabrikam.de")
		h.sends("visitor", "disabled@fabrikam.de")
		h.mails()
		h.inTx(disableGuest("disabled@fabrikam.de"))
		for _, tc := range []struct{ name, slug, mail, want string }{
			{"a stranger gets a code", "supplier", "new@fabrikam.de", "signup.code"},
			{"a guest of this flow learns how to sign in", "visitor", "guest@fabrikam.de", "signup.exists"},
			{"a guest of another flow may ask for more", "supplier", "guest@fabrikam.de", "signup.code"},
			{"a member learns how to sign in", "supplier", "a.ruiz@contoso.com", "signup.exists"},
			{"a guest who is shut out may ask again", "visitor", "disabled@fabrikam.de", "signup.code"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				row, _ := h.begins(tc.slug, tc.mail)
				require.Equal(t, StepCode, row.Step, "the same answer for all")
				require.Equal(t, h.clk.Now().Add(unprovedLife), row.ExpiresAt.UTC())
				sent := h.newest()
				require.Equal(t, tc.mail, sent.to)
				if tc.want == "signup.exists" {
					require.Empty(t, sent.code)
					require.Empty(t, sent.link)
					require.Contains(t, sent.text, publicURL+"/signin")
				} else {
					require.Len(t, sent.code, codeLength)
				}
			})
		}
	})
}

func TestBudgets_MailboxesAreProtectedSilently(t *testing.T) {
	t.Parallel()
	each(t, true, func(t *testing.T, h *house) { // security.md T30
		left := 0
		for i := range 5 {
			h.ctx = web.WithMeta(t.Context(), web.Meta{Address: "203.0.113." + string(rune('0'+i%10)), Locale: "en"})
			row, _ := h.begins("supplier", "victim@fabrikam.de")
			require.Equal(t, StepCode, row.Step)
			require.Equal(t, h.clk.Now(), *row.MailAskedAt, "the answer is the same when nothing is sent")
			require.Equal(t, 1, h.count("mails WHERE about = ?", row.ID), "and so is the work behind it (T24)")
			require.Equal(t, 1, h.count("jobs WHERE about = ?", row.ID))
			left += len(h.mails())
			require.Zero(t, h.count("jobs WHERE about = ?", row.ID), "done, whether it left or not")
		}
		require.Equal(t, 3, left, "three in ten minutes")
		h.clk.Advance(10 * time.Minute)
		h.begins("supplier", "victim@fabrikam.de")
		require.Len(t, h.mails(), 1)
	})
}

func TestBudgets_NetworkAddressesAreTold(t *testing.T) {
	t.Parallel()
	each(t, true, func(t *testing.T, h *house) {
		for i := range startsOfAddress.Burst {
			_, _, err := h.Start(h.ctx, "supplier", "", "en", "")
			require.NoError(t, err, "start %d", i)
		}
		_, _, err := h.Start(h.ctx, "supplier", "", "en", "")
		require.ErrorIs(t, err, identity.ErrTooMany)
		require.Equal(t, startsOfAddress.Burst, h.count("signups"))
		h.ctx = web.WithMeta(t.Context(), web.Meta{Address: "203.0.113.9"})
		_, _, err = h.Start(h.ctx, "supplier", "", "en", "")
		require.NoError(t, err, "a neighbour is not the one")
	})
}

func TestBudgets_NetworksAndDomainsAreTold(t *testing.T) {
	t.Parallel()
	each(t, true, func(t *testing.T, h *house) {
		from := func(address string) { h.ctx = web.WithMeta(t.Context(), web.Meta{Address: address}) }
		start := func() error {
			_, _, err := h.Start(h.ctx, "supplier", "", "en", "")
			return err
		}
		for i := range startsOfNetwork.Burst {
			from(fmt.Sprintf("198.51.100.%d", i+1))
			require.NoError(t, start(), "start %d", i)
		}
		from("198.51.100.200")
		require.ErrorIs(t, start(), identity.ErrTooMany, "fifty neighbours of one network are enough for three hours")

		ask := func(i int, mail string) error {
			from(fmt.Sprintf("10.%d.0.1", i))
			row, _, err := h.Start(h.ctx, "supplier", "", "en", "")
			require.NoError(t, err)
			_, err = h.GiveEmail(h.ctx, row.ID, mail, "en")
			return err
		}
		for i := range proofsOfDomain[0].Burst {
			require.NoError(t, ask(i, fmt.Sprintf("p%d@fabrikam.de", i)), "address %d", i)
		}
		require.ErrorIs(t, ask(200, "one-more@fabrikam.de"), identity.ErrTooMany, "thirty of one company in an hour, from wherever")
		require.NoError(t, ask(201, "someone@northwind.com"), "another company goes on")
	})
}
