package app

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
	"github.com/vestibule-id/vestibule/backend/internal/platform/log"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// eachCountedHouse is eachHouse with a listener for metrics.
func eachCountedHouse(t *testing.T, fn func(t *testing.T, h *testHouse)) {
	t.Helper()
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			fn(t, openHouse(t, dialect, "VESTIBULE_OPS_ADDR=127.0.0.1:0"))
		})
	}
}

// metrics is what the operations listener says.
func (h *testHouse) metrics() string {
	h.t.Helper()
	w := httptest.NewRecorder()
	web.Ops(web.NewHealth(h.clk), h.Metrics.Handler()).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(h.t, 200, w.Code)
	return w.Body.String()
}

// wholeStory is a sign-up with a typo in the code, a question, an approval and a sign-in.
func (h *testHouse) wholeStory() {
	h.t.Helper()
	maria, jonas := h.browser(), h.as("j.becker@contoso.com")
	id := maria.POST("/api/v1/signups", `{"flow":"supplier"}`).status(201).field("id")
	maria.POST("/api/v1/signups/"+id+"/email", `{"email":"canary.maria@fabrikam.de"}`).status(202)
	code := h.code()
	maria.POST("/api/v1/signups/"+id+"/code", `{"code":"`+other(code)+`"}`).status(422)
	maria.POST("/api/v1/signups/"+id+"/code", `{"code":"`+code+`"}`).status(200)
	maria.POST("/api/v1/signups/"+id+"/submit", strings.ReplaceAll(mariasAnswers, "Lindqvist", "Canaryqvist")).status(202)
	h.clk.Advance(90 * time.Minute)
	jonas = h.as("j.becker@contoso.com")
	approval := "/api/v1/approvals/" + jonas.GET("/api/v1/approvals?state=waiting").field("data.0.id")
	jonas.POST(approval+"/decision", `{"decision":"approve","reason":"canary reason"}`).status(200)
	h.as("canary.maria@fabrikam.de").GET("/api/v1/me").status(200)
	h.browser().do("BREW", "/api/v1/me?email=canary.maria@fabrikam.de", "")
	h.browser().GET("/canary/" + code)
}

// TestMetrics: the names of ux.md §4.1 are there and say what has happened.
func TestMetrics(t *testing.T) {
	t.Parallel()
	eachCountedHouse(t, func(t *testing.T, h *testHouse) {
		h.wholeStory()
		require.NoError(t, h.DB.InTx(t.Context(), func(tx *database.Tx) error { return h.Jobs.Enqueue(tx, jobs.Job{Kind: "test.wait"}) }))
		said := h.metrics()
		for _, line := range []string{
			`vestibule_build_info{version="test"} 1`,
			`vestibule_http_request_duration_seconds_count{code="201",method="POST",route="/api/v1/signups"} 1`,
			`vestibule_http_request_duration_seconds_count{code="422",method="POST",route="/api/v1/signups/:id/code"} 1`,
			`vestibule_flow_step_total{flow="supplier",outcome="given",step="email"} 1`,
			`vestibule_flow_step_total{flow="supplier",outcome="proved",step="code"} 1`,
			`vestibule_flow_step_total{flow="supplier",outcome="submitted",step="details"} 1`,
			`vestibule_flow_step_total{flow="supplier",outcome="approved",step="approval"} 1`,
			`vestibule_approval_duration_seconds_sum{flow="supplier"} 5400`,
			`vestibule_requests{state="active"} 1`,
			`vestibule_guests{state="active"} 1`,
			`vestibule_mail_total{result="sent",template="signup.code"} 1`,
			`vestibule_otp_total{result="wrong"} 1`,
			`vestibule_otp_total{result="right"} 4`,
			`vestibule_jobs{queue="test.wait",state="waiting"} 1`,
			`vestibule_job_oldest_age_seconds 0`,
			`vestibule_audit_events_total{name="approval.approved",result="ok"} 1`,
			`vestibule_shed_total 0`,
			`vestibule_metrics_unread_total 0`,
		} {
			require.True(t, strings.Contains(said, line+"\n"), line)
		}
		for _, name := range []string{"mail_delivery_seconds_bucket", "database_connections{", "database_wait_seconds_total", "forwarded_ignored_total"} {
			require.True(t, strings.Contains(said, "vestibule_"+name), name)
		}
	})
}

