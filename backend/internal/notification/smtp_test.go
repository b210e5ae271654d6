package notification_test

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/notification/mailtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

const tomorrow = 24 * time.Hour

// transport sends to s by name, so that certificates have something to be checked against.
func transport(t *testing.T, s *smtpServer, o notification.SMTPOptions) *notification.SMTP {
	t.Helper()
	o.Host, o.Port, o.Hello = "localhost", s.port(), "partners.example.com"
	if o.TLS == "" {
		o.TLS = notification.TLSRequired
	}
	if o.Command == 0 {
		o.Dial, o.Command, o.Message = 5*time.Second, 5*time.Second, 10*time.Second
	}
	smtp := notification.NewSMTP(o)
	t.Cleanup(func() { _ = smtp.Close() })
	return smtp
}

func message(t *testing.T, l *notification.Letter) *notification.Message {
	t.Helper()
	m, err := mailtest.Previewer(t).Message(l)
	require.NoError(t, err)
	return m
}

func TestSMTP_HoldsItsConnectionAndSignsInOnlyOverTLS(t *testing.T) {
	t.Parallel()
	config, roots := certificate(t, "localhost", clock.System().Now().Add(tomorrow))
	s := serveSMTP(t, &smtpServer{tls: config, auth: "LOGIN PLAIN"})
	smtp := transport(t, s, notification.SMTPOptions{Username: "us", Password: secret.New("secret"), Roots: roots})
	for range 3 {
		require.NoError(t, smtp.Send(t.Context(), message(t, letter(t, "en", sampleData()))))
	}
	require.Equal(t, "BANNER EHLO STARTTLS EHLO AUTH"+strings.Repeat(" MAIL RCPT DATA DOT", 3), s.said())
	messages, _, connections, clearAuth := s.seen()
	require.Equal(t, 1, connections)
	require.False(t, clearAuth)
	require.Equal(t, messages[0], messages[2], "the same mail has the same bytes, Message-ID included")
}

// TestSMTP_Refusals: what a server, or somebody between us, may do, and what becomes of the mail.
func TestSMTP_Refusals(t *testing.T) {
	t.Parallel()
	now := clock.System().Now()
	good, roots := certificate(t, "localhost", now.Add(tomorrow))
	wrongName, wrongRoots := certificate(t, "elsewhere.test", now.Add(tomorrow))
	expired, expiredRoots := certificate(t, "localhost", now.Add(-time.Hour))
	only := func(verb, reply string) func(string, int) string {
		return func(v string, _ int) string {
			if v == verb {
				return reply
			}
			return ""
		}
	}
	for _, tc := range []struct {
		name      string
		server    *smtpServer
		roots     *x509.CertPool
		permanent bool
		words     string // part of what staff read
		taken     int    // mails that reached the server's hands
	}{
		{"greylisting asks for patience", &smtpServer{tls: good, answer: only("RCPT", "451 4.7.1 try later")}, roots, false, "451 4.7.1 try later", 0},
		{"a mailbox that is full may be empty later", &smtpServer{tls: good, answer: only("DOT", "452 full")}, roots, false, "452", 1},
		{"an unknown mailbox is final", &smtpServer{tls: good, answer: only("RCPT", "550-5.1.1 no\r\n550 such user")}, roots, true, "550 5.1.1 no such user", 0},
		{"a refused message is final", &smtpServer{tls: good, answer: only("DOT", "554 spam")}, roots, true, "554", 1},
		{"a server that goes away is asked again", &smtpServer{tls: good, answer: only("RCPT", "421 closing")}, roots, false, "421", 0},
		{"an answer lost after the dot is a mail that may be there: it is sent again", &smtpServer{tls: good, answer: only("DOT", hangUp)}, roots, false, "broke", 1},
		{"silence at the banner ends in time", &smtpServer{tls: good, answer: only("BANNER", stall)}, roots, false, "in time", 0},
		{"silence at a command ends in time", &smtpServer{tls: good, answer: only("MAIL", stall)}, roots, false, "in time", 0},
		{"silence after the dot ends in time", &smtpServer{tls: good, answer: only("DOT", stall)}, roots, false, "", 1},
		{"STARTTLS that hangs ends in time", &smtpServer{tls: good, answer: only("STARTTLS", stall)}, roots, false, "in time", 0},
		{"STARTTLS stripped: nothing is sent", &smtpServer{}, roots, false, "no encryption", 0},
		{"STARTTLS refused: nothing is sent", &smtpServer{tls: good, answer: only("STARTTLS", "454 not now")}, roots, false, "454", 0},
		{"a certificate for somebody else: nothing is sent", &smtpServer{tls: wrongName}, wrongRoots, false, "certificate", 0},
		{"an expired certificate: nothing is sent", &smtpServer{tls: expired}, expiredRoots, false, "certificate", 0},
		{"a certificate that nobody vouches for: nothing is sent", &smtpServer{tls: good}, x509.NewCertPool(), false, "certificate", 0},
		{"a refused sign-in is our settings' fault, not this mail's", &smtpServer{tls: good, auth: "PLAIN", answer: only("AUTH", "535 who are you")}, roots, false, "535", 0},
		{"a sign-in asked for later is too", &smtpServer{tls: good, answer: only("MAIL", "530 sign in first")}, roots, false, "530", 0},
		{"a refused greeting says nothing about this mail", &smtpServer{tls: good, answer: only("BANNER", "554 no")}, roots, false, "554", 0},
	} {
		hears := func(t *testing.T, together bool) {
			t.Parallel()
			s := serveSMTP(t, &smtpServer{tls: tc.server.tls, auth: tc.server.auth, answer: tc.server.answer, together: together})
			o := notification.SMTPOptions{Roots: tc.roots}
			if strings.Contains(tc.name, "in time") { // nothing else is short of it, however busy the machine is
				o.Dial, o.Command, o.Message = time.Second, time.Second, 2*time.Second
			}
			if s.auth != "" {
				o.Username, o.Password = "us", secret.New("secret")
			}
			err := transport(t, s, o).Send(t.Context(), message(t, letter(t, "en", sampleData())))
			var refusal *notification.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, tc.permanent, refusal.Permanent, "%v", err)
			require.Contains(t, refusal.Error(), tc.words)
			messages, _, _, clearAuth := s.seen()
			require.Len(t, messages, tc.taken)
			require.False(t, clearAuth)
		}
		t.Run(tc.name, func(t *testing.T) { hears(t, false) })
		t.Run(tc.name+", with everything in one go", func(t *testing.T) { hears(t, true) })
	}
}

