package mailstand

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jhillyerd/enmime/v2"
)

// Kept is a mail as it came.
type Kept struct {
	ID   string
	From string   // envelope
	To   []string // envelope
	Raw  []byte
	At   time.Time

	envelope *enmime.Envelope
}

// MessageID is the mail's, without brackets.
func (k Kept) MessageID() string { return strings.Trim(k.envelope.GetHeader("Message-ID"), "<>") }

// Subject is the mail's, decoded.
func (k Kept) Subject() string { return k.envelope.GetHeader("Subject") }

// Server catches mail. Make it with Listen.
type Server struct {
	SMTP string // host:port
	API  string // http://host:port

	mu      sync.Mutex
	kept    []Kept
	faults  map[string]*Fault
	waiting int // sessions that a fault keeps waiting
	passing int // mails taken and not kept
	forgets bool
	wire    bytes.Buffer
	next    int
	closed  chan struct{}
	once    sync.Once
	tap     *tap
	smtp    *smtp.Server
	http    *http.Server
}

// Listen starts the SMTP server and the API on free loopback ports. Close it.
func Listen() (*Server, error) {
	s := &Server{faults: map[string]*Fault{}, closed: make(chan struct{})}
	mails, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for mail: %w", err)
	}
	calls, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for calls: %w", err)
	}
	s.SMTP, s.API = mails.Addr().String(), "http://"+calls.Addr().String()
	s.smtp = smtp.NewServer(s)
	s.smtp.Domain, s.smtp.AllowInsecureAuth = "mail.stand-in.test", true
	s.smtp.MaxMessageBytes, s.smtp.ReadTimeout, s.smtp.WriteTimeout = 1<<20, time.Minute, time.Minute
	s.smtp.ErrorLog = log.New(io.Discard, "", 0) // clients that vanish are part of the tests
	s.smtp.EnableSMTPUTF8 = true                 // as many servers: a wrong address must not be saved by us
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second}
	s.tap = newTap(s, mails)
	go func() { _ = s.smtp.Serve(s.tap) }()
	go func() { _ = s.http.Serve(calls) }()
	return s, nil
}

// Close stops both servers; a second time does nothing.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.closed)
		_ = s.smtp.Close()
		_ = s.http.Close()
	})
}

// Wire is every byte that clients sent, commands and messages.
func (s *Server) Wire() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wire.String()
}

// All are the mails so far, oldest first.
func (s *Server) All() []Kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Kept(nil), s.kept...)
}

// Since are the mails after the first n; it costs what it returns, however many there are.
func (s *Server) Since(n int) []Kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Kept(nil), s.kept[min(n, len(s.kept)):]...)
}

// Forgets makes the server count the mails that come from now on, and neither read nor keep them or the wire: a crowd's
// would fill the memory of the test.
func (s *Server) Forgets() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgets = true
}

// Came is how many mails have come, kept or forgotten.
func (s *Server) Came() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept) + s.passing
}

// passes counts a mail that is not kept; false when mails are kept.
func (s *Server) passes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgets {
		s.passing++
	}
	return s.forgets
}

// Waiting is how many sessions a fault keeps waiting right now.
func (s *Server) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// NewSession implements smtp.Backend.
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}

func (s *Server) keep(from string, to []string, raw []byte) error {
	if s.passes() {
		return nil
	}
	envelope, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "unreadable: " + err.Error()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	s.kept = append(s.kept, Kept{
		ID: "m" + strconv.Itoa(s.next), From: from, To: to, Raw: raw, At: time.Now().UTC(), envelope: envelope,
	})
	return nil
}

// session is one SMTP dialogue.
type session struct {
	server *Server
	conn   *smtp.Conn
	from   string
	to     []string
}

func (t *session) Mail(from string, _ *smtp.MailOptions) error { t.from = from; return nil }
func (t *session) Reset()                                      { t.from, t.to = "", nil }
func (t *session) Logout() error                               { return nil }

func (t *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if f, due := t.server.strike(to, AtRcpt); due {
		t.server.stalled(f)
		if f.Code == 0 {
			return t.conn.Conn().Close()
		}
		if f.Code != Taken {
			return f.answer()
		}
	}
	t.to = append(t.to, to)
	return nil
}

func (t *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range t.to {
		if f, due := t.server.strike(to, AtDot); due {
			t.server.stalled(f)
			if f.Code == 0 {
				return t.conn.Conn().Close()
			}
			if f.Code != Taken {
				return f.answer()
			}
		}
	}
	if err := t.server.keep(t.from, t.to, raw); err != nil {
		return err
	}
	for _, to := range t.to {
		if f, due := t.server.strike(to, AfterDot); due {
			t.server.stalled(f)
			if f.Code != Taken {
				return t.conn.Conn().Close()
			}
		}
	}
	return nil
}
