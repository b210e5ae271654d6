package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/log"
)

// Options of [New]. PublicURL, Logger, Clock and IDs are needed.
type Options struct {
	// PublicURL is the configured base address, such as https://guests.contoso.com: its host is the only one answered.
	PublicURL string
	Logger    *slog.Logger
	Clock     clock.Clock
	IDs       ids.Source
	// TrustedProxies are believed about X-Forwarded-For. Nobody is, by default.
	TrustedProxies []netip.Prefix
	// Languages of the house; the first one is spoken when nothing matches. Default: en, de, ar.
	Languages []string
	// ScriptHashes and StyleHashes are CSP sources ('sha256-…' without quotes) of the app's one inline script and of its
	// inline style attributes.
	ScriptHashes, StyleHashes []string
	// Contract says who may call an operation and which query keys it knows; routes it does not list are not checked
	// for query keys and take small bodies.
	Contract Contract
	// Bodies are exceptions for routes outside the contract, by the beginning of their path ("/oauth2/token").
	Bodies map[string]Body
	// MaxInFlight is how many API requests are worked on at once. Default 128.
	MaxInFlight int
	// Health answers /livez and /readyz, if set.
	Health *Health
	// Pages answers GET and HEAD of every address that is no API: the app. Without it they are 404.
	Pages http.Handler
	// Trace begins a span for an API request, if set; route is the pattern. What it returns is told the answer's status.
	Trace func(r *http.Request, route, requestID string) (context.Context, func(status int))
	// Watch keeps what the engine notices, if set.
	Watch *Watch
	// Observe is told about every finished request, for metrics; route is the pattern, "" for pages.
	Observe func(method, route string, status int, took time.Duration)
}

// Body is what a route takes.
type Body struct {
	// Types are the accepted media types. Default: application/json.
	Types []string
	// Max is the largest size in bytes. Default: 64 KiB.
	Max int64
	// CrossOrigin lets other sites' pages post here, as SAML's POST binding does. The route must not act on cookies.
	CrossOrigin bool
}

// server is Options with what follows from them.
type server struct {
	Options
	hosts     map[string]struct{}
	origins   map[string]struct{}
	languages *languages
	headers   headers
	shed      *shed
	refusals  refusals
	crossSite *http.CrossOriginProtection
}

// apiPrefixes are addresses that are never pages: what is unknown below them is a 404 problem, not the app.
var apiPrefixes = []string{"/api", "/graph", "/scim", "/oauth2", "/saml", "/oidc", "/.well-known", "/livez", "/readyz", "/metrics", "/debug"}

