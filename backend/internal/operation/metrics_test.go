package operation_test

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/operation"
)

// BenchmarkMetrics_Request is what counting costs a request.
func BenchmarkMetrics_Request(b *testing.B) {
	m := operation.NewMetrics("test")
	for b.Loop() {
		m.Request("POST", "/api/v1/signups/:id/code", 200, 3*time.Millisecond)
	}
}

// BenchmarkMetrics_Event is what counting costs an act.
func BenchmarkMetrics_Event(b *testing.B) {
	m := operation.NewMetrics("test")
	e := audit.Event{Name: "signup.proved", Result: audit.OK, Data: map[string]any{"flow": "supplier"}}
	for b.Loop() {
		m.Event(e, time.Time{})
	}
}

// TestMetrics_CostNextToNothing: a request is counted without garbage worth speaking of.
func TestMetrics_CostNextToNothing(t *testing.T) {
	m := operation.NewMetrics("test")
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { m.Request("POST", "/api/v1/signups", 201, time.Millisecond) }), 3.0)
}

// TestMetrics_FlowsAreBounded: whoever publishes flows without end fills no memory.
func TestMetrics_FlowsAreBounded(t *testing.T) {
	t.Parallel()
	m := operation.NewMetrics("test")
	for i := range 1000 {
		m.Event(audit.Event{Name: "signup.proved", Result: audit.OK, Data: map[string]any{"flow": "flow" + strconv.Itoa(i)}}, time.Time{})
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, 201, strings.Count(w.Body.String(), "vestibule_flow_step_total{"), "200 by name, and the others together")
}
