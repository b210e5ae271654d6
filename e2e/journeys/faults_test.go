package journeys

import (
	"context"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/mailstand"
	"github.com/vestibule-id/vestibule/e2e/stack"
	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestHouseStartsBeforeItsDatabase(t *testing.T) {
	t.Parallel()
	plan, proxy := story.Behind(t, stack.Cut)
	house, err := plan.Start()
	require.NoError(t, err)
	t.Cleanup(house.Kill)
	story.Eventually(t, "life without a database", func() bool { return house.Answers(t.Context(), "/livez") == http.StatusOK })
	require.Equal(t, http.StatusServiceUnavailable, house.Answers(t.Context(), "/readyz"))
	require.NoError(t, proxy.Set(stack.Clear))
	require.NoError(t, house.Ready(t.Context()))
	require.NoError(t, house.Stop(t.Context()))
}

func TestBadInput_DatabaseDown(t *testing.T) {
	t.Parallel()
	plan, proxy := story.Behind(t, stack.Clear)
	tn, err := story.OpenHouses(t.Context(), "postgres", plan, 1)
	require.NoError(t, err)
	t.Cleanup(func() { tn.Close(t) })
	maria := tn.Visitor(t, "maria").Proves(story.Partner).Speaks("de")
	body := maria.Submission(story.Partner, story.Answered())
	for _, weather := range []stack.Weather{stack.Cut, stack.Blackhole} {
		before := tn.TracesOf(t, maria.Address)
		require.NoError(t, proxy.Set(weather))
		for _, call := range []func() story.Answer{
			func() story.Answer { return maria.Post(maria.Path("/submit"), body) },
			func() story.Answer { return maria.Get("/api/v1/me").Is(http.StatusUnauthorized) },
			func() story.Answer { return maria.Patch(maria.Path(""), map[string]any{"answers": map[string]any{}}) },
		} {
			start := time.Now()
			a := call()
			require.Less(t, time.Since(start), 10*time.Second, "a hung database does not hang the house: %s", a)
			if a.Status == http.StatusUnauthorized {
				continue // without a cookie there is nothing to look up
			}
			a.Refused(http.StatusServiceUnavailable, "database_unavailable")
			require.NotEmpty(t, a.Header.Get("Retry-After"))
		}
		require.Equal(t, http.StatusOK, tn.Replicas[0].Answers(t.Context(), "/livez"))
		story.Eventually(t, "honest readiness", func() bool { return tn.Replicas[0].Answers(t.Context(), "/readyz") == http.StatusServiceUnavailable })
		require.NoError(t, proxy.Set(stack.Clear))
		story.Eventually(t, "recovery", func() bool { return tn.Replicas[0].Answers(t.Context(), "/readyz") == http.StatusOK })
		require.Equal(t, before, tn.TracesOf(t, maria.Address))
	}
	require.Equal(t, "details", maria.Get(maria.Path("")).Is(http.StatusOK).Text("step"), "what was typed is there still")
	maria.Post(maria.Path("/submit"), body).Is(http.StatusAccepted)
	maria.Letter()
}

func TestDatabaseRestartIsSurvived(t *testing.T) {
	t.Parallel()
	tn := story.Own(t, "postgres", 1, nil)
	maria := tn.Visitor(t, "maria").Proves(story.Partner)
	for range 3 {
		require.Zero(t, tn.Count(t, `SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()) ended WHERE 1 = 0`))
		story.Eventually(t, "an answer", func() bool { return maria.Get(maria.Path("")).Status == http.StatusOK })
	}
	maria.Sends(story.Partner, story.Answered()).Is(http.StatusAccepted)
	maria.Letter() // workers came back as well
}

func TestMailIsTriedAgainAfterATemporaryRefusal(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn, server := story.Mailless(t, kind)
		maria := tn.Visitor(t, "maria")
		server.Script(maria.Address, mailstand.Fault{Stage: mailstand.AtRcpt, Code: 451, Say: "greylisted", Times: 1})
		maria.Begins(story.Partner)
		maria.Gives(maria.Address).Is(http.StatusAccepted)
		story.Eventually(t, "the first try", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state = 'retrying'", maria.Address) == 1
		})
		tn.HurriesUntil(t, "the second try", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state = 'sent'", maria.Address) == 1
		})
		maria.Types(story.CodeIn(t, maria.Letter())).Is(http.StatusOK)
		require.Equal(t, 1, tn.TracesOf(t, maria.Address).Mails)
	})
}

