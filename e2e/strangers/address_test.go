package strangers

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T21: what looks like another's address is not theirs.
func TestT21_LookalikeAddressesReachNobodyElse(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		mike := tn.Guest(t, "mike")
		before := tn.TracesOf(t, mike.Address)
		name, domain, _ := strings.Cut(mike.Address, "@")
		rest := strings.TrimPrefix(name, "mike")
		stranger := tn.Visitor(t, "stranger").Speaks("de")
		stranger.Begins(story.Partner)
		for _, address := range []string{
			"mıke" + rest + "@" + domain, "mi\u212Ae" + rest + "@" + domain, "ＭＩＫＥ" + rest + "@" + domain, "mike\u200b" + rest + "@" + domain,
			"mike" + rest + "@fаbrikam.example", "mike" + rest + "@" + domain + "\u202e", "mi\u0301ke" + rest + "@" + domain,
		} {
			for _, a := range []story.Answer{stranger.Gives(address), stranger.Post("/api/v1/signin", map[string]any{"email": address})} {
				if a.Status != http.StatusUnprocessableEntity { // or taken for another account, whose mail is not mike's
					require.Contains(t, []int{http.StatusOK, http.StatusAccepted}, a.Status, "%q: %s", address, a)
				}
			}
		}
		require.Equal(t, before, tn.TracesOf(t, mike.Address), "no mail, no code for mike")
		list, err := tn.Mail.To(t.Context(), mike.Address)
		require.NoError(t, err)
		require.Len(t, list, *mike.Read)
		mike.Leaves(story.Left{Traces: before, Audit: signedUp})
	})
}

// Row T22: one grammar, before anything else reads the address.
func TestT22_OnlyPlainAddressesPass(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		stranger := tn.Visitor(t, "stranger").Speaks("de")
		stranger.Begins(story.Partner)
		for _, address := range []string{
			`"a@corp.com"@evil.com`, "a@corp.com(evil)", "g: a@corp.com;", "Bob <a@corp.com>", "<a@corp.com>", "=?utf-8?q?a=40corp.com=3e?=@evil.com",
			"a@[127.0.0.1]", "a@localhost", "a@corp.com,b@evil.com", "a@corp.com\x00", strings.Repeat("a", 65) + "@corp.com",
			"a@" + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "." + strings.Repeat("d", 63) + "." + strings.Repeat("e", 60) + ".com",
			"a@corp.com\r\nBcc: e@evil.com", "a%corp.com@", "a@corp.com b", "x> ORCPT=rfc822;e@evil.com",
		} {
			stranger.Gives(address).Field("/email", "email_invalid")
			stranger.Post("/api/v1/signin", map[string]any{"email": address}).Field("/email", "email_invalid")
		}
		require.Zero(t, tn.Count(t, "SELECT count(*) FROM mails WHERE about = ?", stranger.Signup))
		stranger.Leaves(story.Left{})
	})
}

// Row T23: a domain rule is a domain, not a suffix.
func TestT23_DomainRulesMatchWholeDomains(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		for domain, accepted := range map[string]bool{
			"corp.example": true, "CORP.example": true, "evilcorp.example": false, "corp.example.evil.com": false, "sub.corp.example": false,
			"a.fabrikam.example": true, "a.b.fabrikam.example": true, "fabrikam.example": false, "bad.fabrikam.example": false,
			"xn--corp-example.evil.com": false,
		} {
			p := tn.BrowserOf(t, "x-"+story.Unique()+"@"+domain).Speaks("de")
			p.Begins(story.Company)
			if accepted {
				p.Gives(p.Address).Is(http.StatusAccepted)
				continue
			}
			a := p.Gives(p.Address).Refused(http.StatusUnprocessableEntity, "fields_invalid")
			require.Contains(t, []string{"email_domain_not_accepted", "email_invalid"}, a.Text("errors.0.code"), domain)
			p.Leaves(story.Left{})
		}
	})
}

