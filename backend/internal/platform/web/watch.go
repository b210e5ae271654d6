package web

import (
	"net/http"
	"net/netip"
	"sync/atomic"
)

// Watch is what the engine has noticed since the start, for metrics and health. It is safe for concurrent use.
type Watch struct {
	// Shed counts requests that were turned away because there were too many at once.
	Shed atomic.Int64
	// forwarded counts requests whose X-Forwarded-For was believed, ignored those of peers that nobody has trusted.
	forwarded, ignored atomic.Int64
	stranger           atomic.Pointer[netip.Addr]
}

// Forwarding is what Watch knows of proxies.
type Forwarding struct {
	Believed, Ignored int64
	// Stranger is the last peer on a private network or this machine whose X-Forwarded-For was ignored: most likely a
	// proxy that is missing among the trusted ones. Invalid if there was none. Peers on the internet are not kept: they
	// are people, who may send any header.
	Stranger netip.Addr
}

// Forwarding reads what was noticed.
func (w *Watch) Forwarding() Forwarding {
	f := Forwarding{Believed: w.forwarded.Load(), Ignored: w.ignored.Load()}
	if at := w.stranger.Load(); at != nil {
		f.Stranger = *at
	}
	return f
}

// notice counts r, if it came with X-Forwarded-For.
func (w *Watch) notice(r *http.Request, trusted []netip.Prefix) {
	if w == nil || len(r.Header["X-Forwarded-For"]) == 0 {
		return
	}
	peer, ok := hop(r.RemoteAddr)
	switch {
	case ok && isTrusted(peer, trusted):
		w.forwarded.Add(1)
	case ok && (peer.IsPrivate() || peer.IsLoopback()):
		w.ignored.Add(1)
		if last := w.stranger.Load(); last == nil || *last != peer {
			w.stranger.Store(&peer)
		}
	default:
		w.ignored.Add(1)
	}
}

func (w *Watch) shedOne() {
	if w != nil {
		w.Shed.Add(1)
	}
}
