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
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Row T30: nobody is bombed with mail, however many ask from wherever and for what, and the one who tries does not learn
// where the limit is. A mailbox has one set of budgets for all codes: three mails, then one more every 200 seconds.
func TestT30_AMailboxIsNotBombed(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		victim, began, shapes := tn.Visitor(t, "victim@"+story.Unique()+".example"), time.Now(), map[string]int{}
		for range 20 { // each from a network of its own, which asks five times
			from := tn.BrowserOf(t, victim.Address)
			for i := range 4 {
				a := from.Anonymous().At(i).Post("/api/v1/signin", map[string]any{"email": victim.Address})
				shapes[story.Shape(a.Is(http.StatusOK))]++
			}
			from.Begins(story.Partner)
			shapes["signup"+story.Shape(from.Gives(victim.Address).Is(http.StatusAccepted))]++
		}
		require.Len(t, shapes, 2, "throttled or not, the answer is the same")
		story.Eventually(t, "an empty queue", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", victim.Address) == 0
		})
		list, err := tn.Mail.To(t.Context(), victim.Address)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(list), 3)
		require.LessOrEqual(t, len(list), 3+int(time.Since(began)/(200*time.Second)), "of a hundred wishes")
		require.Equal(t, len(list), tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state = 'sent'", victim.Address))
		victim.Audited()
	})
}

// within holds n answers against a budget: so many get ok, one more each time that so much of the time since has passed, and
// the rest are told to wait. It returns how many got ok.
func within(t *testing.T, statuses map[int]int, ok, n, budget int, since time.Time, refill time.Duration) int {
	t.Helper()
	more := statuses[ok] - budget
	require.GreaterOrEqual(t, more, 0, "%v", statuses)
	require.LessOrEqual(t, more, int(time.Since(since)/refill), "%v", statuses)
	require.Equal(t, n, statuses[ok]+statuses[http.StatusTooManyRequests], "%v", statuses)
	return statuses[ok]
}

// Row T30: a /24 has a budget beside those of its addresses: a hundred mails an hour for signing in, as many for signing
// up, and fifty starts in three hours. Whoever the mails are for: here for a few, so that the house has little to send.
func TestT30_AWholeNetworkHasItsShareToo(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		word, far := story.Unique(), rand.IntN(256) // networks that are nobody's, however often this is told
		flood := func(n, network, ok, budget int, refill time.Duration, ask func(p *story.Person, from string) story.Answer) {
			began, statuses := time.Now(), map[int]int{}
			for i := range n {
				p := tn.BrowserOf(t, fmt.Sprintf("t30@%s-%d.example", word, i/30)).At(i).Speaks("de")
				statuses[ask(p, fmt.Sprintf("11.%d.%d.%d", network, far, 1+i%12)).Status]++ // not more than ten from each address
			}
			within(t, statuses, ok, n, budget, began, refill)
		}
		begins := func(p *story.Person, from string) story.Answer {
			return p.With("X-Forwarded-For", from).Post("/api/v1/signups", map[string]any{"flow": story.Partner})
		}
		flood(72, 211, http.StatusCreated, 50, 3*time.Hour/50, begins)
		flood(120, 212, http.StatusOK, 100, time.Hour/100, func(p *story.Person, from string) story.Answer {
			return p.With("X-Forwarded-For", from).Post("/api/v1/signin", map[string]any{"email": p.Address})
		})
		flood(120, 213, http.StatusAccepted, 100, time.Hour/100, func(p *story.Person, from string) story.Answer {
			p.Begins(story.Partner) // elsewhere: only the mail is asked for from there
			return p.With("X-Forwarded-For", from).Gives(p.Address)
		})
		begins(tn.BrowserOf(t, "x@example.com"), fmt.Sprintf("11.214.%d.1", far)).Is(http.StatusCreated)
		tn.Visitor(t, "nobody").Leaves(story.Left{})
	})
}

