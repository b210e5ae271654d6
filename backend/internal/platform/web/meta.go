package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// maxUserAgent is how much of a User-Agent is kept, in bytes.
const maxUserAgent = 256

// Meta is what a request says about itself, and what the house made of it.
type Meta struct {
	RequestID string
	// Address is the client's IP address: the peer's, or what trusted proxies say. Key limits by [AddressKey] of it.
	Address string
	// UserAgent is the header's first 256 bytes, as sent.
	UserAgent string
	// Locale is one of the languages of the house, the best match for Accept-Language.
	Locale string
}

type metaKey struct{}

// WithMeta returns a context that carries m.
func WithMeta(ctx context.Context, m Meta) context.Context {
	return context.WithValue(ctx, metaKey{}, m)
}

// MetaOf returns the request's Meta; the zero Meta with Locale "en" where there is no request, as in jobs.
func MetaOf(ctx context.Context) Meta {
	if m, ok := ctx.Value(metaKey{}).(Meta); ok {
		return m
	}
	return Meta{Locale: "en"}
}

// AddressKey is what limits are counted by: an IPv4 address, or the /64 network of an IPv6 address, because whoever has
// one address of it has them all. What is no address is its own key.
func AddressKey(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, 64).Masked().String()
}

// NetworkKey is the wider network that limits are counted by beside the address: the /24 of an IPv4 address, the /48 of
// an IPv6 address, which is what one customer of a provider has at most.
func NetworkKey(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(ip, bits).Masked().String()
}

// clientAddress is the peer's address or, behind trusted proxies, the right-most hop of X-Forwarded-For that is not one
// of them. A hop that cannot be read makes the peer the client: nobody may choose to be unknown.
func clientAddress(r *http.Request, trusted []netip.Prefix) string {
	peer, ok := hop(r.RemoteAddr)
	if !ok {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			return r.RemoteAddr
		}
		return host
	}
	if !isTrusted(peer, trusted) {
		return peer.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	client := peer
	for i := len(hops) - 1; i >= 0; i-- {
		ip, ok := hop(strings.TrimSpace(hops[i]))
		if !ok {
			return peer.String()
		}
		client = ip
		if !isTrusted(ip, trusted) {
			break
		}
	}
	return client.String()
}

// hop reads "192.0.2.1", "192.0.2.1:80", "2001:db8::1" and "[2001:db8::1]:80".
func hop(s string) (netip.Addr, bool) {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func isTrusted(ip netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// isLoopbackPeer says whether r came from this machine, by its socket alone.
func isLoopbackPeer(r *http.Request) bool {
	ip, ok := hop(r.RemoteAddr)
	return ok && ip.IsLoopback()
}

// isHandedOn says whether a proxy has handed r on for somebody. Whether that proxy is believed does not matter here: one
// on this machine makes the whole world look like this machine.
func isHandedOn(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via"} {
		if len(r.Header.Values(name)) > 0 {
			return true
		}
	}
	return false
}

// languages matches Accept-Language against the languages of the house.
type languages struct {
	matcher language.Matcher
	tags    []string
	mu      sync.RWMutex
	known   map[string]string // headers seen, because browsers send few different ones
}

// maxKnown bounds the memory that strangers can fill with invented headers; longer headers are not remembered.
const maxKnown, maxAcceptLanguage = 512, 128

func newLanguages(names []string) *languages {
	l := &languages{tags: names, known: map[string]string{}}
	tags := make([]language.Tag, len(names))
	for i, name := range names {
		tags[i] = language.MustParse(name)
	}
	l.matcher = language.NewMatcher(tags)
	return l
}

// best is the house's language for an Accept-Language header; the first one when nothing matches.
func (l *languages) best(header string) string {
	if header == "" {
		return l.tags[0]
	}
	l.mu.RLock()
	found, ok := l.known[header]
	l.mu.RUnlock()
	if ok {
		return found
	}
	found = l.tags[0]
	if len(header) <= 4*maxAcceptLanguage {
		if wanted, _, err := language.ParseAcceptLanguage(header); err == nil && len(wanted) > 0 {
			_, i, _ := l.matcher.Match(wanted...)
			found = l.tags[i]
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.known) < maxKnown && len(header) <= maxAcceptLanguage {
		l.known[strings.Clone(header)] = found
	}
	return found
}
