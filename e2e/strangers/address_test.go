package strangers

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T21: what looks like another's address is not theirs, and no mail goes to it.
func TestT21_LookalikeAddressesReachNobodyElse(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		people := map[string]*story.Person{"mike": tn.Guest(t, "mike"), "kim": tn.Guest(t, "kim"), "sam": tn.Guest(t, "sam")}
		before := map[string]story.Traces{}
		for name, p := range people {
			before[name] = tn.TracesOf(t, p.Address)
		}
		stranger := tn.Visitor(t, "stranger").Speaks("de")
		stranger.Begins(story.Partner)
		for _, typed := range []string{ // each for a name, as it is or with one letter changed
			"mike mıke@", "mike mi\u212Ae@", "mike ＭＩＫＥ@", "mike mike\u200b@", "mike mi\u0301ke@", "kim \u212Aim@", "kim kım@", "kim ｋim@", "sam ſam@", "sam sam\u00ad@",
			"mike mike@fаbrikam.example", "mike mike@fabrikam.example\u202e", "mike mike@FABRIKAM.example.", "kim kim@fabrikam.example.", "kim kim@fabri\u212Aam.example", "sam sam@fabrikam。example",
			"mike mike@fabrikam.example\u200d", "sam ſam@fabrikam.example.", "kim kim@ｆabrikam.example",
		} {
			name, form, _ := strings.Cut(typed, " ")
			local, domain, _ := strings.Cut(form, "@")
			if domain == "" {
				domain = "fabrikam.example"
			}
			rest := strings.TrimPrefix(strings.Split(people[name].Address, "@")[0], name)
			address := local + rest + "@" + domain
			for _, a := range []story.Answer{stranger.Gives(address), stranger.Post("/api/v1/signin", map[string]any{"email": address})} {
				if a.Status != http.StatusUnprocessableEntity { // an address of its own: only a domain may have other letters, and has them on the wire as xn--
					require.Contains(t, []int{http.StatusOK, http.StatusAccepted, http.StatusTooManyRequests}, a.Status, "%q: %s", address, a)
					require.Equal(t, "mike mike@fаbrikam.example", typed, "taken: %s", a)
				}
			}
			list, err := tn.Mail.To(t.Context(), address)
			require.NoError(t, err)
			for _, mail := range list { // a catcher may fold letters when it searches; whom it was sent to says it as it was
				for _, to := range mail.To {
					require.NotEqual(t, address, to.Address)
				}
			}
		}
		for name, p := range people {
			require.Equal(t, before[name], tn.TracesOf(t, p.Address), "no mail, no code for %s", name)
			list, err := tn.Mail.To(t.Context(), p.Address)
			require.NoError(t, err)
			require.Len(t, list, *p.Read)
			p.Leaves(story.Left{Traces: before[name], Audit: signedUp})
		}
		require.Zero(t, tn.Count(t, "SELECT count(*) FROM mails WHERE "+notASCII[tn.Name]), "no mail to an address that is not ASCII")
	})
}

// notASCII is the condition of a recipient with a character outside ASCII.
var notASCII = map[string]string{"sqlite": "recipient GLOB '*[^ -~]*'", "postgres": "recipient ~ '[^ -~]'"}

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
			"xn--corp-example.evil.com": false, "corp.example.": false, "a.fabrikam.example.": false, "xn--crp-jua.example": false, ".corp.example": false,
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

// Row T23: a rule that would hold for a whole top level is not taken.
func TestT23_ARuleForAWholeTopLevelIsRefused(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		good, err := os.ReadFile(filepath.Join(stack.Root(), "e2e", "story", "testdata", "flows", "company.yaml"))
		require.NoError(t, err)
		before := tn.Count(t, "SELECT count(*) FROM flow_versions")
		for _, rule := range []string{"*.co.uk", "*", "com", "*.com", "co.uk", "*.*", "*corp.example", "corp.*", "@corp.example", "corp.example."} {
			text := strings.Replace(string(good), `"*.fabrikam.example"`, `"`+rule+`"`, 1)
			require.NotEqual(t, string(good), text)
			file := filepath.Join(t.TempDir(), "company.yaml")
			require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			_, err := tn.Plan.Run(t.Context(), "flow", "apply", "-f", file)
			require.ErrorContains(t, err, rule, "the rule %s is taken", rule)
		}
		require.Equal(t, before, tn.Count(t, "SELECT count(*) FROM flow_versions"))
		tn.Visitor(t, "nobody").Leaves(story.Left{})
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
			"ended": tn.Guest(t, "ended@crowd.example").Address, "disabled": tn.Guest(t, "disabled@crowd.example").Address, "throttled": tn.Guest(t, "throttled@crowd.example").Address,
		}
		tn.Ages(t, "directory_users", "ends_at", 3*24*3600, "address = ?", classes["ended"])
		tampers(t, tn, "UPDATE directory_users SET account_enabled = FALSE WHERE address = '"+classes["disabled"]+"'") // no door does that yet
		coolsDown(t, tn, classes["throttled"])
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
		// Of 28 comparisons a run, one in 10,000 is apart by chance. What is apart by itself is so again, more than ever
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

// coolsDown types wrong codes for an address until it takes none.
func coolsDown(t *testing.T, tn *story.Town, address string) {
	t.Helper()
	for range 4 {
		p := tn.BrowserOf(t, address)
		p.Post("/api/v1/signin", map[string]any{"email": address}).Is(http.StatusOK)
		for try := range 5 {
			p.Post("/api/v1/signin/code", map[string]any{"code": fmt.Sprintf("00000%d", try)})
		}
	}
	p := tn.BrowserOf(t, address).Speaks("de")
	p.Post("/api/v1/signin", map[string]any{"email": address}).Is(http.StatusOK)
	p.Post("/api/v1/signin/code", map[string]any{"code": "000000"}).Refused(http.StatusTooManyRequests, "too_many_tries")
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
