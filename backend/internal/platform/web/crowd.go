package web

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

// crowdAlert is how often an operator is told that connections are turned away.
const crowdAlert = time.Minute

// wall is the machine's clock, for the pause between two lines of the log.
var wall = clock.System()

// Crowd bounds the connections that one client holds open at the same time (security.md T102), so that whoever opens
// thousands and says nothing on them keeps nobody else out. Clients are told apart as limits do it ([AddressKey]).
type Crowd struct {
	// PerClient is the most connections of one client; 0 means as many as it likes.
	PerClient int
	// TrustedProxies hold the connections of many people, and are not bounded.
	TrustedProxies []netip.Prefix
	Logger         *slog.Logger
}

// Listen returns a listener that closes what is too many at once, before anything is read from it.
func (c Crowd) Listen(l net.Listener) net.Listener {
	if c.PerClient <= 0 {
		return l
	}
	return &crowded{Listener: l, Crowd: c, open: map[string]int{}}
}

type crowded struct {
	net.Listener
	Crowd

	mu   sync.Mutex
	open map[string]int // by client; only those with connections
	told time.Time
}

// Accept waits for a connection of a client that may have one more.
func (l *crowded) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // net/http compares it
		}
		client, ok := hop(conn.RemoteAddr().String())
		if !ok || isTrusted(client, l.TrustedProxies) {
			return conn, nil
		}
		key := AddressKey(client.String())
		if l.enter(key) {
			return &guest{Conn: conn, leave: sync.OnceFunc(func() { l.leave(key) })}, nil
		}
		_ = conn.Close()
	}
}

func (l *crowded) enter(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key] < l.PerClient {
		l.open[key]++
		return true
	}
	if now := wall.Now(); now.Sub(l.told) >= crowdAlert {
		l.told = now
		l.Logger.Warn("connections are turned away: one client holds too many; if it is your proxy, name it in VESTIBULE_TRUSTED_PROXIES",
			"client", key, "most", l.PerClient)
	}
	return false
}

func (l *crowded) leave(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key]--; l.open[key] <= 0 {
		delete(l.open, key)
	}
}

// guest is a connection that makes room when it is closed.
type guest struct {
	net.Conn
	leave func()
}

// Close closes the connection. net/http calls it more than once.
func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close() //nolint:wrapcheck // net/http compares it
}
