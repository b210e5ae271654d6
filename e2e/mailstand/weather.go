package mailstand

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// Weather is how the whole server is, whoever writes; faults are about one recipient.
type Weather string

// The weathers.
const (
	Fair    Weather = ""
	Down    Weather = "down"    // nothing listens
	Silent  Weather = "silent"  // connections are taken and nothing is said
	Busy    Weather = "busy"    // 421 instead of a greeting, and the end
	Crawls  Weather = "crawls"  // says one byte in crawlPause
	Halting Weather = "halting" // offers STARTTLS and says nothing more when it is asked for
)

const crawlPause = 50 * time.Millisecond

// Set changes the weather. Open connections end, as when a server is started anew.
func (s *Server) Set(w Weather) error {
	s.tap.mu.Lock()
	defer s.tap.mu.Unlock()
	before := s.tap.weather
	s.tap.weather = w
	if w == Down && before != Down {
		_ = s.tap.listen.Close()
	}
	for conn := range s.tap.open {
		_ = conn.Close()
	}
	clear(s.tap.open)
	if w != Down && before == Down {
		listen, err := net.Listen("tcp", s.SMTP)
		if err != nil {
			return fmt.Errorf("listen for mail again: %w", err)
		}
		s.tap.listen = listen
		go s.tap.take(listen)
	}
	return nil
}

// tap stands between the network and the SMTP server: it makes the weather and records what clients send.
type tap struct {
	server *Server
	conns  chan net.Conn
	addr   net.Addr

	mu      sync.Mutex
	weather Weather
	listen  net.Listener
	open    map[net.Conn]struct{}
}

func newTap(s *Server, listen net.Listener) *tap {
	t := &tap{server: s, conns: make(chan net.Conn), addr: listen.Addr(), listen: listen, open: map[net.Conn]struct{}{}}
	go t.take(listen)
	return t
}

// take receives connections until listen is closed.
func (t *tap) take(listen net.Listener) {
	for {
		conn, err := listen.Accept()
		if err != nil {
			return
		}
		t.mu.Lock()
		w := t.weather
		if w == Down {
			_ = conn.Close()
		} else {
			t.open[conn] = struct{}{}
		}
		t.mu.Unlock()
		switch w {
		case Down, Silent: // a silent one ends with the weather
		case Busy:
			go func() { _, _ = conn.Write([]byte("421 4.3.2 too busy, try later\r\n")); t.forget(conn) }()
		case Halting:
			go t.halt(conn)
		default:
			select {
			case t.conns <- &tapped{Conn: conn, tap: t, crawls: w == Crawls}:
			case <-t.server.closed:
				_ = conn.Close()
			}
		}
	}
}

// halt offers STARTTLS, and leaves whoever asks for it without an answer.
func (t *tap) halt(conn net.Conn) {
	_, _ = conn.Write([]byte("220 mail.stand-in.test ready\r\n"))
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if strings.HasPrefix(strings.ToUpper(lines.Text()), "EHLO") {
			_, _ = conn.Write([]byte("250-mail.stand-in.test\r\n250 STARTTLS\r\n"))
		}
	}
	t.forget(conn)
}

func (t *tap) forget(conn net.Conn) {
	_ = conn.Close()
	t.mu.Lock()
	delete(t.open, conn)
	t.mu.Unlock()
}

// Accept implements net.Listener; it waits while nothing listens.
func (t *tap) Accept() (net.Conn, error) {
	select {
	case conn := <-t.conns:
		return conn, nil
	case <-t.server.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (t *tap) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for conn := range t.open {
		_ = conn.Close()
	}
	return t.listen.Close()
}

// Addr implements net.Listener.
func (t *tap) Addr() net.Addr { return t.addr }

type tapped struct {
	net.Conn
	tap    *tap
	crawls bool
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tap.server.mu.Lock()
	if !c.tap.server.forgets {
		c.tap.server.wire.Write(p[:n])
	}
	c.tap.server.mu.Unlock()
	return n, err
}

func (c *tapped) Write(p []byte) (n int, err error) {
	if !c.crawls {
		return c.Conn.Write(p)
	}
	for n < len(p) {
		one, err := c.Conn.Write(p[n : n+1])
		n += one
		if err != nil {
			return n, err
		}
		if !c.tap.server.waits(crawlPause) {
			return n, net.ErrClosed
		}
	}
	return n, nil
}

func (c *tapped) Close() error {
	c.tap.forget(c.Conn)
	return nil
}
