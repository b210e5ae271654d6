package log_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"regexp"
	"strings"
	"testing"
	"testing/quick"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/log"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

var key = []byte("a key of the test")

// lines logs once and returns what was written, by both formats.
func lines(t *testing.T, write func(*slog.Logger)) (asJSON map[string]any, raw, text string) {
	t.Helper()
	var j, x bytes.Buffer
	write(log.New(&j, log.Options{Key: key, Level: slog.LevelDebug}))
	write(log.New(&x, log.Options{Key: key, Level: slog.LevelDebug, Format: log.Text}))
	require.NoError(t, json.Unmarshal(j.Bytes(), &asJSON), "%q", j.String())
	require.Equal(t, 1, strings.Count(x.String(), "\n"), "%q", x.String())
	return asJSON, j.String(), x.String()
}

func TestHandler_writesWhatItIsGiven(t *testing.T) {
	t.Parallel()
	ctx := log.WithRequestID(context.Background(), "req_1")
	got, _, text := lines(t, func(l *slog.Logger) {
		l.With("room", "signup").WithGroup("http").InfoContext(ctx, "answered",
			"status", 202, "took", 3*time.Millisecond, "ok", true, "share", 0.5, "nan", math.NaN(),
			"at", time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), slog.Group("peer", "key", "10.0.0.1"),
			"error", errors.New("it broke"), "code", "database_unavailable")
	})
	require.NotEmpty(t, got["time"])
	delete(got, "time")
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "answered", "requestId": "req_1", "room": "signup", "http.status": float64(202),
		"http.took": "3ms", "http.ok": true, "http.share": 0.5, "http.nan": "NaN", "http.at": "2026-03-01T09:00:00Z",
		"http.peer.key": "10.0.0.1", "http.error": "it broke", "http.code": "database_unavailable",
	}, got)
	require.Contains(t, text, `INFO answered requestId=req_1 room=signup http.status=202 http.took=3ms`)
	require.Contains(t, text, `http.error="it broke"`)
}

func TestHandler_keepsToItsLevel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := log.New(&out, log.Options{})
	l.Debug("not said")
	require.Empty(t, out.String())
}

func TestHandler_neverShowsAddressesOrSecrets(t *testing.T) {
	t.Parallel()
	got, raw, text := lines(t, func(l *slog.Logger) {
		l.Info("mail to Jana.Berg@fabrikam.de failed", "to", log.Address("jana.berg@fabrikam.de"),
			"again", log.Address("JANA.BERG@fabrikam.de"), "other", log.Address("jana@fabrikam.de"),
			"error", errors.New(`550 <jana.berg@fabrikam.de>: no such user`), "smtp_password", "hunter2",
			"Set-Cookie", "id=s3cr3t", "token", "abc", "code", "123456", "oneTimeCode", "123 456", "key", secret.New("s3cr3t"),
			"jana.berg@fabrikam.de", "an address as a name")
	})
	for _, leak := range []string{"ana.berg", "Ana.Berg", "ana@", "hunter2", "s3cr3t", "abc", "123456", "123 456"} {
		require.NotContains(t, raw, leak)
		require.NotContains(t, text, leak)
	}
	require.Equal(t, "mail to J***@fabrikam.de failed", got["msg"])
	require.Regexp(t, `^j\*\*\*@fabrikam\.de#[0-9a-f]{8}$`, got["to"])
	require.Equal(t, strings.ToLower(got["to"].(string)), strings.ToLower(got["again"].(string)), "one person, one hash")
	require.NotEqual(t, got["to"], got["other"])
	require.Equal(t, "550 <j***@fabrikam.de>: no such user", got["error"])
}

func TestAddress_masksUnderAnyHandler(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "to", log.Address("jana.berg@fabrikam.de"))
	require.Contains(t, out.String(), "j***@fabrikam.de")
	require.NotContains(t, out.String(), "berg")
}

func TestHandler_cannotBeForged(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{
		"\n{\"level\":\"error\"}", "\r\n", "\x1b[2J\x1b[31mred", "\u2028\u2029", "\u202Eevil\u2066", "\x00\x7f\u0085\u009b",
		strings.Repeat("x", 10<<10), strings.Repeat("\x01", 10<<10), strings.Repeat("\"", 5000), "\xff\xfe", "\U000E0001tag", "\uE000", "a=b c",
	} {
		_, raw, text := lines(t, func(l *slog.Logger) { l.Warn(hostile, "name", hostile, hostile, "value", "last", 1) })
		requireHarmless(t, raw)
		requireHarmless(t, text)
	}
}

type explosive struct{ text *string }

func (e *explosive) String() string { return *e.text }

func TestHandler_survivesValuesThatCannotPrint(t *testing.T) {
	t.Parallel()
	got, _, _ := lines(t, func(l *slog.Logger) { l.Info("x", "v", &explosive{}, "n", nil) })
	require.Contains(t, got, "v")
}

// gapped is a code that no number has in it: a random n has six given digits once in 80,000 times.
const gapped = "482 913"

// F15: whatever the strings, one valid JSON line of at most 2 KiB without control or bidi characters, first fields kept.
func TestHandler_property(t *testing.T) {
	t.Parallel()
	err := quick.Check(func(msg, k1, v1, k2, v2, group string, n int64, many []string) bool {
		var out bytes.Buffer
		l := log.New(&out, log.Options{Key: key}).With(k1, v1).WithGroup(group)
		args := []any{k2, v2, "n", n, "code", gapped, "to", log.Address(v2 + "@corp.com")}
		for _, m := range many {
			args = append(args, m, m)
		}
		l.Info(msg, args...)
		requireHarmless(t, out.String())
		var got map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &got), "%q", out.String())
		require.NotContains(t, out.String(), gapped)
		return got["level"] == "INFO"
	}, &quick.Config{MaxCount: 2000})
	require.NoError(t, err)
}

var timeField = regexp.MustCompile(`^(\{"time":"[^"]*"|\S+)`)

func FuzzHandler(f *testing.F) {
	f.Add("msg", "key", "value")
	f.Add("\n", "\x1b[0m", "\u202e")
	f.Add("a@b.c", "token", strings.Repeat("é\x00", 2000))
	f.Fuzz(func(t *testing.T, msg, k, v string) {
		got, raw, text := lines(t, func(l *slog.Logger) { l.Info(msg, k, v, "code", code, "token", secret.New(code)) })
		require.Equal(t, "INFO", got["level"], "nothing typed takes the place of the line's own fields")
		_, rawAlone, textAlone := lines(t, func(l *slog.Logger) { l.Info(msg, k, v) }) // what is typed may have those digits, or escapes that end with them
		for line, alone := range map[string]string{raw: rawAlone, text: textAlone} {
			requireHarmless(t, line)
			require.LessOrEqual(t, codes(line), codes(alone), line)
		}
	})
}

const code = "482913"

// codes is how often the code stands in a line, but for its time, where such digits turn up by chance.
func codes(line string) int { return strings.Count(timeField.ReplaceAllString(line, ""), code) }

func requireHarmless(t *testing.T, line string) {
	t.Helper()
	require.LessOrEqual(t, len(line), log.MaxLine)
	require.True(t, strings.HasSuffix(line, "\n"))
	for _, r := range strings.TrimSuffix(line, "\n") {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			t.Fatalf("%U stands in the line %q", r, line)
		}
	}
}
