package notification

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

// How long each step towards a mail server may take (security.md R07).
const (
	DialLimit    = 10 * time.Second
	CommandLimit = 30 * time.Second
	MessageLimit = 120 * time.Second
)

const (
	// maxIdle is how many connections are held while there is nothing to send, and idleLimit for how long: most servers
	// hang up after a few minutes, and ours is the politer way.
	maxIdle   = 8
	idleLimit = 60 * time.Second
	// probeAfter is the idle time after which a connection is asked for a sign of life before it gets a mail.
	probeAfter = 5 * time.Second
	// maxOnConnection is how many mails one connection carries; some servers slow down or hang up later.
	maxOnConnection = 500
)

// How a connection is protected.
const (
	TLSRequired      = "required"      // STARTTLS or nothing is sent; port 465 speaks TLS from the first byte
	TLSOpportunistic = "opportunistic" // STARTTLS if it is offered; a handshake that fails is still a failure
	TLSOff           = "off"
)

// SMTPOptions say where mail goes. Durations of 0 mean the constants above.
type SMTPOptions struct {
	Host     string
	Port     int
	Username string // "" means no sign-in
	Password secret.String
	TLS      string // TLSRequired, TLSOpportunistic or TLSOff
	Hello    string // our own host name
	// Roots are the authorities that may vouch for the server; nil means the system's. The certificate is always checked.
	Roots *x509.CertPool

	Dial, Command, Message time.Duration
}

// SMTP hands mail to one server over held connections. Every worker has a connection of its own while it sends.
type SMTP struct {
	o SMTPOptions

	mu     sync.Mutex
	idle   []*connection // the last used comes last
	closed bool
}

// NewSMTP makes the transport; it connects when there is something to send.
func NewSMTP(o SMTPOptions) *SMTP {
	if o.TLS != TLSRequired && o.TLS != TLSOpportunistic && o.TLS != TLSOff {
		panic("notification.NewSMTP: TLS is " + o.TLS)
	}
	if o.Dial == 0 {
		o.Dial = DialLimit
	}
	if o.Command == 0 {
		o.Command = CommandLimit
	}
	if o.Message == 0 {
		o.Message = MessageLimit
	}
	return &SMTP{o: o}
}

var errClosed = errors.New("the mail transport is closed")

// Send hands m over. A held connection that has died meanwhile is replaced once, as long as nothing of m has been sent.
func (s *SMTP) Send(ctx context.Context, m *Message) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Message)
	defer cancel()
	if c := s.take(); c != nil {
		err := s.sendOn(ctx, c, m)
		if err == nil || !c.stale {
			return err
		}
	}
	c, err := s.connect(ctx)
	if err != nil {
		return refused(err)
	}
	return s.sendOn(ctx, c, m)
}

func (s *SMTP) sendOn(ctx context.Context, c *connection, m *Message) error {
	err := c.send(ctx, m)
	if c.usable {
		s.give(c)
	} else {
		c.close()
	}
	return err
}

// take is the held connection that was used last, or nil.
func (s *SMTP) take() *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == 0 {
		return nil
	}
	c := s.idle[len(s.idle)-1]
	s.idle = s.idle[:len(s.idle)-1]
	if !c.expiry.Stop() {
		return nil // it is being closed right now
	}
	return c
}

// give holds c for the next mail, or closes it.
func (s *SMTP) give(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.idle) >= maxIdle || c.sent >= maxOnConnection {
		go c.quit()
		return
	}
	c.held, c.since = true, wall.Now()
	c.expiry = time.AfterFunc(idleLimit, func() { s.drop(c) })
	s.idle = append(s.idle, c)
}

// drop closes a connection that nobody wanted for idleLimit.
func (s *SMTP) drop(c *connection) {
	s.mu.Lock()
	for i, held := range s.idle {
		if held == c {
			s.idle = append(s.idle[:i], s.idle[i+1:]...)
			break
		}
	}
	s.mu.Unlock()
	c.quit()
}

// Close ends the held connections; those in use end with their mail.
func (s *SMTP) Close() error {
	s.mu.Lock()
	held := s.idle
	s.idle, s.closed = nil, true
	s.mu.Unlock()
	for _, c := range held {
		if c.expiry.Stop() {
			c.quit()
		}
	}
	return nil
}

func (s *SMTP) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
