package journeys

import (
	"context"
	"database/sql"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
	"github.com/vestibule-id/vestibule/e2e/stack"
)

// locks holds a table of a PostgreSQL house until release is called.
func (tn *town) locks(t *testing.T, table string) (release func()) {
	t.Helper()
	db, err := sql.Open("pgx", tn.plan.Database)
	require.NoError(t, err)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	return func() {
		_ = tx.Rollback()
		_ = db.Close()
	}
}

// behind is a PostgreSQL house whose database is reached through a proxy with weather.
func behind(t *testing.T, w stack.Weather) (stack.Plan, *stack.Proxy) {
	t.Helper()
	plan, err := newPlan(t.Context(), "postgres", world.mail)
	require.NoError(t, err)
	require.NoError(t, furnish(t.Context(), plan))
	address, err := url.Parse(plan.Database)
	require.NoError(t, err)
	proxy, err := stack.NewProxy(address.Host)
	require.NoError(t, err)
	t.Cleanup(proxy.Close)
	require.NoError(t, proxy.Set(w))
	plan.Direct = plan.Database
	address.Host = proxy.Addr
	plan.Database = address.String()
	return plan, proxy
}

func TestHouseStartsBeforeItsDatabase(t *testing.T) {
	t.Parallel()
	plan, proxy := behind(t, stack.Cut)
	house, err := plan.Start()
	require.NoError(t, err)
	t.Cleanup(house.Kill)
	eventually(t, "life without a database", func() bool { return house.Answers(t.Context(), "/livez") == http.StatusOK })
	require.Equal(t, http.StatusServiceUnavailable, house.Answers(t.Context(), "/readyz"))
	require.NoError(t, proxy.Set(stack.Clear))
	require.NoError(t, house.Ready(t.Context()))
	require.NoError(t, house.Stop(t.Context()))
}

func TestBadInput_DatabaseDown(t *testing.T) {
	t.Parallel()
	plan, proxy := behind(t, stack.Clear)
	tn, err := openHouses(t.Context(), "postgres", plan, 1)
	require.NoError(t, err)
	t.Cleanup(func() { tn.close(t) })
	maria := tn.visitor(t, "maria").proves(partner).speaks("de")
	body := maria.submission(partner, answered())
	for _, weather := range []stack.Weather{stack.Cut, stack.Blackhole} {
		before := tn.tracesOf(t, maria.address)
		require.NoError(t, proxy.Set(weather))
		for _, call := range []func() answer{
			func() answer { return maria.post(maria.path("/submit"), body) },
			func() answer { return maria.get("/api/v1/me").is(http.StatusUnauthorized) },
			func() answer { return maria.patch(maria.path(""), map[string]any{"answers": map[string]any{}}) },
		} {
			start := time.Now()
			a := call()
			require.Less(t, time.Since(start), 10*time.Second, "a hung database does not hang the house: %s", a)
			if a.status == http.StatusUnauthorized {
				continue // without a cookie there is nothing to look up
			}
			a.refused(http.StatusServiceUnavailable, "database_unavailable")
			require.NotEmpty(t, a.header.Get("Retry-After"))
		}
		require.Equal(t, http.StatusOK, tn.replicas[0].Answers(t.Context(), "/livez"))
		eventually(t, "honest readiness", func() bool { return tn.replicas[0].Answers(t.Context(), "/readyz") == http.StatusServiceUnavailable })
		require.NoError(t, proxy.Set(stack.Clear))
		eventually(t, "recovery", func() bool { return tn.replicas[0].Answers(t.Context(), "/readyz") == http.StatusOK })
		require.Equal(t, before, tn.tracesOf(t, maria.address))
	}
	require.Equal(t, "details", maria.get(maria.path("")).is(http.StatusOK).text("step"), "what was typed is there still")
	maria.post(maria.path("/submit"), body).is(http.StatusAccepted)
	maria.letter()
}

func TestDatabaseRestartIsSurvived(t *testing.T) {
	t.Parallel()
	tn := own(t, "postgres", 1, nil)
	maria := tn.visitor(t, "maria").proves(partner)
	for range 3 {
		require.Zero(t, tn.count(t, `SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()) ended WHERE 1 = 0`))
		eventually(t, "an answer", func() bool { return maria.get(maria.path("")).status == http.StatusOK })
	}
	maria.sends(partner, answered()).is(http.StatusAccepted)
	maria.letter() // workers came back as well
}

// mailless is a house of one's own with a mail server that misbehaves on command.
func mailless(t *testing.T, kind string) (*town, *mailstand.Server) {
	t.Helper()
	mail, err := stack.StandIn()
	require.NoError(t, err)
	t.Cleanup(mail.Close)
	tn := own(t, kind, 1, func(p *stack.Plan) { p.SMTP = mail.SMTP })
	tn.mail = mail
	return tn, mail.Stand()
}

// hurries makes waiting work due and lets the leases of dead workers run out: the house waits for both, the test does not.
func (tn *town) hurries(t *testing.T) {
	t.Helper()
	tn.ages(t, "jobs", "run_at", 3600, "state = 'waiting'")
	tn.ages(t, "jobs", "locked_until", 3600, "state = 'running'")
}

// hurriesUntil hurries again and again until cond holds.
func (tn *town) hurriesUntil(t *testing.T, what string, cond func() bool) {
	t.Helper()
	eventually(t, what, func() bool {
		if cond() {
			return true
		}
		tn.hurries(t)
		return false
	})
}

