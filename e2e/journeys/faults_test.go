package journeys

import (
	"context"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
			func() story.Answer { return maria.Braced().Post(maria.Path("/submit"), body) },
			func() story.Answer { return maria.Get("/api/v1/me").Is(http.StatusUnauthorized) },
			func() story.Answer {
				return maria.Braced().Patch(maria.Path(""), map[string]any{"answers": map[string]any{}})
			},
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

func TestAStopIsGraceful(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := story.Own(t, kind, 1, nil)
		maria := tn.Visitor(t, "maria").Asks(story.Partner, story.Answered())
		heard := maria.Follows(time.Minute)
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
