package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

// statusClientGone is what the log says of a caller who hung up; nobody reads the answer.
const statusClientGone = 499

// answer is what a kind of fault looks like in HTTP.
var answers = map[fault.Kind]struct {
	status int
	title  string
}{
	fault.Invalid:         {http.StatusBadRequest, "title_invalid"},
	fault.Unauthenticated: {http.StatusUnauthorized, "title_unauthenticated"},
	fault.Forbidden:       {http.StatusForbidden, "title_forbidden"},
	fault.NotFound:        {http.StatusNotFound, "title_not_found"},
	fault.Conflict:        {http.StatusConflict, "title_conflict"},
	fault.Gone:            {http.StatusGone, "title_gone"},
	fault.Stale:           {http.StatusPreconditionFailed, "title_stale"},
	fault.TooLarge:        {http.StatusRequestEntityTooLarge, "title_too_large"},
	fault.WrongType:       {http.StatusUnsupportedMediaType, "title_wrong_type"},
	fault.Misdirected:     {http.StatusMisdirectedRequest, "title_misdirected"},
	fault.Fields:          {http.StatusUnprocessableEntity, "title_fields"},
	fault.TooMany:         {http.StatusTooManyRequests, "title_too_many"},
	fault.Unavailable:     {http.StatusServiceUnavailable, "title_unavailable"},
	fault.Internal:        {http.StatusInternalServerError, "title_internal"},
}

// Status is the HTTP status that err is answered with: a fault's own, or 500.
func Status(err error) int {
	if f, ok := fault.From(err); ok {
		return statusOf(f)
	}
	return http.StatusInternalServerError
}

func statusOf(f *fault.Fault) int {
	if errors.Is(f, errMethod) {
		return http.StatusMethodNotAllowed
	}
	return answers[f.Kind()].status
}

// Problem answers with err and ends the request. A fault is shown in the language of Accept-Language; anything else is
// internal_error to the caller and, with its cause and the request id, one line in the log. It is the error function
// of rooms' own handlers and all three of oapi-codegen's strict server.
func Problem(c *gin.Context, err error) {
	c.Abort()
	ctx := c.Request.Context()
	f, known := fault.From(err)
	if !known {
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			c.Status(statusClientGone)
			return
		}
		f = errInternal.Because(err)
	}
	logFault(c, f)
	if c.Writer.Written() {
		return // too late for another answer; the log has it
	}
	writeProblem(c, f)
}

// ParameterProblem is oapi-codegen's ErrorHandler for path, query and header parameters: 400 with the parameter's name.
func ParameterProblem(c *gin.Context, err error, _ int) {
	Problem(c, errParameter.With("parameter", parameterIn(err)))
}

var parameterName = regexp.MustCompile(`(?i)parameter ['"]?([A-Za-z0-9_.-]{1,64})`)

// parameterIn finds the name in oapi-codegen's sentences, which quote the caller's text elsewhere.
func parameterIn(err error) string {
	if found := parameterName.FindStringSubmatch(err.Error()); found != nil {
		return found[1]
	}
	return "?"
}

// logFault writes what the house is at fault for, and nothing about what callers do wrong.
func logFault(c *gin.Context, f *fault.Fault) {
	s := serverOf(c)
	if s == nil {
		return
	}
	level := slog.LevelDebug
	switch f.Kind() {
	case fault.Internal:
		level = slog.LevelError
	case fault.Unavailable:
		level = slog.LevelWarn
	}
	s.Logger.Log(c.Request.Context(), level, "request failed", "route", c.FullPath(), "method", c.Request.Method,
		"fault", f.Code(), "cause", f.Error())
}

// problem is RFC 9457's object; extra members are added beside it.
type problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Code      string       `json:"code"`
	Detail    string       `json:"detail"`
	Errors    []fieldError `json:"errors,omitempty"`
	RequestID string       `json:"requestId"`
	Wait      int          `json:"retryAfter,omitempty"`
}

type fieldError struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

func writeProblem(c *gin.Context, f *fault.Fault) {
	meta := MetaOf(c.Request.Context())
	writeFault(c, f, meta.Locale, meta.RequestID)
}

// problemOf is f as a caller of that language reads it.
func problemOf(f *fault.Fault, lang, requestID string) problem {
	status, title := statusOf(f), answers[f.Kind()].title
	if status == http.StatusMethodNotAllowed {
		title = "title_method"
	}
	p := problem{
		Type: "/developers/errors/" + f.Code(), Title: fault.Sentence(lang, title, nil), Status: status,
		Code: f.Code(), Detail: f.Sentence(lang), RequestID: requestID, Wait: coarse(f),
	}
	for _, field := range f.Fields() {
		p.Errors = append(p.Errors, fieldError{Pointer: field.Pointer, Code: field.Code, Detail: field.Sentence(lang)})
	}
	return p
}

func writeFault(c *gin.Context, f *fault.Fault, lang, requestID string) {
	p := problemOf(f, lang, requestID)
	h := c.Writer.Header()
	for _, name := range []string{"ETag", "Last-Modified", "Content-Encoding", "Content-Length"} {
		h.Del(name) // they spoke of the answer that did not come about
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", lang)
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Language")
	if p.Wait > 0 {
		h.Set("Retry-After", strconv.Itoa(p.Wait))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer") // RFC 9110 §11.6.1 asks for one
	}
	c.Status(p.Status)
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(encodeProblem(p, f.Members()))
	}
	c.Writer.WriteHeaderNow()
}

// encodeProblem writes p and the members that do not clash with it. A member that cannot be written is left out.
func encodeProblem(p problem, members map[string]any) []byte {
	raw, _ := json.Marshal(p) // strings and numbers only: cannot fail
	if len(members) == 0 {
		return raw
	}
	all := map[string]json.RawMessage{}
	for k, v := range members {
		if text, err := json.Marshal(v); err == nil {
			all[k] = text
		}
	}
	var own map[string]json.RawMessage
	_ = json.Unmarshal(raw, &own)
	for k, v := range own {
		all[k] = v
	}
	raw, _ = json.Marshal(all)
	return raw
}

// coarse is Retry-After in seconds. For limits it is rounded up to a minute, five or an hour, so that it does not tell
// how a bucket stands; otherwise to whole seconds. 503 always names a time.
func coarse(f *fault.Fault) int {
	wait := f.Wait()
	switch {
	case f.Kind() == fault.TooMany && wait <= time.Minute:
		return 60
	case f.Kind() == fault.TooMany && wait <= 5*time.Minute:
		return 300
	case f.Kind() == fault.TooMany:
		return 3600
	case f.Kind() == fault.Unavailable && wait <= 0:
		return 5
	}
	return int((wait + time.Second - 1) / time.Second)
}
