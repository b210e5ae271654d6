package operation

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// Metrics counts what the house does, for Prometheus. Names: docs/monitoring.md. Labels are names from our own code and
// names of flows, never anything of a person, and each has a bound: what a stranger sends makes no new series.
//
// It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	live     *live

	requests  *prometheus.HistogramVec
	steps     *prometheus.CounterVec
	decisions *prometheus.HistogramVec
	mails     *prometheus.CounterVec
	delivery  prometheus.Histogram
	replies   *prometheus.CounterVec
	codes     *prometheus.CounterVec
	events    *prometheus.CounterVec
	flows     bounded
}

// maxFlows is how many flows have series of their own; the others share "other".
const maxFlows = 200

// NewMetrics makes the counters of one process.
func NewMetrics(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), live: &live{}, flows: bounded{most: maxFlows}}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "vestibule_" + name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "vestibule_" + name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(h)
		return h
	}
	m.requests = histogram("http_request_duration_seconds", "How long requests took, by the route's pattern.",
		[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}, "route", "method", "code")
	m.steps = counter("flow_step_total", "Steps of sign-ups and requests that were taken.", "flow", "step", "outcome")
	m.decisions = histogram("approval_duration_seconds", "From the request to its decision.",
		[]float64{900, 3600, 14400, 86400, 172800, 432000}, "flow")
	m.mails = counter("mail_total", "Attempts to hand a mail over, and what came of them.", "template", "result")
	m.delivery = histogram("mail_delivery_seconds", "From the act that ordered a mail to its hand-over.",
		[]float64{.05, .1, .25, .5, 1, 5, 30, 60, 300, 3600, 86400}).WithLabelValues().(prometheus.Histogram)
	m.replies = counter("smtp_replies_total", "Refusals of the mail server, by its reply code; 0 where there was no reply.", "code")
	m.codes = counter("otp_total", "One-time codes made and typed.", "result")
	m.events = counter("audit_events_total", "What was written to the audit.", "name", "result")
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "vestibule_build_info", Help: "Always 1; the label says which version runs."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(build, m.live, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers GET /metrics. It belongs on the operations listener and nowhere else.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Timeout: 2 * scrapeLimit, MaxRequestsInFlight: 4})
}

var methods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true, http.MethodDelete: true,
	http.MethodOptions: true,
}

// Request is web.Options.Observe: one finished request. Pages have no pattern and share one.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	if !methods[method] {
		method = "other"
	}
	if route == "" {
		route = "pages"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Observe(took.Seconds())
}

// stepsOf says which events are steps of a sign-up or its request: step and outcome.
var stepsOf = map[string][2]string{
	"signup.started": {"email", "given"}, "signup.proved": {"code", "proved"}, "signup.submitted": {"details", "submitted"},
	"approval.asked": {"approval", "asked"}, "approval.answered": {"approval", "answered"}, "approval.passed": {"approval", "passed"},
	"approval.approved": {"approval", "approved"}, "approval.denied": {"approval", "denied"}, "approval.expired": {"approval", "expired"},
	"approval.withdrawn": {"approval", "withdrawn"},
}

// Event is one thing that has happened and lasted; see audit.Log.OnLasted.
func (m *Metrics) Event(e audit.Event, at time.Time) {
	m.events.WithLabelValues(e.Name, string(e.Result)).Inc()
	step, isStep := stepsOf[e.Name]
	if !isStep {
		return
	}
	flow, _ := e.Data["flow"].(string)
	flow = m.flows.name(flow)
	m.steps.WithLabelValues(flow, step[0], step[1]).Inc()
	if e.Name == "approval.approved" || e.Name == "approval.denied" {
		if sent, ok := ids.Made(e.Target); ok { // the request's id was made when it was sent
			m.decisions.WithLabelValues(flow).Observe(max(0, at.Sub(sent).Seconds()))
		}
	}
}

// Mail is one attempt at a mail; see notification.Needs.Observe.
func (m *Metrics) Mail(o notification.Outcome) {
	m.mails.WithLabelValues(o.Kind, o.Result).Inc()
	if o.Result == string(notification.Sent) {
		m.delivery.Observe(max(0, o.Waited.Seconds()))
	}
	if o.Refused {
		m.replies.WithLabelValues(strconv.Itoa(o.Code)).Inc()
	}
}

// Code is one code made or typed: made, right, wrong, expired or limited.
func (m *Metrics) Code(result string) { m.codes.WithLabelValues(result).Inc() }
