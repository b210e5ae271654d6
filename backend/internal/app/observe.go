package app

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/operation"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// observe lets the rooms be counted, if there is a listener that shows the counts; otherwise nobody counts anything.
func (h *House) observe() {
	if h.Metrics == nil {
		return
	}
	h.Audit.OnLasted(h.Metrics.Event)
	h.Identity.Codes.OnResult(h.Metrics.Code)
	h.watchStates()
	h.watchJobs()
	h.watchMail()
	h.watchProcess()
}

func (h *House) watchStates() {
	h.Metrics.Watch(operation.Watched{
		Name: "requests", Help: "Requests by state, read once a minute.", Labels: []string{"state"}, Slow: true,
		Read: func(ctx context.Context) ([]operation.Reading, error) {
			counts, err := h.Approvals.CountByState(ctx)
			return readings(counts), err
		},
	})
	h.Metrics.Watch(operation.Watched{
		Name: "guests", Help: "Guests by state, read once a minute.", Labels: []string{"state"}, Slow: true,
		Read: func(ctx context.Context) ([]operation.Reading, error) {
			counts, err := h.People.CountGuests(ctx)
			return readings(counts), err
		},
	})
}

func readings[K ~string](counts map[K]int64) []operation.Reading {
	out := []operation.Reading{}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, operation.Reading{Value: float64(counts[name]), Labels: []string{string(name)}})
	}
	return out
}

func (h *House) watchJobs() {
	h.Metrics.Watch(operation.Watched{
		Name: "jobs", Help: "Background work by kind and state.", Labels: []string{"queue", "state"},
		Read: func(ctx context.Context) (out []operation.Reading, err error) {
			kinds, err := h.Jobs.Health(ctx)
			for _, k := range kinds {
				out = append(out, operation.Reading{Value: float64(k.Waiting), Labels: []string{k.Kind, "waiting"}},
					operation.Reading{Value: float64(k.Running), Labels: []string{k.Kind, "running"}},
					operation.Reading{Value: float64(k.Dead), Labels: []string{k.Kind, "dead"}})
			}
			return out, err
		},
	})
	h.Metrics.Watch(operation.Watched{
		Name: "job_oldest_age_seconds", Help: "For how long the work that is due has been waiting at most; 0 when none is due.",
		Read: func(ctx context.Context) ([]operation.Reading, error) {
			kinds, err := h.Jobs.Health(ctx)
			oldest := time.Duration(0)
			for _, k := range kinds {
				if !k.OldestDue.IsZero() {
					oldest = max(oldest, h.DB.Now().Sub(k.OldestDue))
				}
			}
			return one(oldest.Seconds()), err
		},
	})
}

func (h *House) watchMail() {
	h.Metrics.Watch(operation.Watched{
		Name: "mail_server_down_seconds", Help: "For how long mail has been waiting because the mail server takes none; 0 while it leaves.",
		Read: func(context.Context) ([]operation.Reading, error) {
			since, _ := h.Mail.Waiting()
			if since.IsZero() {
				return one(0), nil
			}
			return one(max(0, h.DB.Now().Sub(since).Seconds())), nil
		},
	})
}

func (h *House) watchProcess() {
	total := func(name, help string, read func() float64) {
		h.Metrics.Watch(operation.Watched{Name: name, Help: help, Total: true, Read: func(context.Context) ([]operation.Reading, error) { return one(read()), nil }})
	}
	total("shed_total", "Requests turned away because there were too many at once.", func() float64 { return float64(h.watch.Shed.Load()) })
	total("forwarded_ignored_total", "Requests whose X-Forwarded-For was ignored because the peer is not trusted.",
		func() float64 { return float64(h.watch.Forwarding().Ignored) })
	total("database_waits_total", "How often a connection, or the turn to write, had to be waited for.", func() float64 { return float64(h.DB.Load().Waits) })
	total("database_wait_seconds_total", "For how long, all together.", func() float64 { return h.DB.Load().Waited.Seconds() })
	h.Metrics.Watch(operation.Watched{
		Name: "database_connections", Help: "Connections of this process.", Labels: []string{"state"},
		Read: func(context.Context) ([]operation.Reading, error) {
			l := h.DB.Load()
			return []operation.Reading{{Value: float64(l.InUse), Labels: []string{"used"}}, {Value: float64(l.Most), Labels: []string{"most"}}}, nil
		},
	})
}

// watchReady says in a number what /readyz says.
func (h *House) watchReady(health *web.Health) {
	if h.Metrics == nil {
		return
	}
	h.Metrics.Watch(operation.Watched{
		Name: "ready", Help: "1 while /readyz says 200, else 0.",
		Read: func(ctx context.Context) ([]operation.Reading, error) {
			if health.Ready(ctx) {
				return one(1), nil
			}
			return one(0), nil
		},
	})
}

func one(v float64) []operation.Reading { return []operation.Reading{{Value: v}} }
