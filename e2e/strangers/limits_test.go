package strangers

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T30: nobody is bombed with mail, and the one who tries does not learn where the limit is.
func TestT30_AMailboxIsNotBombed(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		victim := tn.Visitor(t, "victim")
		shapes := map[string]bool{}
		for i := range 12 { // each from a network of its own
			p := tn.BrowserOf(t, victim.Address).At(i)
			shapes[story.Shape(p.Post("/api/v1/signin", map[string]any{"email": victim.Address}).Is(http.StatusOK))] = true
			p.Begins(story.Partner)
			shapes["signup"+story.Shape(p.Gives(victim.Address).Is(http.StatusAccepted))] = true
		}
		require.Len(t, shapes, 2, "throttled or not, the answer is the same")
		story.Eventually(t, "an empty queue", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", victim.Address) == 0
		})
		list, err := tn.Mail.To(t.Context(), victim.Address)
		require.NoError(t, err)
		require.NotEmpty(t, list)
		require.LessOrEqual(t, len(list), 6, "3 in 10 minutes for signing up and for signing in")
		require.Equal(t, len(list), tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state = 'sent'", victim.Address))
		victim.Audited()
	})
}

// Row T30: one network asks for so many mails, whoever they are for; then it is told to wait.
func TestT30_OneNetworkSendsNoFloodOfMails(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		statuses, victims := map[int]int{}, []*story.Person{}
		word, network := story.Unique(), fmt.Sprintf("11.200.%d.%d", rand.IntN(256), rand.IntN(256)) // nobody's, however often this is told
		for i := range 40 {
			p := tn.BrowserOf(t, fmt.Sprintf("flood-%d@%s.example", i, word)).At(i).With("X-Forwarded-For", network).Speaks("de")
			a := p.Post("/api/v1/signin", map[string]any{"email": p.Address})
			statuses[a.Status]++
			if a.Status == http.StatusTooManyRequests {
				a.Refused(http.StatusTooManyRequests, "too_many_requests")
				require.Contains(t, []string{"60", "300", "3600"}, a.Header.Get("Retry-After"), "coarse: it tells nothing of the counting")
			}
			victims = append(victims, p)
		}
		require.Equal(t, map[int]int{http.StatusOK: 20, http.StatusTooManyRequests: 20}, statuses, "20 mails an hour from one address")
		for i, p := range victims {
			mails := 0
			if i < 20 {
				mails = 1
			}
			require.Equal(t, story.Traces{Mails: mails}, tn.TracesOf(t, p.Address), "the refused ask for nothing")
		}
		victims[39].Leaves(story.Left{})
	})
}

// Row T99: nobody chooses the address they are counted by. The house believes the proxy at 127.0.0.1; these call from
// another address of this machine, which is none.
func TestT99_AForgedAddressIsNotBelieved(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		refused := 0
		eve := tn.Visitor(t, "eve").From(net.IPv4(127, 9, byte(rand.IntN(256)), byte(1+rand.IntN(254))))
		for i := range 16 {
			p := eve.Anonymous().At(i)
			for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"} {
				p = p.With(name, "203.0.113."+strconv.Itoa(i+1))
			}
			p = p.With("Forwarded", "for=203.0.113."+strconv.Itoa(i+1))
			a := p.Speaks("de").Post("/api/v1/signups", map[string]any{"flow": story.Partner})
			if a.Status == http.StatusTooManyRequests {
				refused++
				a.Refused(http.StatusTooManyRequests, "too_many_requests")
				require.NotEmpty(t, a.Header.Get("Retry-After"))
			}
		}
		require.Equal(t, 6, refused, "ten starts in three hours from one network, however it calls itself")
		eve.Leaves(story.Left{})
		require.Zero(t, tn.Count(t, "SELECT count(*) FROM audit_events WHERE address LIKE '203.0.113.%'"))
	})
}

// Row T99: of what the proxy says, the address that it has seen itself counts, not what the client put before it; what
// cannot be read is the proxy's own.
func TestT99_TheProxysWordIsTheRightMostOne(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria")
		from := func(header string) string {
			p := tn.BrowserOf(t, maria.Address).With("X-Forwarded-For", header)
			p.Begins(story.Partner)
			p.Gives("maria-" + story.Unique() + "@" + story.Unique() + ".example").Is(http.StatusAccepted)
			found, err := tn.Eyes.Strings(t.Context(), "SELECT address FROM audit_events WHERE target = ? AND name = 'signup.started'", p.Signup)
			require.NoError(t, err)
			require.Len(t, found, 1)
			return found[0]
		}
		for header, want := range map[string]string{
			"203.0.113.77, 11.201.0.1": "11.201.0.1", "127.0.0.1, 11.201.0.2": "11.201.0.2", "11.201.0.3": "11.201.0.3", "11.201.0.4, 127.0.0.1": "11.201.0.4",
			"203.0.113.78, rubbish": "127.0.0.1", "": "127.0.0.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2:3:4:5:6",
		} {
			require.Equal(t, want, from(header), "X-Forwarded-For: %s", header)
		}
		maria.Leaves(story.Left{})
	})
}