// Row T24: the answer tells no address from another, neither by its bytes nor by its time.
func TestT24_TheAnswerTellsNoAddressFromAnother(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		waiting := tn.Visitor(t, "waiting@crowd.example").Asks(story.Partner, story.Answered())
		denied := tn.Visitor(t, "denied@crowd.example").Asks(story.Partner, story.Answered())
		tn.Member(t, story.Jonas).Decides(tn.RequestID(t, denied.Ref), "deny", map[string]any{"reason": "No."}).Is(http.StatusOK)
		classes := map[string]string{
			"guest": tn.Guest(t, "guest@crowd.example").Address, "waiting": waiting.Address, "denied": denied.Address, "member": story.Karin,
		}
		shapes := map[string]map[string]bool{}
		ask := func(class, address string) (signin, signup time.Duration) {
			p := tn.BrowserOf(t, address)
			start := time.Now()
			a := p.Post("/api/v1/signin", map[string]any{"email": address}).Is(http.StatusOK)
			signin = time.Since(start)
			p.Begins(story.Partner)
			start = time.Now()
			b := p.Gives(address).Is(http.StatusAccepted)
			signup = time.Since(start)
			if shapes[class] == nil {
				shapes[class] = map[string]bool{}
			}
			shapes[class][story.Shape(a)+story.Shape(b)] = true
			return signin, signup
		}
		told := func(rounds int) (apart []string) { // whose times, of so many, are not an unknown address's
			times := map[string][]time.Duration{}
			for i := range rounds {
				order := append(slices.Collect(maps.Keys(classes)), "unknown")
				rand.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] }) // whatever else the machine does meets all alike
				for _, class := range order {
					address := classes[class]
					if class == "unknown" {
						address = fmt.Sprintf("unknown-%s-%d@crowd.example", story.Unique(), i)
					}
					signin, signup := ask(class, address)
					times[class], times[class+" at sign-up"] = append(times[class], signin), append(times[class+" at sign-up"], signup)
				}
			}
			for class := range classes {
				for _, call := range []string{"", " at sign-up"} {
					if distance(times["unknown"+call], times[class+call]) > 2.23*math.Sqrt(2/float64(rounds)) {
						apart = append(apart, class+call)
					}
				}
			}
			return apart
		}
		// Of sixteen comparisons a run, one in 10,000 is apart by chance. What is apart by itself is so again, more than ever
		// in twice as many rounds.
		if suspects := told(40); len(suspects) > 0 {
			again := told(80)
			for _, name := range suspects {
				require.NotContains(t, again, name, "it takes another time than an unknown address, twice")
			}
		}
		for class := range classes {
			require.Equal(t, shapes["unknown"], shapes[class], class)
		}
		denied.Audited()
	})
}

// distance is how far two samples of one size are from one distribution: the two-sample statistic of Kolmogorov and
// Smirnov, 0 to 1. More than 2.23·√(2/n) has, for one distribution, a chance of 1 in 10,000.
func distance(a, b []time.Duration) (most float64) {
	slices.Sort(a)
	slices.Sort(b)
	for _, at := range slices.Concat(a, b) {
		below := func(d []time.Duration) float64 {
			n, _ := slices.BinarySearch(d, at+1)
			return float64(n) / float64(len(d))
		}
		most = max(most, math.Abs(below(a)-below(b)))
	}
	return most
}

