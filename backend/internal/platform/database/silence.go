package database

import (
	"net"
	"sync"
	"time"
)

// silenceLimit is how long a server may say nothing while we wait for an answer. It is longer than statement_timeout:
// a living server would have answered by then, so this one is stopped or unreachable. It is shorter than the 6 s within
// which a request ends (security.md R12), so that there is time to say so.
const silenceLimit = actLimit

// quietConn gives every read a deadline, or the earlier one that pgx has set.
type quietConn struct {
	net.Conn
	limit    time.Duration
	mu       sync.Mutex
	deadline time.Time // pgx's
}

func limitSilence(conn net.Conn) net.Conn {
	if conn == nil {
		return nil
	}
	return &quietConn{Conn: conn, limit: silenceLimit}
}

func (c *quietConn) Read(p []byte) (int, error) {
	if err := c.arm(); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *quietConn) arm() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := time.Now().Add(c.limit) // the network's deadlines are in the machine's time
	if !c.deadline.IsZero() && c.deadline.Before(limit) {
		limit = c.deadline
	}
	return c.Conn.SetReadDeadline(limit)
}

// SetDeadline remembers pgx's deadline; one that has passed wakes a waiting read, which is how pgx cancels.
func (c *quietConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline is SetDeadline for reads alone.
func (c *quietConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetReadDeadline(t)
}
