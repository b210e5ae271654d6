package app

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/trace"
)

// collector keeps the bytes of what is sent to it. OTLP is protobuf, in which texts stand as they are.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	sent strings.Builder
	path string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		zip, err := gzip.NewReader(r.Body)
		if err != nil {
			return
		}
		raw, _ := io.ReadAll(zip)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.path = r.URL.Path
		c.sent.Write(raw)
	}))
	t.Cleanup(c.Close)
	return c
}

// TestTraces: with a collector named, there is a span for each API request and each job, and nothing of people in them.
func TestTraces(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL}
	h := openPrepared(t, database.SQLite, func(h *House) {
		var err error
		h.tracer, err = trace.Start(t.Context(), trace.Options{Getenv: func(name string) string { return env[name] }, Version: "test", Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		require.NotNil(t, h.tracer)
	})
	h.wholeStory()
	h.tracer.Close(t.Context())
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Equal(t, "/v1/traces", c.path)
	said := c.sent.String()
	for _, name := range []string{"vestibule", "POST /api/v1/signups/:id/code", "POST /api/v1/approvals/:id/decision", "job mail", "vestibule.request_id", "req_"} {
		require.True(t, strings.Contains(said, name), name)
	}
	said = random.ReplaceAllString(said, "")
	for _, canary := range []string{"canary", "fabrikam", "becker", "Canaryqvist", "127.0.0.1", "4711", "Mozilla", "sgn_", "BREW"} {
		require.False(t, strings.Contains(strings.ToLower(said), strings.ToLower(canary)), canary)
	}
}

// random is the part of an id that chance has made: once in a thousand runs it spells a short canary.
var random = regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{26}`)

// TestTraces_OffUnlessACollectorIsNamed: nothing is started, and what cannot work is refused by its name.
func TestTraces_OffUnlessACollectorIsNamed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		env   map[string]string
		wrong string
	}{
		{"nothing is set", map[string]string{"OTEL_SERVICE_NAME": "portal"}, ""},
		{"switched off by the standard's own switch", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, ""},
		{"no exporter of traces wanted", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, ""},
		{"no address", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector"}, "write http://collector:4318"},
		{"a protocol that is not spoken", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tracer, err := trace.Start(t.Context(), trace.Options{Getenv: func(name string) string { return tc.env[name] }, Log: slog.New(slog.DiscardHandler)})
			require.Nil(t, tracer)
			if tc.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.wrong)
		})
	}
}