// Row T25: no step is reached but through the one before it.
func TestT25_NoStepIsSkipped(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de")
		maria.Begins(story.Partner)
		steps := map[string]func() story.Answer{
			"draft":  func() story.Answer { return maria.Patch(maria.Path(""), map[string]any{"answers": story.Answered()}) },
			"submit": func() story.Answer { return maria.Sends(story.Partner, story.Answered()) },
		}
		for name, step := range steps {
			require.Equal(t, "proof_needed", step().Refused(http.StatusConflict, "proof_needed").Text("code"), name)
		}
		maria.Types("123456").Refused(http.StatusConflict, "email_needed")
		maria.Types("").Is(http.StatusConflict)
		maria.Gives(maria.Address).Is(http.StatusAccepted)
		code := story.CodeIn(t, maria.Letter())
		for name, step := range steps {
			require.Equal(t, "proof_needed", step().Refused(http.StatusConflict, "proof_needed").Text("code"), name)
		}
		for _, body := range []string{`{"code":""}`, `{"code":"000000","step":"details"}`, `{"code":"` + code + `","step":"request"}`} {
			require.GreaterOrEqual(t, maria.Post(maria.Path("/code"), story.Raw(body)).Status, 400)
		}
		require.Equal(t, "code", maria.Get(maria.Path("")).Text("step"))
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "identity.code_refused!"}})
	})
}

// Row T14: what was typed before proof does not survive it, and a session of before is dead after.
func TestT14_NothingFromBeforeProofSurvivesIt(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria")
		eve := tn.BrowserOf(t, "eve@evil.example") // begins in maria's name and waits
		eve.Begins(story.Partner)
		eve.Gives(maria.Address).Is(http.StatusAccepted)
		l := maria.Letter()
		eve.Patch(eve.Path(""), map[string]any{"answers": story.Answered("company", "Evil GmbH")}).Is(http.StatusConflict)
		maria.Begins(story.Partner)
		maria.Types(story.CodeIn(t, l)).Is(http.StatusConflict) // eve's code is worth nothing in maria's browser
		maria.Gives(maria.Address).Is(http.StatusAccepted)
		proved := maria.Types(story.CodeIn(t, maria.Letter())).Is(http.StatusOK)
		require.NotContains(t, string(proved.Body), "Evil")
		eve.Sends(story.Partner, story.Answered()).Is(http.StatusConflict)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 2, Codes: 2}, Audit: []string{"signup.started ×2", "signup.proved"}})
	})
}

// Row T15: signing out ends the session everywhere at once.
func TestT15_ASessionThatEndedIsDeadOnEveryReplica(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		lukas := tn.Guest(t, "lukas")
		lukas.SignsIn().Is(http.StatusOK)
		stolen := lukas.Copied().Speaks("de")
		stolen.At(1).Get("/api/v1/me").Is(http.StatusOK)
		lukas.Post("/api/v1/signout", nil).Is(http.StatusNoContent)
		for i := range tn.Replicas {
			stolen.At(i).Get("/api/v1/me").Refused(http.StatusUnauthorized, "not_signed_in")
			stolen.At(i).Get("/api/v1/me/apps").Refused(http.StatusUnauthorized, "not_signed_in")
		}
		lukas.Leaves(story.Left{
			Traces: story.Traces{Requests: 1, Guests: 1, Grants: 1, Sessions: 1, Mails: 3, Codes: 2, States: "active"},
			Audit:  append(slices.Clone(signedUp), "identity.signed_in", "identity.signed_out"),
		})
	})
}

// Row T15: whoever's access ends has no session left, however many they had.
func TestT15_AnEndOfAccessEndsEverySession(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		lukas := tn.Guest(t, "lukas")
		var sessions []*story.Person
		for range 3 {
			tn.Ages(t, "identity_signins", "mail_asked_at", 600, "address = ?", lukas.Address)
			browser := lukas.Anonymous()
			browser.SignsIn().Is(http.StatusOK)
			sessions = append(sessions, browser.Speaks("de"))
		}
		tn.Ages(t, "directory_users", "ends_at", 3*24*3600, "address = ?", lukas.Address)
		for i, browser := range sessions {
			browser.At(i).Get("/api/v1/me").Refused(http.StatusUnauthorized, "not_signed_in")
			browser.At(i+1).Get("/api/v1/me/apps").Refused(http.StatusUnauthorized, "not_signed_in")
		}
		lukas.Audited()
		require.Equal(t, 3, tn.TracesOf(t, lukas.Address).Sessions)
	})
}