// Row T30: one network asks for so many mails, whoever they are for; then it is told to wait.
func TestT30_OneNetworkSendsNoFloodOfMails(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		began, statuses, victims := time.Now(), map[int]int{}, []*story.Person{}
		word, network := story.Unique(), fmt.Sprintf("11.200.%d.%d", rand.IntN(256), rand.IntN(256)) // nobody's, however often this is told
		for i := range 40 {
			p := tn.BrowserOf(t, fmt.Sprintf("flood-%d@%s.example", i, word)).At(i).With("X-Forwarded-For", network).Speaks("de")
			a := p.Post("/api/v1/signin", map[string]any{"email": p.Address})
			statuses[a.Status]++
			if a.Status != http.StatusTooManyRequests {
				require.Equal(t, story.Traces{Mails: 1}, tn.TracesOf(t, p.Address))
				continue
			}
			a.Refused(http.StatusTooManyRequests, "too_many_requests")
			require.Contains(t, []string{"60", "300", "3600"}, a.Header.Get("Retry-After"), "coarse: it tells nothing of the counting")
			victims = append(victims, p)
		}
		within(t, statuses, http.StatusOK, 40, 20, began, time.Hour/20) // 20 mails an hour from one address
		for _, p := range victims {
			p.Leaves(story.Left{}) // the refused ask for nothing
		}
	})
}

// disguised is the person with everything that clients say to seem somebody else, new with every call; hop, if there is
// one, is what a proxy in front adds.
func disguised(p *story.Person, i int, hop string) *story.Person {
	address := "203.0.113." + strconv.Itoa(i+1)
	said := []string{address, fmt.Sprintf("2001:db8:99:1::%x", i+1), "a", "[::1", address + ", 127.0.0.1", "unknown", "", "::ffff:" + address + ":80"}[i%8]
	if hop != "" {
		said += ", " + hop
	}
	for _, name := range []string{"X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "X-Cluster-Client-Ip"} {
		p = p.With(name, address)
	}
	return p.With("X-Forwarded-For", said).With("Forwarded", "for="+address).Speaks("de")
}

// Row T99: nobody chooses the address they are counted by, whether or not it can be read. The house believes the proxy at
// 127.0.0.1; who calls from another address of this machine is nobody's.
func TestT99_AForgedAddressIsNotBelieved(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		own := net.IPv4(127, 9, byte(rand.IntN(256)), byte(1+rand.IntN(254)))
		stranger, proxied, hop := tn.Visitor(t, "eve").From(own), tn.Visitor(t, "eve"), fmt.Sprintf("11.220.%d.%d", rand.IntN(256), rand.IntN(256))
		countedAsOne(t, tn, 200, own.String(), func(i int) *story.Person { return disguised(stranger, i, "") })
		countedAsOne(t, tn, 40, hop, func(i int) *story.Person { return disguised(proxied, i, hop) })
		began, statuses := time.Now(), map[int]int{}
		for i := range 16 {
			p := disguised(stranger.Anonymous().At(i), i, "")
			statuses[p.Post("/api/v1/signups", map[string]any{"flow": story.Partner}).Status]++
		}
		within(t, statuses, http.StatusCreated, 16, 10, began, 3*time.Hour/10) // ten starts in three hours
		stranger.Leaves(story.Left{})
	})
}

