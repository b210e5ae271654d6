package web_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// running is a real server on loopback, which events need.
type running struct {
	base   string
	health *web.Health
	stop   context.CancelFunc
	ended  chan error
}

// run serves an engine with the given routes until the test ends.
func run(t *testing.T, routes func(*gin.Engine), change ...func(*web.Options)) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{base: "http://" + l.Addr().String(), stop: cancel, ended: make(chan error, 1), health: web.NewHealth(clock.NewFake(start))}
	o := options(t, io.Discard)
	o.PublicURL, o.Health = r.base, r.health
	for _, f := range change {
		f(&o)
	}
	e := web.New(o)
	routes(e)
	go func() {
		r.ended <- web.Serve(ctx, web.Server{Listener: l, Handler: e, Logger: discard(), Health: r.health})
	}()
	t.Cleanup(cancel)
	return r
}

func (r *running) get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.base+path, nil)
	require.NoError(t, err)
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// next reads lines up to an empty one.
func next(t *testing.T, b *bufio.Reader) string {
	t.Helper()
	var out strings.Builder
	for {
		line, err := b.ReadString('\n')
		require.NoError(t, err)
		if line == "\n" {
			return out.String()
		}
		out.WriteString(line)
	}
}

func TestEvents_stream(t *testing.T) {
	t.Parallel()
	source, left := make(chan web.Event), make(chan struct{})
	r := run(t, func(e *gin.Engine) {
		e.GET("/api/events", func(c *gin.Context) {
			if id := web.LastEventID(c); id != "" {
				go func() { source <- web.Event{ID: id + "\nid: forged", Name: "resumed\r", Data: "after " + id} }()
			}
			_ = web.Events{Context: c, Source: source}.Serve(c.Writer)
			close(left)
		})
	})
	res := r.get(t, "/api/events", "Last-Event-ID: 41")
	require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	body := bufio.NewReader(res.Body)
	require.Equal(t, ": here\n", next(t, body), "the stream shows at once that it is open")
	require.Equal(t, "id: 41id: forged\nevent: resumed\ndata: \"after 41\"\n", next(t, body))
	source <- web.Event{Data: map[string]string{"state": "a\nb"}}
	require.Equal(t, "data: {\"state\":\"a\\nb\"}\n", next(t, body))
	require.NoError(t, res.Body.Close())
	<-left // the handler notices that the reader left
}

func TestEvents_showLifeWhileSilent(t *testing.T) {
	t.Parallel()
	r := run(t, func(e *gin.Engine) {
		e.GET("/api/events", func(c *gin.Context) {
			_ = web.Events{Context: c, Heartbeat: time.Millisecond}.Serve(c.Writer)
		})
	})
	body := bufio.NewReader(r.get(t, "/api/events").Body)
	for range 5 {
		require.Equal(t, ": here\n", next(t, body))
	}
}

func TestEvents_endWhenTheServerStops(t *testing.T) {
	t.Parallel()
	source := make(chan web.Event)
	r := run(t, func(e *gin.Engine) {
		e.GET("/api/events", func(c *gin.Context) { _ = web.Events{Context: c, Source: source}.Serve(c.Writer) })
	})
	body := bufio.NewReader(r.get(t, "/api/events").Body)
	next(t, body)
	r.stop()
	_, err := body.ReadString('\n')
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, <-r.ended)
}

func TestEvents_holdNoPlace(t *testing.T) {
	t.Parallel()
	source := make(chan web.Event)
	r := run(t, func(e *gin.Engine) {
		e.GET("/api/events", func(c *gin.Context) {
			if err := (web.Events{Context: c, Source: source}).Serve(c.Writer); err != nil {
				web.Problem(c, err)
			}
		})
		e.GET("/api/quick", func(c *gin.Context) { c.Status(204) })
	}, func(o *web.Options) { o.MaxInFlight = 1 })
	for range 16 {
		next(t, bufio.NewReader(r.get(t, "/api/events").Body))
	}
	require.Equal(t, 204, r.get(t, "/api/quick").StatusCode)
	require.Equal(t, 503, r.get(t, "/api/events").StatusCode, "but there is an end to streams, too")
}