func TestSMTP_NeverSignsInWithoutTLS(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{notification.TLSOpportunistic, notification.TLSOff} {
		s := serveSMTP(t, &smtpServer{auth: "PLAIN LOGIN"})
		smtp := transport(t, s, notification.SMTPOptions{TLS: mode, Username: "us", Password: secret.New("secret")})
		require.Error(t, smtp.Send(t.Context(), message(t, letter(t, "en", sampleData()))))
		require.Equal(t, "BANNER EHLO", s.said(), mode)
	}
}

func TestSMTP_OpportunisticSendsInClearWhereNothingElseIsOffered(t *testing.T) {
	t.Parallel()
	s := serveSMTP(t, &smtpServer{})
	smtp := transport(t, s, notification.SMTPOptions{TLS: notification.TLSOpportunistic})
	require.NoError(t, smtp.Send(t.Context(), message(t, letter(t, "en", sampleData()))))
}

func TestSMTP_OpportunisticDoesNotFallBackFromABrokenHandshake(t *testing.T) {
	t.Parallel()
	config, _ := certificate(t, "localhost", clock.System().Now().Add(tomorrow))
	s := serveSMTP(t, &smtpServer{tls: config})
	smtp := transport(t, s, notification.SMTPOptions{TLS: notification.TLSOpportunistic, Roots: x509.NewCertPool()})
	require.Error(t, smtp.Send(t.Context(), message(t, letter(t, "en", sampleData()))))
	messages, _, _, _ := s.seen()
	require.Empty(t, messages)
}

func TestSMTP_OneRefusedMailDoesNotCostTheConnection(t *testing.T) {
	t.Parallel()
	s := serveSMTP(t, &smtpServer{answer: func(verb string, nth int) string {
		if verb == "RCPT" && nth == 1 {
			return "550 no such user"
		}
		return ""
	}})
	smtp := transport(t, s, notification.SMTPOptions{TLS: notification.TLSOff})
	require.Error(t, smtp.Send(t.Context(), message(t, letter(t, "en", sampleData()))))
	require.NoError(t, smtp.Send(t.Context(), message(t, letter(t, "en", sampleData()))))
	require.Equal(t, "BANNER EHLO MAIL RCPT RSET MAIL RCPT DATA DOT", s.said())
}