// countedAsOne has n browsers ask for a code and type one, and one of them type n more. They are the client at address:
// twenty get a mail and a try, the rest nothing, and the audit names the address.
func countedAsOne(t *testing.T, tn *story.Town, n int, address string, browser func(i int) *story.Person) {
	t.Helper()
	domain := story.Unique() + ".example"
	began, asked, typed := time.Now(), map[int]int{}, map[string]int{}
	var first *story.Person
	for i := range n {
		p := browser(i).Anonymous().At(i)
		box := min(i, 1) * (1 + i%2) // few, so that the house has little to send
		a := p.Post("/api/v1/signin", map[string]any{"email": fmt.Sprintf("t99-%d@%s", box, domain)})
		asked[a.Status]++
		if a.Status == http.StatusTooManyRequests {
			require.Contains(t, []string{"60", "300", "3600"}, a.Header.Get("Retry-After"))
		}
		typed[p.Post("/api/v1/signin/code", map[string]any{"code": "123456"}).Text("code")]++
		if i == 0 {
			first = p
		}
	}
	got := within(t, asked, http.StatusOK, n, 20, began, time.Hour/20) // twenty mails an hour, however it calls itself
	require.Equal(t, map[string]int{"code_wrong": got, "signin_gone": n - got}, typed)
	typed = map[string]int{}
	for i := range n {
		p := browser(i).At(i)
		p.Jar = first.Jar
		typed[p.Post("/api/v1/signin/code", map[string]any{"code": "123456"}).Text("code")]++
	}
	require.Equal(t, map[string]int{"code_wrong": 4, "too_many_tries": n - 4}, typed, "five tries, whoever it seems to be")
	seen, err := tn.Eyes.Strings(t.Context(), "SELECT address FROM audit_events WHERE name = 'identity.code_refused' AND target IN"+
		" (SELECT id FROM identity_signins WHERE address LIKE ?)", "%@"+domain)
	require.NoError(t, err)
	require.Len(t, seen, got+5, "first tries, 4 more, and that there are too many")
	for _, one := range seen {
		require.Equal(t, address, one, "the audit names who called")
	}
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
		began, statuses := time.Now(), map[int]int{}
		for i := range 14 {
			p := eve.Anonymous().At(i).With("X-Forwarded-For", fmt.Sprintf("2001:db8:99:%x:%x::%x", network, i+1, i+7))
			statuses[p.Post("/api/v1/signups", map[string]any{"flow": story.Partner}).Status]++
		}
		within(t, statuses, http.StatusCreated, 14, 10, began, 3*time.Hour/10)
		eve.Leaves(story.Left{})
	})
}

// Row T28: wrong codes are counted for the address too, over all sign-ups and from wherever: ten in an hour, and it cools
// down. Outside nothing shows it, and the person is told once. An hour is made to pass once, a day is not: twenty in all.
func TestT28_AnAddressCoolsDownOverAllItsSignups(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		began, victim := time.Now(), tn.Guest(t, "victim@outlook.com") // a domain from which many may sign up
		before := tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state <> 'dropped'", victim.Address)
		evaluated, shapes := []int{0, 0}, map[string]int{}
		for i := range 40 {
			if i == 20 {
				tn.Ages(t, "identity_tries", "window_start", 3601, "scope_id = ? AND scope IN ('address.hour', 'address.pause')", victim.Address)
			}
			p := tn.BrowserOf(t, victim.Address).At(i).Speaks("de") // from a network of its own
			p.Begins(story.Partner)
			shapes[story.Shape(p.Gives(victim.Address).Is(http.StatusAccepted))]++
			for try := range 5 {
				a := p.Types(strconv.Itoa(100000 + 10*i + try))
				if a.Status == http.StatusOK {
					victim.Audited()
					return // one in twenty thousand
				}
				if a.Text("code") == "code_wrong" {
					evaluated[i/20]++
					continue
				}
				a.Refused(http.StatusTooManyRequests, "too_many_tries")
			}
		}
		require.Equal(t, []int{10, 10}, evaluated, "ten an hour, twenty a day, of two hundred")
		require.Len(t, shapes, 1, "cooling down or not, the answer to a start is the same")
		require.Equal(t, 1, tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND kind = 'signin.warning'", victim.Address))
		tn.LetterAbout(t, victim.Address, "wrong")
		story.Eventually(t, "an empty queue", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", victim.Address) == 0
		})
		codes := tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state <> 'dropped'", victim.Address) - before - 1
		require.GreaterOrEqual(t, codes, 2, "beside the warning what is left of three")
		require.LessOrEqual(t, codes, 2+int(time.Since(began)/(200*time.Second)))
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
