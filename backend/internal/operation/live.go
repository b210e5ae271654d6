package operation

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

// wall is the machine's clock: for the age of what was read, and for nothing that is kept.
var wall = clock.System()

const (
	// scrapeLimit is how long the questions of one scrape may take; a database that hangs must not hang the scraper.
	scrapeLimit = 2 * time.Second
	// countsKept is how long counts over whole tables are kept: on a million rows they cost what a thousand sign-ups do.
	countsKept = time.Minute
)

// Reading is one value of a gauge, with its labels' values.
type Reading struct {
	Value  float64
	Labels []string
}

// gauge is read when somebody asks for the metrics.
type gauge struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(ctx context.Context) ([]Reading, error)
	keep time.Duration

	at   time.Time
	last []Reading
}

// live are the gauges that are read at the moment of a scrape. One scrape reads at a time.
type live struct {
	mu     sync.Mutex
	gauges []*gauge
	failed float64
}

var failedReads = prometheus.NewDesc("vestibule_metrics_unread_total", "Gauges that could not be read; they are missing from that scrape.", nil, nil)

// Watched describes a gauge, or, with Total, a counter that somebody else counts.
type Watched struct {
	Name   string // without "vestibule_"
	Help   string
	Labels []string
	Total  bool
	// Slow is for counts over whole tables: they are read once a minute at most.
	Slow bool
	Read func(ctx context.Context) ([]Reading, error)
}

// Watch adds a gauge. Add all of them before the first scrape.
func (m *Metrics) Watch(w Watched) {
	g := &gauge{desc: prometheus.NewDesc("vestibule_"+w.Name, w.Help, w.Labels, nil), kind: prometheus.GaugeValue, read: w.Read}
	if w.Total {
		g.kind = prometheus.CounterValue
	}
	if w.Slow {
		g.keep = countsKept
	}
	m.live.gauges = append(m.live.gauges, g)
}

// Describe sends nothing: what there is follows from Watch.
func (l *live) Describe(chan<- *prometheus.Desc) {}

// Collect reads every gauge. One that cannot be read is left out, and counted.
func (l *live) Collect(to chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	for _, g := range l.gauges {
		if !g.fresh(ctx) {
			l.failed++
			continue
		}
		for _, r := range g.last {
			to <- prometheus.MustNewConstMetric(g.desc, g.kind, r.Value, r.Labels...)
		}
	}
	to <- prometheus.MustNewConstMetric(failedReads, prometheus.CounterValue, l.failed)
}

// fresh reads the gauge, unless its last reading is young enough.
func (g *gauge) fresh(ctx context.Context) bool {
	now := wall.Now()
	if g.last != nil && g.keep > 0 && now.Sub(g.at) < g.keep {
		return true
	}
	read, err := g.read(ctx)
	if err != nil {
		g.last = nil
		return false
	}
	g.last, g.at = read, now
	return true
}