// TestSMTP_HeldConnectionMayDie: servers hang up on idle connections; the mail that finds out is sent all the same.
func TestSMTP_HeldConnectionMayDie(t *testing.T) {
	t.Parallel()
	for i, end := range []string{"421 idle too long", hangUp, "421 idle too long", hangUp} {
		s := serveSMTP(t, &smtpServer{together: i >= 2, answer: func(verb string, nth int) string {
			if verb == "MAIL" && nth == 2 {
				return end
			}
			return ""
		}})
		smtp := transport(t, s, notification.SMTPOptions{TLS: notification.TLSOff})
		for range 3 {
			require.NoError(t, smtp.Send(t.Context(), message(t, letter(t, "en", sampleData()))), end)
		}
		messages, _, connections, _ := s.seen()
		require.Equal(t, 2, connections)
		require.Len(t, messages, 3, "no mail is sent twice")
	}
}

func TestSMTP_CloseSaysGoodbye(t *testing.T) {
	t.Parallel()
	s := serveSMTP(t, &smtpServer{})
	smtp := transport(t, s, notification.SMTPOptions{TLS: notification.TLSOff})
	require.NoError(t, smtp.Send(t.Context(), message(t, letter(t, "en", sampleData()))))
	require.NoError(t, smtp.Close())
	require.Equal(t, 1, s.count("QUIT"))
	require.Error(t, smtp.Send(t.Context(), message(t, letter(t, "en", sampleData()))), "closed is closed")
}

// TestSMTP_OneMailIsOneTransaction: whatever people type, the server hears of one sender, one recipient and one message
// (security.md T61).
func TestSMTP_OneMailIsOneTransaction(t *testing.T) {
	t.Parallel()
	s := serveSMTP(t, &smtpServer{})
	smtp := transport(t, s, notification.SMTPOptions{TLS: notification.TLSOff})
	for _, attack := range mailtest.Attacks {
		d := hostile(attack)
		require.NoError(t, smtp.Send(t.Context(), message(t, letter(t, "en", d))))
	}
	n := len(mailtest.Attacks)
	require.Equal(t, "BANNER EHLO"+strings.Repeat(" MAIL RCPT DATA DOT", n), s.said())
	_, lines, _, _ := s.seen()
	for _, line := range lines[1:] {
		require.Contains(t, []string{"MAIL FROM:<access@partners.example.com> BODY=8BITMIME", "RCPT TO:<reader@fabrikam.de>", "DATA"}, line)
	}
}

func TestSMTP_SilenceOfTheNetworkIsNotThisMailsFault(t *testing.T) {
	t.Parallel()
	s := serveSMTP(t, &smtpServer{})
	port := s.port()
	require.NoError(t, s.listener.Close())
	smtp := notification.NewSMTP(notification.SMTPOptions{Host: "localhost", Port: port, TLS: notification.TLSOff, Dial: time.Second})
	err := smtp.Send(t.Context(), message(t, letter(t, "en", sampleData())))
	var refusal *notification.Refusal
	require.True(t, errors.As(err, &refusal))
	require.False(t, refusal.Permanent)
	require.Equal(t, "The mail server cannot be reached.", refusal.Error())
}

// TestSMTP_InOneGo: a server that offers it gets MAIL, RCPT and DATA together, and a refused mail leaves no trace on the
// connection, also where the server asks for the message all the same (RFC 2920 §3.1).
func TestSMTP_InOneGo(t *testing.T) {
	t.Parallel()
	for _, careless := range []bool{false, true} {
		s := serveSMTP(t, &smtpServer{together: true, careless: careless, answer: func(verb string, nth int) string {
			if verb == "RCPT" && nth == 2 {
				return "550 no such user"
			}
			return ""
		}})
		smtp := transport(t, s, notification.SMTPOptions{TLS: notification.TLSOff})
		for n := range 3 {
			err := smtp.Send(t.Context(), message(t, letter(t, "en", sampleData())))
			require.Equal(t, n == 1, err != nil, "%v", err)
		}
		messages, _, connections, _ := s.seen()
		require.Equal(t, 1, connections)
		second := " MAIL RCPT DATA RSET"
		if careless {
			second = " MAIL RCPT DATA DOT RSET"
			require.Len(t, messages, 3)
			require.Empty(t, messages[1], "nothing of the refused one")
			messages = append(messages[:1], messages[2])
		}
		require.Equal(t, "BANNER EHLO MAIL RCPT DATA DOT"+second+" MAIL RCPT DATA DOT", s.said())
		require.Len(t, messages, 2)
		require.Equal(t, messages[0], messages[1])
	}
}
