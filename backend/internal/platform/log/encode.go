package log

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxLine is the longest line, in bytes, its line feed included.
const MaxLine = 2048

// maxValue is the longest value in bytes before escaping; maxKey the longest name.
const (
	maxValue = 1024
	maxKey   = 64
)

// cutMark says that a value or a line was longer.
const cutMark = "…"

// render turns a value into text; raw says that the text is a JSON number or boolean.
func render(v slog.Value) (text string, raw bool) {
	switch v.Kind() {
	case slog.KindInt64, slog.KindUint64, slog.KindBool:
		return v.String(), true
	case slog.KindFloat64:
		f := v.Float64()
		return v.String(), !math.IsNaN(f) && !math.IsInf(f, 0) && isJSONNumber(v.String())
	case slog.KindTime:
		return v.Time().UTC().Format(time.RFC3339Nano), false
	case slog.KindString, slog.KindDuration:
		return v.String(), false
	default:
		return renderAny(v.Any()), false
	}
}

func renderAny(v any) (text string) {
	defer func() {
		if recover() != nil { // a String method on a nil pointer must not end the process from within the log
			text = "!(unprintable)"
		}
	}()
	if err, ok := v.(error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%+v", v)
}

// isJSONNumber guards against forms like "1e+06", which are JSON, and "+Inf", which is not.
func isJSONNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9')
}

// clean masks addresses, cuts to maxValue bytes at a character's edge and makes the text valid UTF-8.
func clean(s string) string {
	if len(s) > 4*maxValue { // masking costs time in proportion; what is cut away anyway is not masked
		s = cut(s, 4*maxValue)
	}
	return cut(mask(strings.ToValidUTF8(s, "\uFFFD")), maxValue)
}

// cut shortens s to at most n bytes and marks that it did.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len(cutMark)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + cutMark
}

// encodeJSON writes one object of fields and a line feed, and never more than MaxLine bytes: what does not fit is cut
// or left out, and "cut":true says so. A name that is written twice keeps its first value.
func encodeJSON(fields []field) []byte {
	const end = `,"cut":true}` + "\n"
	line := make([]byte, 0, 256)
	seen := make(map[string]struct{}, len(fields))
	for _, f := range fields {
		key := cut(f.key, maxKey)
		if _, twice := seen[key]; twice {
			continue
		}
		seen[key] = struct{}{}
		before := len(line)
		if before == 0 {
			line = append(line, '{')
		} else {
			line = append(line, ',')
		}
		line = append(quote(line, key), ':')
		line = value(line, f, MaxLine-len(end))
		if len(line) > MaxLine-len(end) {
			return append(line[:before], end...)
		}
	}
	return append(line, '}', '\n')
}

// encodeText writes time, level and message bare, then key=value, within the same bounds.
func encodeText(fields []field) []byte {
	const end = " cut=true\n"
	line := make([]byte, 0, 256)
	for i, f := range fields {
		before := len(line)
		if before > 0 {
			line = append(line, ' ')
		}
		bare := f.key == "time" || f.key == "level" || f.key == "msg"
		if i > 2 || !bare {
			line = append(escape(line, strings.ReplaceAll(cut(f.key, maxKey), " ", "_")), '=')
			bare = false
		}
		if bare || f.raw || f.value != "" && !strings.ContainsAny(f.value, " =\"\\") {
			line = escape(line, f.value)
		} else {
			line = value(line, f, MaxLine-len(end))
		}
		if len(line) > MaxLine-len(end) {
			return append(line[:before], end...)
		}
	}
	return append(line, '\n')
}

// value appends f's value, quoted unless raw, shortened so that line stays within limit where that is possible.
func value(line []byte, f field, limit int) []byte {
	if f.raw {
		return append(line, f.value...)
	}
	start, text := len(line), f.value
	line = quote(line, text)
	for len(line) > limit && len(text) > 64 {
		text = cut(text, len(text)*3/4)
		line = quote(line[:start], text)
	}
	return line
}

// quote appends s as a JSON string.
func quote(to []byte, s string) []byte {
	return append(escape(append(to, '"'), s), '"')
}

// escape appends s with quotes, backslashes and everything that does not simply show as itself written as JSON
// escapes.
func escape(to []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			to = append(to, '\\', byte(r))
		case plain(r):
			to = utf8.AppendRune(to, r)
		case r > 0xffff:
			hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			to = append(to, fmt.Sprintf(`\u%04x\u%04x`, hi, lo)...)
		default:
			to = append(to, `\u`...)
			if r < 0x1000 {
				to = append(to, strings.Repeat("0", 4-len(strconv.FormatInt(int64(r), 16)))...)
			}
			to = strconv.AppendInt(to, int64(r), 16)
		}
	}
	return to
}

// plain says whether r shows as itself and moves nothing: no control (C0, C1), no format or bidi character, no line or
// paragraph separator, no private or unassigned one.
func plain(r rune) bool {
	return r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r)
}