func TestMailIsTriedAgainAfterATemporaryRefusal(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		tn, server := mailless(t, kind)
		maria := tn.visitor(t, "maria")
		server.Script(maria.address, mailstand.Fault{Stage: mailstand.AtRcpt, Code: 451, Say: "greylisted", Times: 1})
		maria.begins(partner)
		maria.gives(maria.address).is(http.StatusAccepted)
		eventually(t, "the first try", func() bool {
			return tn.count(t, "SELECT count(*) FROM mails WHERE address = ? AND state = 'retrying'", maria.address) == 1
		})
		tn.hurriesUntil(t, "the second try", func() bool {
			return tn.count(t, "SELECT count(*) FROM mails WHERE address = ? AND state = 'sent'", maria.address) == 1
		})
		maria.types(codeIn(t, maria.letter())).is(http.StatusOK)
		require.Equal(t, 1, tn.tracesOf(t, maria.address).Mails)
	})
}

func TestMailRefusedForGoodIsSeenByStaff(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		tn, server := mailless(t, kind)
		maria := tn.visitor(t, "maria").proves(partner)
		server.Script(maria.address, mailstand.Fault{Stage: mailstand.AtRcpt, Code: 550, Say: "mailbox full, try another"})
		maria.sends(partner, answered()).is(http.StatusAccepted)
		id, sponsor := tn.requestID(t, maria.ref), tn.member(t, jonas)
		eventually(t, "the refusal on the card", func() bool {
			for _, one := range sponsor.get("/api/v1/approvals/" + id).is(http.StatusOK).list("deliveries") {
				d := one.(map[string]any)
				if d["state"] == "failed" && d["to"] == maria.address {
					require.Contains(t, d["reason"], "mailbox full")
					return true
				}
			}
			return false
		})
		sponsor.decides(id, "approve", nil).is(http.StatusOK)
		require.Equal(t, "active", maria.request().text("state"), "mail that cannot be delivered stops nothing else")
	})
}

func TestBadInput_MailServerDown(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		tn, server := mailless(t, kind)
		maria := tn.visitor(t, "maria")
		server.Close()
		maria.begins(partner)
		start := time.Now()
		maria.gives(maria.address).is(http.StatusAccepted)
		require.Less(t, time.Since(start), 2*time.Second, "a slow mail server slows nobody")
		require.Equal(t, http.StatusOK, tn.replicas[0].Answers(t.Context(), "/readyz"))
		eventually(t, "a try that failed", func() bool {
			return tn.count(t, "SELECT count(*) FROM mails WHERE address = ? AND state = 'retrying' AND attempts > 0", maria.address) == 1
		})
	})
}

func TestAMailIsNotSentTwiceBecauseTheLineDropped(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		tn, server := mailless(t, kind)
		maria := tn.visitor(t, "maria").proves(partner)
		server.Script(maria.address, mailstand.Fault{Stage: mailstand.AfterDot, Times: 1})
		maria.sends(partner, answered()).is(http.StatusAccepted)
		eventually(t, "the mail on the wire", func() bool { return len(server.All()) >= 2 })
		tn.hurriesUntil(t, "the mail's end", func() bool {
			return tn.count(t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", maria.address) == 0
		})
		ids := map[string]int{}
		list, err := tn.mail.To(t.Context(), maria.address)
		require.NoError(t, err)
		for _, one := range list {
			ids[one.MessageID]++
		}
		require.Len(t, ids, 2, "code and receipt: a second delivery bears the same Message-ID")
	})
}

func TestAStopIsGraceful(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		tn := own(t, kind, 1, nil)
		maria := tn.visitor(t, "maria").asks(partner, answered())
		heard := maria.follows(30 * time.Second)
		<-heard
		people := make([]*person, 8)
		for i := range people {
			people[i] = tn.visitor(t, "many").proves(partner)
		}
		bodies := make([]map[string]any, len(people))
		for i := range people {
			bodies[i] = people[i].submission(partner, answered())
		}
		house := tn.replicas[0]
		statuses := together(len(people)+1, func(i int) int {
			if i == len(people) {
				_ = house.Signal(syscall.SIGTERM)
				return 0
			}
			a, err := people[i].try(http.MethodPost, people[i].path("/submit"), bodies[i])
			if err != nil {
				return -1 // the door was closed already; nothing was acknowledged
			}
			return a.status
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		require.NoError(t, house.Wait(ctx), "exit code 0")
		acknowledged := statuses[http.StatusAccepted]
		require.GreaterOrEqual(t, tn.count(t, "SELECT count(*) FROM requests WHERE flow_slug = ? AND name LIKE 'Maria%' AND address LIKE 'many-%'", partner), acknowledged)
		again, err := tn.plan.StartAt(house.Addr)
		require.NoError(t, err)
		require.NoError(t, again.Ready(t.Context()))
		tn.replicas[0] = again
		for _, p := range people {
			if p.get(p.path("")).text("step") == "request" {
				p.letter() // the receipt that was ordered comes after the restart at the latest
			}
		}
	})
}

func TestAKilledHouseLosesNothingThatItAcknowledged(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		tn := own(t, kind, 1, nil)
		for range 2 {
			maria := tn.visitor(t, "maria").proves(partner)
			maria.sends(partner, answered()).is(http.StatusAccepted)
			tn.replicas[0].Kill()
			again, err := tn.plan.StartAt(tn.replicas[0].Addr)
			require.NoError(t, err)
			require.NoError(t, again.Ready(t.Context()))
			tn.replicas[0] = again
			require.Equal(t, "pending", maria.request().is(http.StatusOK).text("state"))
			tn.hurriesUntil(t, "the receipt", func() bool {
				list, err := tn.mail.About(t.Context(), maria.address, maria.ref)
				return err == nil && len(list) > 0
			})
		}
	})
}
