package log

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"regexp"
	"strings"
)

// Address is how an e-mail address is logged: masked, and behind "#" eight digits of a keyed hash of its canonical
// (lower-case) form, which are the same for the same address in one installation and mean nothing outside it.
//
//	logger.InfoContext(ctx, "mail handed over", "to", log.Address(to.Canonical()))
func Address(addr string) slog.Value { return slog.AnyValue(address(addr)) }

// address masks itself under any other handler too.
type address string

// LogValue implements slog.LogValuer for handlers that do not know the key.
func (a address) LogValue() slog.Value { return slog.StringValue(mask(string(a))) }

func (a address) text(key []byte) string {
	if a == "" || len(key) == 0 {
		return mask(string(a))
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.ToLower(string(a))))
	return mask(string(a)) + "#" + hex.EncodeToString(mac.Sum(nil)[:4])
}

// addresses finds what looks like an address in running text. It errs towards masking too much.
var addresses = regexp.MustCompile(`[^\s@<>"'(),:;=\[\]{}]+@[^\s@<>"'(),:;=\[\]{}]+`)

// mask hides the local part of every address in s, but for its first letter.
func mask(s string) string {
	if !strings.Contains(s, "@") {
		return s
	}
	return addresses.ReplaceAllStringFunc(s, func(found string) string {
		local, domain, _ := strings.Cut(found, "@")
		for _, r := range local {
			return string(r) + "***@" + domain
		}
		return "***@" + domain
	})
}