func TestServe_finishesWhatIsInProgress(t *testing.T) {
	t.Parallel()
	entered, goOn := make(chan struct{}), make(chan struct{})
	r := run(t, func(e *gin.Engine) {
		e.GET("/api/slow", func(c *gin.Context) {
			close(entered)
			<-goOn
			c.String(http.StatusOK, "done")
		})
	})
	answered := make(chan string, 1)
	go func() {
		res, err := http.Get(r.base + "/api/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answered <- string(b)
	}()
	<-entered
	require.Equal(t, 200, r.get(t, "/readyz").StatusCode)
	r.stop()
	select {
	case <-r.ended:
		t.Fatal("the server ended before its request")
	default:
	}
	close(goOn)
	require.Equal(t, "done", <-answered)
	require.NoError(t, <-r.ended)
}

func TestServe_tellsWhenItCannot(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Error(t, web.Serve(context.Background(), web.Server{Listener: l, Handler: http.NotFoundHandler(), Logger: discard()}))
}

func TestHealth(t *testing.T) {
	t.Parallel()
	clk, asked := clock.NewFake(start), 0
	var down error
	health := web.NewHealth(clk, web.Check{Name: "database", Run: func(context.Context) error { asked++; return down }})
	h := open(t, func(o *web.Options) { o.Health = health })
	w := h.ask(t, "GET", "/readyz?verbose", "")
	require.Equal(t, 200, w.Code)
	require.JSONEq(t, `{"status":"ready"}`, w.Body.String(), "the world learns no details")
	require.JSONEq(t, `{"status":"ready","checks":{"database":"ok"}}`, h.ask(t, "GET", "/readyz?verbose", "", "Remote: 127.0.0.1:1").Body.String())
	require.JSONEq(t, `{"status":"ready"}`, h.ask(t, "GET", "/readyz?verbose", "", "Remote: 127.0.0.1:1", "X-Forwarded-For: 11.1.1.1").Body.String(), "a proxy on this machine hands the world on")
	require.Equal(t, 1, asked, "asking often costs nothing")

	down = errors.New("connection refused")
	clk.Advance(time.Second)
	w = h.ask(t, "GET", "/readyz?verbose", "", "Remote: [::1]:1")
	require.Equal(t, 503, w.Code)
	require.Equal(t, "5", w.Header().Get("Retry-After"))
	require.Contains(t, w.Body.String(), "connection refused")
	require.NotContains(t, h.ask(t, "GET", "/readyz?verbose", "").Body.String(), "refused")
	require.Equal(t, 200, h.ask(t, "GET", "/livez", "").Code, "a missing database does not make the process dead")

	down = nil
	require.Equal(t, 503, h.ask(t, "HEAD", "/readyz", "").Code)
	health.Forget()
	require.Equal(t, 200, h.ask(t, "HEAD", "/readyz", "").Code, "whoever knows better need not wait")
	health.Stop()
	require.Equal(t, 503, h.ask(t, "GET", "/readyz", "").Code, "at once, not at the next check")
}

func TestHealth_survivesChecksThatPanicOrHang(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	health := web.NewHealth(clock.NewFake(start),
		web.Check{Name: "panics", Run: func(context.Context) error { panic("ouch") }},
		web.Check{Name: "hangs", Run: func(context.Context) error { <-release; return nil }})
	h := open(t, func(o *web.Options) { o.Health = health })
	w := h.ask(t, "GET", "/readyz?verbose", "", "Remote: 127.0.0.1:1")
	require.Equal(t, 503, w.Code)
	require.Contains(t, w.Body.String(), "ouch")
	require.Contains(t, w.Body.String(), "no answer within 2s")
}

func TestOps(t *testing.T) {
	t.Parallel()
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "m 1\n") })
	ops := web.Ops(web.NewHealth(clock.NewFake(start), web.Check{Name: "x", Run: func(context.Context) error { return nil }}), metrics)
	h := &house{Engine: gin.New()}
	h.NoRoute(func(c *gin.Context) { c.Status(200); ops.ServeHTTP(c.Writer, c.Request) })
	require.Equal(t, "m 1\n", h.ask(t, "GET", "/metrics", "").Body.String())
	require.Contains(t, h.ask(t, "GET", "/readyz?verbose", "").Body.String(), `"x":"ok"`)
	require.Equal(t, 404, h.ask(t, "GET", "/debug/pprof/", "").Code)

	ops = web.Profiles(ops)
	require.Contains(t, h.ask(t, "GET", "/debug/pprof/goroutine?debug=1", "").Body.String(), "goroutine profile")
	require.Equal(t, "m 1\n", h.ask(t, "GET", "/metrics", "").Body.String(), "what was there stays")
}

func TestShed(t *testing.T) {
	t.Parallel()
	entered, goOn := make(chan struct{}, 10), make(chan struct{})
	h := open(t, func(o *web.Options) {
		o.MaxInFlight, o.Contract = 5, web.Contract{"POST /api/hold/:kind": {Urgent: true}}
	})
	hold := func(c *gin.Context) {
		entered <- struct{}{}
		<-goOn
		c.Status(204)
	}
	h.GET("/api/hold/:kind", hold)
	h.POST("/api/hold/:kind", hold)
	codes := make(chan int, 10)
	begin := func(method string) { go func() { codes <- h.ask(t, method, "/api/hold/x", "").Code }() }
	for range 4 {
		begin("GET")
		<-entered
	}
	w := h.ask(t, "GET", "/api/v1/things/1", "")
	require.Equal(t, 503, w.Code, "ordinary requests may use four fifths")
	require.Equal(t, "overloaded", problemOf(t, w)["code"])
	require.Equal(t, "5", w.Header().Get("Retry-After"))
	begin("POST")
	<-entered // the last place is for those in the middle of something
	require.Equal(t, 503, h.ask(t, "POST", "/api/hold/x", "").Code)
	require.Equal(t, 200, h.ask(t, "GET", "/livez", "").Code, "health is asked all the same")
	close(goOn)
	for range 5 {
		require.Equal(t, 204, <-codes)
	}
	require.Equal(t, 200, h.ask(t, "GET", "/api/v1/things/1", "").Code, "places are given back")
}