var (
	series = regexp.MustCompile(`(?m)^vestibule_[^\n]+$`)
	// measured is the value of a series: times come in digits that a canary may have by chance.
	measured = regexp.MustCompile(`(?m)^([a-z_]+(?:\{[^\n]*\})?) \S+$`)
	// timed are the fields of a line in which times stand, likewise.
	timed = regexp.MustCompile(`"(?:time|ms|took|seconds)":(?:"[^"]*"|[0-9.e+-]+),?`)
)

// TestMetrics_HoldNothingOfPeople: no canary of a whole story is in any series, and a stranger's paths, methods and
// flows make no series of their own.
func TestMetrics_HoldNothingOfPeople(t *testing.T) {
	t.Parallel()
	eachCountedHouse(t, func(t *testing.T, h *testHouse) {
		h.wholeStory()
		said := measured.ReplaceAllString(h.metrics(), "$1 0")
		for _, canary := range []string{"canary", "fabrikam", "becker", "maria", "Canaryqvist", "127.0.0.1", "4711", "BREW", "Mozilla", "req_", "sgn_"} {
			require.False(t, strings.Contains(strings.ToLower(said), strings.ToLower(canary)), canary)
		}
		before := len(series.FindAllString(said, -1))
		for i := range 50 {
			b := h.browser()
			b.GET("/canary/" + strings.Repeat("x", i))
			b.GET("/api/v1/flows/nobody" + strings.Repeat("x", i))
			b.POST("/api/v1/signups", `{"flow":"nobody`+strings.Repeat("x", i)+`"}`)
		}
		after := len(series.FindAllString(h.metrics(), -1))
		require.LessOrEqual(t, after-before, 3*12, "150 addresses of strangers are three more series of a histogram at most")
	})
}

// TestMetrics_NeverOnThePublicListener, whatever is asked for.
func TestMetrics_NeverOnThePublicListener(t *testing.T) {
	t.Parallel()
	h := openHouse(t, database.SQLite, "VESTIBULE_OPS_ADDR=127.0.0.1:0")
	h.browser().GET("/metrics").problem(404, "not_found")
	h.as("o.haddad@contoso.com").GET("/metrics").problem(404, "not_found")
	require.Nil(t, openHouse(t, database.SQLite).Metrics, "without a listener nobody counts")
}

// TestLogs_HoldNothingOfPeople (security.md T103): a whole story at the most talkative level leaves no address, name, answer,
// code or token in the log; each line is one JSON object, and lines of requests have the request's id.
func TestLogs_HoldNothingOfPeople(t *testing.T) {
	t.Parallel()
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			clk := clock.NewFake(dbtest.Start)
			logger := log.New(&said, log.Options{Level: slog.LevelDebug})
			built, err := Build(t.Context(), Options{Config: settings(t, dbtest.URL(t, dialect)), Logger: logger, Version: "test", Clock: clk})
			require.NoError(t, err)
			t.Cleanup(built.Close)
			h := furnish(t, built, clk, func(*House) {})
			h.wholeStory()
			var codes []string
			require.NoError(t, h.DB.Read(t.Context()).Raw("SELECT text_part FROM mailbox_messages WHERE kind LIKE '%.code'").Scan(&codes).Error)
			require.NotEmpty(t, codes)
			canaries := []string{"canary.maria@", "Canaryqvist", "becker@", "Weekly deliveries", "canary reason", "/canary/"}
			for _, text := range codes {
				canaries = append(canaries, codeForm.FindStringSubmatch(text)[1])
			}
			text := timed.ReplaceAllString(said.String(), "")
			for _, canary := range canaries {
				require.False(t, strings.Contains(text, canary), canary)
			}
			requests := 0
			for line := range strings.Lines(said.String()) {
				var fields map[string]any
				require.NoError(t, json.Unmarshal([]byte(line), &fields))
				if fields["msg"] == "request" {
					requests++
					require.NotEmpty(t, fields["requestId"])
				}
			}
			require.Greater(t, requests, 10)
		})
	}
}
