package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/log"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// errTeapot is a room's fault, for tests.
var errTeapot = fault.New(fault.Conflict, "web_test_teapot", "Already decided by {decidedBy}.")

// house is an engine with a few routes, and what it logged.
type house struct {
	*gin.Engine
	log *bytes.Buffer
}

// thing is a body as oapi-codegen writes them.
type thing struct {
	Name  string         `json:"name" binding:"required,max=5"`
	Kind  *string        `json:"kind,omitempty" binding:"omitempty,oneof=a b"`
	Kids  *[]thing       `json:"kids,omitempty" binding:"omitempty,dive"`
	Extra map[string]any `json:"extra,omitempty"`
	When  *time.Time     `json:"when,omitempty"`
	Count *int           `json:"count,omitempty"`
}

const contract = `
paths:
  /api/v1/things/{id}:
    parameters: [{$ref: '#/components/parameters/lang'}]
    get:
      operationId: getThing
      x-who: public
      parameters: [{name: limit, in: query, schema: {type: integer}}, {name: tag, in: query, schema: {type: array}}, {name: If-Match, in: header}]
    post: {operationId: postThing, x-who: public}
    put: {operationId: putThing, x-who: directory}
components:
  parameters:
    lang: {name: lang, in: query, schema: {type: string}}
`

func options(t *testing.T, out io.Writer) web.Options {
	t.Helper()
	known, err := web.ReadContract([]byte(contract))
	require.NoError(t, err)
	clk := clock.NewFake(start)
	return web.Options{
		PublicURL: "https://guests.contoso.com", Logger: log.New(out, log.Options{}), Clock: clk, IDs: ids.NewSequence(clk), Contract: known,
		ScriptHashes: []string{"sha256-script"}, StyleHashes: []string{"sha256-style"}, Health: web.NewHealth(clk),
		Bodies: map[string]web.Body{
			"/oauth2/token": {Types: []string{"application/x-www-form-urlencoded"}},
			"/saml/":        {Types: []string{"application/x-www-form-urlencoded"}, CrossOrigin: true, Max: 10},
		},
	}
}

func open(t *testing.T, change ...func(*web.Options)) *house {
	t.Helper()
	h := &house{log: &bytes.Buffer{}}
	o := options(t, h.log)
	for _, f := range change {
		f(&o)
	}
	h.Engine = web.New(o)
	h.GET("/api/v1/things/:id", func(c *gin.Context) {
		c.Header("ETag", `"1"`)
		if c.GetHeader("If-None-Match") == `"1"` {
			c.Status(http.StatusNotModified)
			return
		}
		c.JSON(http.StatusOK, gin.H{"meta": web.MetaOf(c)})
	})
	bind := func(c *gin.Context) {
		var in thing
		if err := c.ShouldBindJSON(&in); err != nil { // what generated handlers call
			web.Problem(c, err)
			return
		}
		c.JSON(http.StatusCreated, in)
	}
	h.POST("/api/v1/things/:id", bind)
	h.PUT("/api/v1/things/:id", bind)
	h.POST("/oauth2/token", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	h.POST("/saml/acs", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	h.GET("/api/fail/:how", func(c *gin.Context) {
		switch c.Param("how") {
		case "panic":
			panic("the disk said hunter2")
		case "late":
			_, _ = c.Writer.WriteString("half an answ")
			panic("too late")
		case "secret":
			web.Problem(c, errors.New("dial tcp 10.0.0.5: password hunter2"))
		case "teapot":
			web.Problem(c, errTeapot.With("decidedBy", "Ana").With("status", "forged").Because(errors.New("internal words")))
		case "wait":
			web.Problem(c, errTeapot.RetryAfter(1500*time.Millisecond))
		case "limit":
			web.Problem(c, errLimit.RetryAfter(61*time.Second))
		case "anonymous":
			web.Problem(c, errAnonymous)
		case "parameter":
			web.ParameterProblem(c, errors.New("Invalid format for parameter limit: strconv: parsing \"<b>\": invalid"), 400)
		}
	})
	return h
}

var (
	errLimit     = fault.New(fault.TooMany, "web_test_limit", "Too often.")
	errAnonymous = fault.New(fault.Unauthenticated, "web_test_anonymous", "Who are you?")
)

// ask sends a request as our own page would, changed by with ("Name: value", or "-Name" to take a header away).
func (h *house) ask(t *testing.T, method, target, body string, with ...string) *httptest.ResponseRecorder {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, reader)
	r.Host = "guests.contoso.com"
	r.RemoteAddr = "198.51.100.7:4711"
	r.Header.Set("Origin", "https://guests.contoso.com")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range with {
		name, value, found := strings.Cut(line, ": ")
		switch {
		case !found:
			r.Header.Del(strings.TrimPrefix(name, "-"))
		case name == "Host":
			r.Host = value
		case name == "Remote":
			r.RemoteAddr = value
		case r.Header.Get(name) != "" && strings.HasPrefix(value, "+"):
			r.Header.Add(name, value[1:])
		default:
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// problemOf reads a problem+json answer and holds it to its form.
func problemOf(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), "%d %s", w.Code, w.Body)
	var p map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), "%s", w.Body)
	require.EqualValues(t, w.Code, p["status"])
	require.Equal(t, w.Header().Get("Request-Id"), p["requestId"])
	require.Equal(t, "/developers/errors/"+p["code"].(string), p["type"])
	require.NotEmpty(t, p["title"])
	require.NotEmpty(t, p["detail"])
	require.NotEqual(t, p["code"], p["detail"], "the code has a sentence")
	return p
}

// errorsOf lists "pointer code" of a problem's errors.
func errorsOf(p map[string]any) []string {
	var out []string
	list, _ := p["errors"].([]any)
	for _, e := range list {
		m := e.(map[string]any)
		out = append(out, m["pointer"].(string)+" "+m["code"].(string))
	}
	return out
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