func TestMailRefusedForGoodIsSeenByStaff(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn, server := story.Mailless(t, kind)
		maria := tn.Visitor(t, "maria").Proves(story.Partner)
		server.Script(maria.Address, mailstand.Fault{Stage: mailstand.AtRcpt, Code: 550, Say: "mailbox full, try another"})
		maria.Sends(story.Partner, story.Answered()).Is(http.StatusAccepted)
		id, sponsor := tn.RequestID(t, maria.Ref), tn.Member(t, story.Jonas)
		story.Eventually(t, "the refusal on the card", func() bool {
			for _, one := range sponsor.Get("/api/v1/approvals/" + id).Is(http.StatusOK).List("deliveries") {
				d := one.(map[string]any)
				if d["state"] == "failed" && d["to"] == maria.Address {
					require.Contains(t, d["reason"], "mailbox full")
					return true
				}
			}
			return false
		})
		sponsor.Decides(id, "approve", nil).Is(http.StatusOK)
		require.Equal(t, "active", maria.Request().Text("state"), "mail that cannot be delivered stops nothing else")
	})
}

func TestBadInput_MailServerDown(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn, server := story.Mailless(t, kind)
		maria := tn.Visitor(t, "maria")
		server.Close()
		maria.Begins(story.Partner)
		start := time.Now()
		maria.Gives(maria.Address).Is(http.StatusAccepted)
		require.Less(t, time.Since(start), 2*time.Second, "a slow mail server slows nobody")
		require.Equal(t, http.StatusOK, tn.Replicas[0].Answers(t.Context(), "/readyz"))
		story.Eventually(t, "a try that failed", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state = 'retrying' AND attempts > 0", maria.Address) == 1
		})
	})
}

func TestAMailIsNotSentTwiceBecauseTheLineDropped(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn, server := story.Mailless(t, kind)
		maria := tn.Visitor(t, "maria").Proves(story.Partner)
		server.Script(maria.Address, mailstand.Fault{Stage: mailstand.AfterDot, Times: 1})
		maria.Sends(story.Partner, story.Answered()).Is(http.StatusAccepted)
		story.Eventually(t, "the mail on the wire", func() bool { return len(server.All()) >= 2 })
		tn.HurriesUntil(t, "the mail's end", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", maria.Address) == 0
		})
		ids := map[string]int{}
		list, err := tn.Mail.To(t.Context(), maria.Address)
		require.NoError(t, err)
		for _, one := range list {
			ids[one.MessageID]++
		}
		require.Len(t, ids, 2, "code and receipt: a second delivery bears the same Message-ID")
	})
}

func TestAStopIsGraceful(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := story.Own(t, kind, 1, nil)
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		heard := maria.Follows(30 * time.Second)
		<-heard
		people := make([]*story.Person, 8)
		for i := range people {
			people[i] = tn.Visitor(t, "many").Proves(story.Partner)
		}
		bodies := make([]map[string]any, len(people))
		for i := range people {
			bodies[i] = people[i].Submission(story.Partner, story.Answered())
		}
		house := tn.Replicas[0]
		statuses := story.Together(len(people)+1, func(i int) int {
			if i == len(people) {
				_ = house.Signal(syscall.SIGTERM)
				return 0
			}
			a, err := people[i].Try(http.MethodPost, people[i].Path("/submit"), bodies[i])
			if err != nil {
				return -1 // the door was closed already; nothing was acknowledged
			}
			return a.Status
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		require.NoError(t, house.Wait(ctx), "exit code 0")
		acknowledged := statuses[http.StatusAccepted]
		require.GreaterOrEqual(t, tn.Count(t, "SELECT count(*) FROM requests WHERE flow_slug = ? AND name LIKE 'Maria%' AND address LIKE 'many-%'", story.Partner), acknowledged)
		again, err := tn.Plan.StartAt(house.Addr)
		require.NoError(t, err)
		require.NoError(t, again.Ready(t.Context()))
		tn.Replicas[0] = again
		for _, p := range people {
			if p.Get(p.Path("")).Text("step") == "request" {
				p.Letter() // the receipt that was ordered comes after the restart at the latest
			}
		}
	})
}

func TestAKilledHouseLosesNothingThatItAcknowledged(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := story.Own(t, kind, 1, nil)
		for range 2 {
			maria := tn.Visitor(t, "maria").Proves(story.Partner)
			maria.Sends(story.Partner, story.Answered()).Is(http.StatusAccepted)
			tn.Replicas[0].Kill()
			again, err := tn.Plan.StartAt(tn.Replicas[0].Addr)
			require.NoError(t, err)
			require.NoError(t, again.Ready(t.Context()))
			tn.Replicas[0] = again
			require.Equal(t, "pending", maria.Request().Is(http.StatusOK).Text("state"))
			tn.HurriesUntil(t, "the receipt", func() bool {
				list, err := tn.Mail.About(t.Context(), maria.Address, maria.Ref)
				return err == nil && len(list) > 0
			})
		}
	})
}