// Row T99: in IPv6 a client has a whole /64, and is counted by it.
func TestT99_OneIPv6NetworkIsOneClient(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		eve, network := tn.Visitor(t, "eve"), rand.IntN(1<<16)
		statuses := map[int]int{}
		for i := range 14 {
			p := eve.Anonymous().At(i).With("X-Forwarded-For", fmt.Sprintf("2001:db8:99:%x:%x::%x", network, i+1, i+7))
			statuses[p.Post("/api/v1/signups", map[string]any{"flow": story.Partner}).Status]++
		}
		require.Equal(t, map[int]int{http.StatusCreated: 10, http.StatusTooManyRequests: 4}, statuses)
		eve.Leaves(story.Left{})
	})
}

// Row T28: wrong codes are counted for the address too, over all sign-ups and from wherever; outside nothing shows it.
func TestT28_AnAddressCoolsDownOverAllItsSignups(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		victim := tn.Visitor(t, "victim")
		evaluated, last := 0, ""
		for i := range 4 {
			p := tn.BrowserOf(t, victim.Address).At(i).Speaks("de")
			p.Begins(story.Partner)
			p.Gives(victim.Address).Is(http.StatusAccepted)
			for try := range 5 {
				a := p.Types(strconv.Itoa(900000 + 10*i + try))
				if a.Status == http.StatusOK {
					victim.Audited()
					return // one in a hundred thousand
				}
				if last = a.Text("code"); last != "too_many_tries" {
					evaluated++
				}
			}
		}
		require.Equal(t, "too_many_tries", last)
		require.LessOrEqual(t, evaluated, 10, "ten wrong codes an hour for one address")
		require.Positive(t, evaluated)
		victim.Audited()
	})
}

// Row T100: where counting fails, nothing is tried and nothing is sent; what only reads goes on.
func TestT100_WithoutItsCountersTheHouseTriesNoCode(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := counted(t, kind)
		end := tn.Begins(t, "503")
		maria, code, token := tn.WaitsForProof(t, "maria")
		lukas := tn.Guest(t, "lukas")
		lukas.Post("/api/v1/signin", map[string]any{"email": lukas.Address}).Is(http.StatusOK)
		signin := story.CodeIn(t, lukas.Letter())
		newcomer := tn.Visitor(t, "newcomer")
		newcomer.Begins(story.Partner)
		calls := map[string]map[string]func(p *story.Person) story.Answer{
			"identity_tries": {
				"code at sign-up": func(p *story.Person) story.Answer { return p.Post(maria.Path("/code"), map[string]any{"code": code}) },
				"code at sign-in": func(p *story.Person) story.Answer {
					return p.Post("/api/v1/signin/code", map[string]any{"code": signin})
				},
			},
			"limit_buckets": {
				"a sign-up begins": func(p *story.Person) story.Answer {
					return p.Post("/api/v1/signups", map[string]any{"flow": story.Partner})
				},
				"an address": func(p *story.Person) story.Answer {
					return p.Post(newcomer.Path("/email"), map[string]any{"email": newcomer.Address})
				},
				"a sign-in": func(p *story.Person) story.Answer {
					return p.Post("/api/v1/signin", map[string]any{"email": newcomer.Address})
				},
				"a set-up": func(p *story.Person) story.Answer {
					return p.Post("/api/v1/setup/check", map[string]any{"token": token})
				},
			},
		}
		who := map[string]*story.Person{"code at sign-up": maria, "code at sign-in": lukas, "an address": newcomer}
		for table, tried := range calls {
			release := tn.Locks(t, table)
			closed := refusals(tried, who, newcomer)
			for name, a := range closed {
				a.Refused(http.StatusServiceUnavailable, "database_unavailable")
				require.NotEmpty(t, a.Header.Get("Retry-After"), name)
			}
			require.Equal(t, http.StatusOK, maria.Get("/api/v1/tenant").Status, "what only reads goes on")
			release()
		}
		require.Equal(t, "code", maria.Get(maria.Path("")).Text("step"), "nothing was tried")
		lukas.Speaks("de").Get("/api/v1/me").Refused(http.StatusUnauthorized, "not_signed_in")
		newcomer.Leaves(story.Left{})
		maria.Types(code).Is(http.StatusOK)
		lukas.Post("/api/v1/signin/code", map[string]any{"code": signin}).Is(http.StatusOK)
		maria.Leaves(story.Left{Traces: story.Traces{Mails: 1, Codes: 1}, Audit: []string{"signup.started", "signup.proved"}})
		end()
	})
}

// refusals makes all calls at once, each in a browser of its own: the house gives up on each after seconds.
func refusals(calls map[string]func(p *story.Person) story.Answer, who map[string]*story.Person, otherwise *story.Person) map[string]story.Answer {
	names := slices.Collect(maps.Keys(calls))
	answers := make([]story.Answer, len(names))
	story.Together(len(names), func(i int) bool {
		p := who[names[i]]
		if p == nil {
			p = otherwise.Anonymous()
		}
		answers[i] = calls[names[i]](p.Copied().Braced().Speaks("de"))
		return true
	})
	told := map[string]story.Answer{}
	for i, name := range names {
		told[name] = answers[i]
	}
	return told
}
