package log

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Format is how lines look.
type Format string

// The two formats.
const (
	JSON Format = "json" // one JSON object a line, for machines
	Text Format = "text" // time, level, message, key=value, for eyes
)

// Options of [New].
type Options struct {
	// Level is the lowest level that is written. Default: info.
	Level slog.Leveler
	// Format is JSON unless Text is asked for.
	Format Format
	// Key keys the hashes that stand for addresses; derive it with secret.Keys. Without a key addresses are masked only.
	Key []byte
}

// New returns a logger that writes whole lines to w, one at a time.
func New(w io.Writer, o Options) *slog.Logger { return slog.New(NewHandler(w, o)) }

// NewHandler returns the handler behind [New].
func NewHandler(w io.Writer, o Options) slog.Handler {
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	return &handler{out: &output{w: w}, options: o}
}

// output is shared by all handlers derived from one, so that lines do not mix.
type output struct {
	mu sync.Mutex
	w  io.Writer
}

// field is one flattened attribute. raw values (numbers, booleans) are written without quotes.
type field struct {
	key, value string
	raw        bool
}

type handler struct {
	out     *output
	options Options
	prefix  string // the open groups, each with its dot
	fields  []field
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.options.Level.Level() }

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.prefix += name + "."
	return &c
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.fields = slices.Clone(h.fields)
	for _, a := range attrs {
		c.fields = h.flatten(c.fields, h.prefix, a)
	}
	return &c
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	fields := make([]field, 0, 4+len(h.fields)+r.NumAttrs())
	if !r.Time.IsZero() {
		fields = append(fields, field{key: "time", value: r.Time.UTC().Format("2006-01-02T15:04:05.000000Z")})
	}
	fields = append(fields, field{key: "level", value: r.Level.String()}, field{key: "msg", value: clean(r.Message)})
	if id := RequestID(ctx); id != "" {
		fields = append(fields, field{key: "requestId", value: clean(id)})
	}
	fields = append(fields, h.fields...)
	r.Attrs(func(a slog.Attr) bool {
		fields = h.flatten(fields, h.prefix, a)
		return true
	})
	line := encodeJSON(fields)
	if h.options.Format == Text {
		line = encodeText(fields)
	}
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	_, err := h.out.w.Write(line)
	return err //nolint:wrapcheck // slog drops it; the writer's words are enough
}

func (h *handler) flatten(to []field, prefix string, a slog.Attr) []field {
	if hash, ok := a.Value.Any().(address); ok {
		return append(to, field{key: clean(prefix + a.Key), value: clean(hash.text(h.options.Key))})
	}
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range value.Group() {
			to = h.flatten(to, prefix, inner)
		}
		return to
	}
	if a.Key == "" && value.Any() == nil {
		return to
	}
	text, raw := render(value)
	if !raw {
		text = clean(text)
	}
	if isSecret(a.Key, text) {
		text, raw = "••••", false
	}
	return append(to, field{key: clean(prefix + a.Key), value: text, raw: raw})
}

// secretKeys are names under which nothing is ever written in clear.
var secretKeys = []string{"token", "cookie", "authorization", "password", "passwd", "secret", "apikey", "otp", "assertion", "credential"}

var withoutJoints = strings.NewReplacer("_", "", "-", "")

// isSecret says whether the value under key must be dots: a name of the list, or digits under a name with "code",
// which are a one-time code (an error's code is a word).
func isSecret(key, text string) bool {
	name := withoutJoints.Replace(strings.ToLower(key))
	for _, s := range secretKeys {
		if strings.Contains(name, s) {
			return text != ""
		}
	}
	if !strings.Contains(name, "code") {
		return false
	}
	digits := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, text)
	return len(digits) >= 4 && strings.Trim(digits, "0123456789") == ""
}

type requestID struct{}

// WithRequestID returns a context whose log lines carry id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestID{}, id)
}

// RequestID is the id given to [WithRequestID], or "".
func RequestID(ctx context.Context) string {
	if ctx == nil {
		return ""
	}
	id, _ := ctx.Value(requestID{}).(string)
	return id
}
