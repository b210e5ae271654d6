package journeys

import (
	"fmt"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Row T21: what looks like another's address is not theirs.
func TestT21_LookalikeAddressesReachNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		mike := tn.guest(t, "mike")
		before := tn.tracesOf(t, mike.address)
		name, domain, _ := strings.Cut(mike.address, "@")
		rest := strings.TrimPrefix(name, "mike")
		stranger := tn.visitor(t, "stranger").speaks("de")
		stranger.begins(partner)
		for _, address := range []string{
			"mıke" + rest + "@" + domain, "mi\u212Ae" + rest + "@" + domain, "ＭＩＫＥ" + rest + "@" + domain, "mike\u200b" + rest + "@" + domain,
			"mike" + rest + "@fаbrikam.example", "mike" + rest + "@" + domain + "\u202e", "mi\u0301ke" + rest + "@" + domain,
		} {
			for _, a := range []answer{stranger.gives(address), stranger.post("/api/v1/signin", map[string]any{"email": address})} {
				if a.status != http.StatusUnprocessableEntity { // or taken for another account, whose mail is not mike's
					require.Contains(t, []int{http.StatusOK, http.StatusAccepted}, a.status, "%q: %s", address, a)
				}
			}
		}
		require.Equal(t, before, tn.tracesOf(t, mike.address), "no mail, no code for mike")
		list, err := tn.mail.To(t.Context(), mike.address)
		require.NoError(t, err)
		require.Len(t, list, *mike.read)
	})
}

// Row T22: one grammar, before anything else reads the address.
func TestT22_OnlyPlainAddressesPass(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		stranger := tn.visitor(t, "stranger").speaks("de")
		stranger.begins(partner)
		for _, address := range []string{
			`"a@corp.com"@evil.com`, "a@corp.com(evil)", "g: a@corp.com;", "Bob <a@corp.com>", "<a@corp.com>", "=?utf-8?q?a=40corp.com=3e?=@evil.com",
			"a@[127.0.0.1]", "a@localhost", "a@corp.com,b@evil.com", "a@corp.com\x00", strings.Repeat("a", 65) + "@corp.com",
			"a@" + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "." + strings.Repeat("d", 63) + "." + strings.Repeat("e", 60) + ".com",
			"a@corp.com\r\nBcc: e@evil.com", "a%corp.com@", "a@corp.com b", "x> ORCPT=rfc822;e@evil.com",
		} {
			stranger.gives(address).field("/email", "email_invalid")
			stranger.post("/api/v1/signin", map[string]any{"email": address}).field("/email", "email_invalid")
		}
		require.Zero(t, tn.count(t, "SELECT count(*) FROM mails WHERE about = ?", stranger.signup))
	})
}

// Row T23: a domain rule is a domain, not a suffix.
func TestT23_DomainRulesMatchWholeDomains(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		for domain, accepted := range map[string]bool{
			"corp.example": true, "CORP.example": true, "evilcorp.example": false, "corp.example.evil.com": false, "sub.corp.example": false,
			"a.fabrikam.example": true, "a.b.fabrikam.example": true, "fabrikam.example": false, "bad.fabrikam.example": false,
			"xn--corp-example.evil.com": false,
		} {
			p := tn.browserOf(t, "x-"+unique()+"@"+domain).speaks("de")
			p.begins(company)
			if accepted {
				p.gives(p.address).is(http.StatusAccepted)
				continue
			}
			a := p.gives(p.address).refused(http.StatusUnprocessableEntity, "fields_invalid")
			require.Contains(t, []string{"email_domain_not_accepted", "email_invalid"}, a.text("errors.0.code"), domain)
		}
	})
}

// Row T24: the answer tells no address from another. Bytes must be equal; times may only be alike, on a machine that
// does many things at once.
func TestT24_TheAnswerTellsNoAddressFromAnother(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		waiting := tn.visitor(t, "waiting").asks(partner, answered())
		denied := tn.visitor(t, "denied").asks(partner, answered())
		tn.member(t, jonas).decides(tn.requestID(t, denied.ref), "deny", map[string]any{"reason": "No."}).is(http.StatusOK)
		classes := map[string]string{
			"guest": tn.guest(t, "guest").address, "waiting": waiting.address, "denied": denied.address, "member": tom,
		}
		shapes, times := map[string]map[string]bool{}, map[string][]time.Duration{}
		ask := func(class, address string) {
			p := tn.browserOf(t, address)
			start := time.Now()
			a := p.post("/api/v1/signin", map[string]any{"email": address}).is(http.StatusOK)
			times[class] = append(times[class], time.Since(start))
			p.begins(partner)
			start = time.Now()
			b := p.gives(address).is(http.StatusAccepted)
			times[class+" at sign-up"] = append(times[class+" at sign-up"], time.Since(start))
			if shapes[class] == nil {
				shapes[class] = map[string]bool{}
			}
			shapes[class][shape(a)+shape(b)] = true
		}
		for i := range 12 {
			ask("unknown", fmt.Sprintf("unknown-%s-%d@fabrikam.example", unique(), i))
			for class, address := range classes {
				ask(class, address)
			}
		}
		for class := range classes {
			require.Equal(t, shapes["unknown"], shapes[class], class)
			for _, call := range []string{"", " at sign-up"} {
				require.InDelta(t, median(times["unknown"+call]).Seconds(), median(times[class+call]).Seconds(), 0.05, class+call)
			}
		}
	})
}