func isAPI(path string) bool {
	for _, p := range apiPrefixes {
		if rest, found := strings.CutPrefix(path, p); found && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// New returns the engine with everything that is decided before rooms; rooms add their routes to it. It panics on
// missing or impossible options, which are mistakes of wiring.
func New(o Options) *gin.Engine {
	s := newServer(o)
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.ContextWithFallback = true // handlers get *gin.Context as their context: it must carry the request's
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	if err := e.SetTrustedProxies(nil); err != nil {
		panic(err)
	}
	s.shed.watch, s.shed.log, s.shed.refuse = o.Watch, o.Logger, s.refuse
	e.Use(s.shed.middleware, s.begin, s.guard) // who is turned away costs nothing more
	e.NoRoute(s.noRoute)
	e.NoMethod(func(c *gin.Context) { Problem(c, errMethod) })
	if o.Health != nil {
		e.GET("/livez", o.Health.live)
		e.GET("/readyz", o.Health.ready)
		e.HEAD("/livez", o.Health.live)
		e.HEAD("/readyz", o.Health.ready)
	}
	return e
}

func newServer(o Options) *server {
	if o.Logger == nil || o.Clock == nil || o.IDs == nil {
		panic("web.New needs Options.Logger, Clock and IDs")
	}
	if len(o.Languages) == 0 {
		o.Languages = []string{"en", "de", "ar"}
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = 128
	}
	hosts, origins, secure, err := ownNames(o.PublicURL)
	if err != nil {
		panic(fmt.Sprintf("web.New: %v", err))
	}
	return &server{
		Options: o, hosts: hosts, origins: origins, languages: newLanguages(o.Languages),
		headers: newHeaders(o, secure), shed: newShed(o.MaxInFlight, o.Contract), refusals: newRefusals(o.Languages), crossSite: http.NewCrossOriginProtection(),
	}
}

const serverKey = "vestibule.web.server"

// serverOf is the server that c came through; nil in a test of a bare handler.
func serverOf(c *gin.Context) *server {
	s, _ := c.Value(serverKey).(*server)
	return s
}

// begin gives the request its id, headers and meta, and catches panics.
func (s *server) begin(c *gin.Context) {
	start := s.Clock.Now()
	id := s.IDs.New("req")
	s.headers.set(c.Writer.Header(), c.Request.URL.Path, id)
	meta := Meta{RequestID: id, Address: clientAddress(c.Request, s.TrustedProxies), UserAgent: c.Request.UserAgent()}
	s.Watch.notice(c.Request, s.TrustedProxies)
	if len(meta.UserAgent) > maxUserAgent {
		meta.UserAgent = meta.UserAgent[:maxUserAgent]
	}
	meta.Locale = s.languages.best(c.Request.Header.Get("Accept-Language"))
	ctx := log.WithRequestID(WithMeta(c.Request.Context(), meta), id)
	c.Request = c.Request.WithContext(ctx)
	c.Set(serverKey, s)
	if s.Trace != nil && c.FullPath() != "" && !s.isHealth(c) {
		traced, end := s.Trace(c.Request, c.FullPath(), id)
		c.Request = c.Request.WithContext(traced)
		defer func() { end(c.Writer.Status()) }()
	}
	defer func() {
		if caught := recover(); caught != nil {
			s.caught(c, caught)
		}
		s.finish(c, start)
	}()
	c.Next()
}

// caught answers a panic with 500, or breaks the connection when an answer has begun: half of one must not look whole.
func (s *server) caught(c *gin.Context, caught any) {
	c.Abort()
	if err, ok := caught.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(caught)
	}
	s.Logger.ErrorContext(c.Request.Context(), "panic", "route", c.FullPath(), "cause", fmt.Sprint(caught), "stack", stack())
	if c.Writer.Written() {
		panic(http.ErrAbortHandler)
	}
	writeProblem(c, errInternal)
}

// stack is the panic's own frames: where it happened, not how gin got there.
func stack() string {
	_, frames, found := strings.Cut(string(debug.Stack()), "panic(")
	if !found {
		return ""
	}
	lines := strings.Split(frames, "\n")
	return strings.Join(lines[min(2, len(lines)):min(10, len(lines))], " ")
}

func (s *server) finish(c *gin.Context, start time.Time) {
	took, status := s.Clock.Now().Sub(start), c.Writer.Status()
	if s.Observe != nil {
		s.Observe(c.Request.Method, c.FullPath(), status, took)
	}
	if c.FullPath() == "" && status < http.StatusBadRequest || s.isHealth(c) {
		return // pages and probes would drown the rest
	}
	// The pattern, never the path: paths of mailed links hold their tokens.
	s.Logger.InfoContext(c.Request.Context(), "request", "method", c.Request.Method, "route", c.FullPath(), "status", status,
		"ms", float64(took.Microseconds())/1000, "bytes", max(c.Writer.Size(), 0), "client", MetaOf(c.Request.Context()).Address)
}

func (s *server) isHealth(c *gin.Context) bool {
	return s.Health != nil && (c.FullPath() == "/livez" || c.FullPath() == "/readyz")
}

func (s *server) noRoute(c *gin.Context) {
	if s.Pages == nil || isAPI(c.Request.URL.Path) {
		Problem(c, errNotFound)
		return
	}
	if c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead {
		c.Header("Allow", "GET, HEAD")
		Problem(c, errMethod)
		return
	}
	c.Status(http.StatusOK) // gin has put 404 there
	s.Pages.ServeHTTP(c.Writer, c.Request)
}
