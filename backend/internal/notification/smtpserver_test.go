package notification_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a server may do at a verb instead of answering.
const (
	hangUp = "hang up"
	stall  = "stall"
)

// smtpServer speaks as much SMTP as the tests need, and misbehaves as answer says. "BANNER" and "DOT" count as verbs.
type smtpServer struct {
	t        *testing.T
	tls      *tls.Config // offers STARTTLS if set
	auth     string      // the ways to sign in that it offers
	together bool        // offers PIPELINING
	careless bool        // takes a message though it has refused its recipient
	answer   func(verb string, nth int) string
	listener net.Listener
	stop     chan struct{}

	mu          sync.Mutex
	verbs       []string
	lines       []string // every command as it came
	messages    []string
	connections int
	clearAuth   bool // somebody signed in without TLS
	refused     bool // the mail that is being given
}

func serveSMTP(t *testing.T, s *smtpServer) *smtpServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.t, s.listener, s.stop = t, listener, make(chan struct{})
	t.Cleanup(func() {
		close(s.stop)
		_ = listener.Close()
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.connections++
			s.mu.Unlock()
			go s.talk(conn)
		}
	}()
	return s
}

func (s *smtpServer) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// say answers a verb: as answer says, else usual. False ends the conversation.
func (s *smtpServer) say(conn net.Conn, verb, usual string) bool {
	s.mu.Lock()
	s.verbs = append(s.verbs, verb)
	nth := 0
	for _, v := range s.verbs {
		if v == verb {
			nth++
		}
	}
	s.mu.Unlock()
	reply := usual
	if s.answer != nil {
		if other := s.answer(verb, nth); other != "" {
			reply = other
		}
	}
	switch reply {
	case hangUp:
		return false
	case stall:
		<-s.stop
		return false
	}
	s.mu.Lock()
	switch {
	case verb == "MAIL":
		s.refused = reply[0] != '2'
	case verb == "RCPT" && reply[0] != '2':
		s.refused = true
	}
	s.mu.Unlock()
	_, err := conn.Write([]byte(reply + "\r\n"))
	return err == nil && !strings.HasPrefix(reply, "421")
}

func (s *smtpServer) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if !s.say(conn, "BANNER", "220 test ESMTP") {
		return
	}
	secured := false
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.clearAuth = s.clearAuth || verb == "AUTH" && !secured
		s.mu.Unlock()
		switch verb {
		case "EHLO":
			if !s.say(conn, verb, s.greeting(secured)) {
				return
			}
		case "STARTTLS":
			if !s.say(conn, verb, "220 go ahead") {
				return
			}
			over := tls.Server(conn, s.tls)
			conn, r, secured = over, bufio.NewReader(over), true
		case "AUTH":
			usual := "535 no"
			if _, given, _ := strings.Cut(rest, " "); given == base64.StdEncoding.EncodeToString([]byte("\x00us\x00secret")) {
				usual = "235 welcome"
			}
			if !s.say(conn, verb, usual) {
				return
			}
		case "DATA":
			if s.refuses() {
				if !s.say(conn, verb, "503 no recipient") {
					return
				}
				continue
			}
			if !s.say(conn, verb, "354 go on") || !s.message(conn, r) {
				return
			}
		case "QUIT":
			s.say(conn, verb, "221 bye")
			return
		default:
			if !s.say(conn, verb, "250 ok") {
				return
			}
		}
	}
}

func (s *smtpServer) refuses() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused && !s.careless
}

func (s *smtpServer) greeting(secured bool) string {
	lines := []string{"250-test", "250-8BITMIME", "250-SMTPUTF8"}
	if s.tls != nil && !secured {
		lines = append(lines, "250-STARTTLS")
	}
	if s.auth != "" {
		lines = append(lines, "250-AUTH "+s.auth)
	}
	if s.together {
		lines = append(lines, "250-PIPELINING")
	}
	return strings.Join(append(lines, "250 SIZE"), "\r\n")
}

// message reads up to the dot; nothing but the dot's line ends it.
func (s *smtpServer) message(conn net.Conn, r *bufio.Reader) bool {
	if s.answer != nil && strings.HasPrefix(s.answer("DATA", 0), "5") {
		return true
	}
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	s.mu.Lock()
	s.messages = append(s.messages, b.String())
	s.mu.Unlock()
	return s.say(conn, "DOT", "250 taken")
}

func (s *smtpServer) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.verbs, " ")
}

// seen is what the server has seen so far: messages, command lines, connections, and whether a password came in clear.
func (s *smtpServer) seen() (messages, lines []string, connections int, clearAuth bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages), slices.Clone(s.lines), s.connections, s.clearAuth
}

func (s *smtpServer) count(verb string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.verbs {
		if v == verb {
			n++
		}
	}
	return n
}

// certificate is a self-signed one for name, valid until end, and the pool that trusts it.
func certificate(t *testing.T, name string, end time.Time) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: end.Add(-48 * time.Hour), NotAfter: end,
		DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, pool
}
