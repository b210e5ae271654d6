package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/mail"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// weather is how the mail server behaves.
type weather int

// The weathers of performance.md's faults.
const (
	fair     weather = iota
	slow             // every answer to a message takes slowAnswer
	refusing         // nothing listens
	dropping         // hangs up when a message has come, before answering
)

const slowAnswer = 5 * time.Second

// sink is a mail server that counts what it gets and keeps almost nothing of it.
type sink struct {
	addr string
	cert *tls.Config // nil: no STARTTLS

	mu          sync.Mutex
	listener    net.Listener
	server      *smtp.Server
	weather     weather
	mails       int
	connections int            // that brought a mail
	ids         map[string]int // by Message-ID
	waiting     map[string]chan letter
}

// letter is what is read of a mail: when it had come, and the code in its subject.
type letter struct {
	at   time.Time
	code string
}

// openSink listens on a free loopback port, with STARTTLS if cert is given. Close it.
func openSink(cert *tls.Config) (*sink, error) {
	s := &sink{cert: cert, ids: map[string]int{}, waiting: map[string]chan letter{}}
	return s, s.listen("127.0.0.1:0")
}

func (s *sink) listen(addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for mail: %w", err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{sink: s, conn: c}, nil }))
	server.Domain, server.TLSConfig, server.AllowInsecureAuth = "sink.example.test", s.cert, true
	server.ErrorLog = log.New(io.Discard, "", 0) // connections that break are part of the measurement
	server.ReadTimeout, server.WriteTimeout = 2*time.Minute, 2*time.Minute
	s.mu.Lock()
	s.addr, s.listener, s.server = listener.Addr().String(), listener, server
	s.mu.Unlock()
	go func() { _ = server.Serve(listener) }()
	return nil
}

// set changes the weather. Refusing closes the door and every connection; any other opens it again.
func (s *sink) set(w weather) error {
	s.mu.Lock()
	before := s.weather
	s.weather = w
	server, addr := s.server, s.addr
	s.mu.Unlock()
	switch {
	case w == refusing && before != refusing:
		return server.Close()
	case w != refusing && before == refusing:
		return s.listen(addr)
	}
	return nil
}

func (s *sink) close() {
	s.mu.Lock()
	server := s.server
	s.mu.Unlock()
	_ = server.Close()
}

// expect returns where the next mail to address will be told.
func (s *sink) expect(address string) <-chan letter {
	ch := make(chan letter, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[address] = ch
	return ch
}

// count is how many mails came so far, and how many of them more than once.
func (s *sink) count() (mails, duplicates, connections int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.ids {
		duplicates += n - 1
	}
	return s.mails, duplicates, s.connections
}

// reset forgets what came so far.
func (s *sink) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails, s.connections = 0, 0
	clear(s.ids)
	clear(s.waiting)
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// session is one SMTP conversation.
type session struct {
	sink    *sink
	conn    *smtp.Conn
	to      []string
	brought bool // a mail on this connection
}

func (t *session) Mail(string, *smtp.MailOptions) error { return nil }
func (t *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	t.to = append(t.to, to)
	return nil
}
func (t *session) Reset()        { t.to = nil }
func (t *session) Logout() error { return nil }

func (t *session) Data(r io.Reader) error {
	message, err := mail.ReadMessage(bufio.NewReader(r))
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, message.Body); err != nil {
		return err
	}
	t.sink.mu.Lock()
	now := t.sink.weather
	t.sink.mu.Unlock()
	switch now {
	case slow:
		time.Sleep(slowAnswer)
	case dropping:
		return t.conn.Conn().Close()
	}
	t.sink.keep(t, message.Header)
	return nil
}

func (s *sink) keep(t *session, header mail.Header) {
	code := sixDigits.FindString(header.Get("Subject"))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails++
	s.ids[header.Get("Message-ID")]++
	if !t.brought {
		t.brought = true
		s.connections++
	}
	for _, to := range t.to {
		address := strings.ToLower(to)
		if ch := s.waiting[address]; ch != nil && code != "" {
			delete(s.waiting, address)
			ch <- letter{at: time.Now(), code: code}
		}
	}
}