func median(d []time.Duration) time.Duration {
	sort.Slice(d, func(i, j int) bool { return d[i] < d[j] })
	return d[len(d)/2]
}

// shape is an answer without the times and ids that differ between any two.
func shape(a answer) string {
	var names []string
	for name := range a.header {
		names = append(names, name)
	}
	sort.Strings(names)
	return fmt.Sprint(a.status, names, varying.ReplaceAllString(string(a.body), `"$1":`))
}

func TestEveryKnownAddressGetsItsOwnMail(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		guest := tn.guest(t, "guest")
		guest.begins(visitors)
		guest.gives(guest.address).is(http.StatusAccepted)
		l := guest.letter()
		require.NotEmpty(t, l.Text)
		stranger := tn.visitor(t, "stranger")
		stranger.signsInInVain()
	})
}

// Row T25: no step is reached but through the one before it.
func TestT25_NoStepIsSkipped(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").speaks("de")
		maria.begins(partner)
		steps := map[string]func() answer{
			"draft":  func() answer { return maria.patch(maria.path(""), map[string]any{"answers": answered()}) },
			"submit": func() answer { return maria.sends(partner, answered()) },
		}
		for name, step := range steps {
			require.Equal(t, "proof_needed", step().refused(http.StatusConflict, "proof_needed").text("code"), name)
		}
		maria.types("123456").refused(http.StatusConflict, "email_needed")
		maria.types("").is(http.StatusConflict)
		maria.gives(maria.address).is(http.StatusAccepted)
		code := codeIn(t, maria.letter())
		for name, step := range steps {
			require.Equal(t, "proof_needed", step().refused(http.StatusConflict, "proof_needed").text("code"), name)
		}
		for _, body := range []string{`{"code":""}`, `{"code":"000000","step":"details"}`, `{"code":"` + code + `","step":"request"}`} {
			require.GreaterOrEqual(t, maria.post(maria.path("/code"), raw(body)).status, 400)
		}
		require.Equal(t, "code", maria.get(maria.path("")).text("step"))
		require.Zero(t, tn.tracesOf(t, maria.address).Requests)
	})
}

// Row T14: what was typed before proof does not survive it, and a session of before is dead after.
func TestT14_NothingFromBeforeProofSurvivesIt(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria")
		eve := tn.browserOf(t, "eve@evil.example") // begins in maria's name and waits
		eve.begins(partner)
		eve.gives(maria.address).is(http.StatusAccepted)
		l := maria.letter()
		eve.patch(eve.path(""), map[string]any{"answers": answered("company", "Evil GmbH")}).is(http.StatusConflict)
		maria.begins(partner)
		maria.types(codeIn(t, l)).is(http.StatusConflict) // eve's code is worth nothing in maria's browser
		maria.gives(maria.address).is(http.StatusAccepted)
		proved := maria.types(codeIn(t, maria.letter())).is(http.StatusOK)
		require.NotContains(t, string(proved.body), "Evil")
		eve.sends(partner, answered()).is(http.StatusConflict)
		require.Zero(t, tn.tracesOf(t, maria.address).Requests)
	})
}

// Row T15: signing out ends the session everywhere at once.
func TestT15_ASessionThatEndedIsDeadOnEveryReplica(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		lukas := tn.guest(t, "lukas")
		lukas.signsIn().is(http.StatusOK)
		stolen := lukas.copied()
		stolen.at(1).get("/api/v1/me").is(http.StatusOK)
		lukas.post("/api/v1/signout", nil).is(http.StatusNoContent)
		for i := range tn.replicas {
			stolen.at(i).get("/api/v1/me").is(http.StatusUnauthorized)
			stolen.at(i).get("/api/v1/me/apps").is(http.StatusUnauthorized)
		}
	})
}

// Rows T16 and T17 (second identifiers, change of address) have no door yet: that there is none is row T50's to show.
func TestGuestWhoseAccessEndedLearnsItAfterProofOnly(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		lukas := tn.guest(t, "lukas")
		open := lukas.copied()
		open.signsIn().is(http.StatusOK)
		tn.ages(t, "directory_users", "ends_at", 3*24*3600, "address = ?", lukas.address)
		open.get("/api/v1/me").is(http.StatusUnauthorized)
		lukas.post("/api/v1/signin", map[string]any{"email": lukas.address}).is(http.StatusOK)
		l := lukas.letter()
		code := sixDigits.FindString(l.Text)
		if code == "" {
			return // the mail itself tells, which is after proof as well: only the mailbox's owner reads it
		}
		lukas.speaks("de").post("/api/v1/signin/code", map[string]any{"code": code}).refused(http.StatusForbidden, "access_ended")
	})
}
