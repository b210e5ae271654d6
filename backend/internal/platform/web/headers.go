package web

import (
	"net/http"
	"strings"
)

// headers are the values that every answer bears, made once. The slices are shared by all answers: a handler replaces
// them by Set and never changes them in place.
type headers struct {
	fixed    map[string][]string
	csp      []string
	mailbox  []string
	mailPath string
}

// MailboxPath is the page that may show a frame: the built-in mailbox.
const MailboxPath = "/_mail"

func newHeaders(o Options, secure bool) headers {
	h := headers{
		csp:     []string{policy(o, "")},
		mailbox: []string{policy(o, "frame-src 'self'")}, mailPath: MailboxPath,
		fixed: map[string][]string{
			"X-Content-Type-Options":       {"nosniff"},
			"Referrer-Policy":              {"no-referrer"},
			"Cross-Origin-Opener-Policy":   {"same-origin"},
			"Cross-Origin-Resource-Policy": {"same-origin"},
			"Permissions-Policy": {"accelerometer=(), autoplay=(), camera=(), display-capture=(), fullscreen=(), geolocation=(), " +
				"gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(self), usb=()"},
			"Cache-Control": {"no-store"},
		},
	}
	if secure {
		h.fixed["Strict-Transport-Security"] = []string{"max-age=31536000; includeSubDomains"}
	}
	return h
}

// policy is the Content-Security-Policy: nothing but what is named, and nothing inline but what is known by its hash.
func policy(o Options, frames string) string {
	scripts, styles := "script-src 'self'", "style-src-attr 'none'"
	for _, hash := range o.ScriptHashes {
		scripts += " '" + hash + "'"
	}
	if len(o.StyleHashes) > 0 {
		styles = "style-src-attr 'unsafe-hashes'"
		for _, hash := range o.StyleHashes {
			styles += " '" + hash + "'"
		}
	}
	parts := []string{
		"default-src 'none'", scripts, "style-src 'self'", styles, "img-src 'self' data:", "connect-src 'self'", "font-src 'self'",
		"manifest-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'",
	}
	if frames != "" {
		parts = append(parts, frames)
	}
	return strings.Join(parts, "; ")
}

func (h headers) set(to http.Header, path, requestID string) {
	for k, v := range h.fixed {
		to[k] = v
	}
	to["Content-Security-Policy"] = h.csp
	if path == h.mailPath || strings.HasPrefix(path, h.mailPath+"/") {
		to["Content-Security-Policy"] = h.mailbox
	}
	to["Request-Id"] = []string{requestID}
}
