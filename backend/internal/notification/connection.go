package notification

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

// wall is the machine's clock, for deadlines of sockets and for nothing else.
var wall = clock.System()

// implicitTLS is the port that speaks TLS from the first byte (RFC 8314 §3.3).
const implicitTLS = 465

// connection is a greeted, protected and signed-in conversation with the mail server.
type connection struct {
	raw    net.Conn // closed to end whatever waits; the client's own Close would wait with it
	client *smtp.Client
	o      *SMTPOptions
	sent   int  // mails taken over on it
	held   bool // it has waited for its next mail, so it may have died meanwhile
	since  time.Time
	expiry *time.Timer
	// usable says that the conversation is in a state to begin another mail; stale that it died before any of the last
	// one was sent, as held connections do.
	usable, stale bool
	heard         bool // it has answered something about the last one
}

// setUp is why there is no connection: none of this is about a mail, so it is never final for one.
type setUp struct{ error }

func (e setUp) Unwrap() error { return e.error }

var (
	errNoTLS     = errors.New("The mail server offers no encryption (STARTTLS). Nothing was sent.")       //nolint:staticcheck // staff read it
	errClearAuth = errors.New("The password is not sent without encryption.")                             //nolint:staticcheck // staff read it
	errNoAuth    = errors.New("The mail server offers no way to sign in that we know. Nothing was sent.") //nolint:staticcheck // staff read it
)

func (s *SMTP) connect(ctx context.Context) (*connection, error) {
	if s.isClosed() {
		return nil, setUp{errClosed}
	}
	dialer := net.Dialer{Timeout: s.o.Dial}
	raw, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(s.o.Host, strconv.Itoa(s.o.Port)))
	if err != nil {
		return nil, setUp{err}
	}
	c := &connection{o: &s.o, raw: raw}
	if err := c.greet(ctx); err != nil {
		_ = raw.Close()
		return nil, setUp{err}
	}
	return c, nil
}

// greet makes a plain connection ready for mails.
func (c *connection) greet(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = c.raw.Close() })()
	if err := c.raw.SetDeadline(wall.Now().Add(c.o.Command)); err != nil {
		return err
	}
	config := &tls.Config{ServerName: c.o.Host, RootCAs: c.o.Roots, MinVersion: tls.VersionTLS12}
	conn := c.raw
	if c.o.Port == implicitTLS && c.o.TLS != TLSOff {
		conn = tls.Client(c.raw, config)
	}
	var err error
	if c.client, err = smtp.NewClient(conn, c.o.Host); err != nil {
		return err
	}
	c.client.SkipSMTPUTF8(true) // our addresses are ASCII
	if err := c.step(func() error { return c.client.Hello(hello(c.o.Hello)) }); err != nil {
		return err
	}
	if err := c.protect(config); err != nil {
		return err
	}
	return c.signIn()
}

// hello is our name as a server accepts it: an IP address stands in brackets (RFC 5321 §4.1.3).
func hello(host string) string {
	switch ip := net.ParseIP(host); {
	case ip == nil && host != "":
		return host
	case ip == nil:
		return "localhost"
	case ip.To4() == nil:
		return "[IPv6:" + ip.String() + "]"
	default:
		return "[" + ip.String() + "]"
	}
}

func (c *connection) secured() bool {
	_, ok := c.client.TLSConnectionState()
	return ok
}

// protect starts TLS as the options want it. There is no way back to clear text once STARTTLS is offered.
func (c *connection) protect(config *tls.Config) error {
	if c.o.TLS == TLSOff || c.secured() {
		return nil
	}
	if offered, _ := c.client.Extension("STARTTLS"); !offered {
		if c.o.TLS == TLSRequired {
			return errNoTLS
		}
		return nil
	}
	return c.step(func() error { return c.client.StartTLS(config) })
}

// signIn uses the best way that the server offers, and never before TLS.
func (c *connection) signIn() error {
	if c.o.Username == "" {
		return nil
	}
	if !c.secured() {
		return errClearAuth
	}
	_, offered := c.client.Extension("AUTH")
	auth := c.auth(strings.Fields(strings.ToUpper(offered)))
	if auth == nil {
		return errNoAuth
	}
	return c.step(func() error { return c.client.Auth(auth) })
}

func (c *connection) auth(offered []string) smtp.Auth {
	name, password := c.o.Username, c.o.Password.Reveal()
	for _, way := range []struct {
		name string
		auth func() smtp.Auth
	}{
		{"SCRAM-SHA-256", func() smtp.Auth { return smtp.ScramSHA256Auth(name, password) }},
		{"SCRAM-SHA-1", func() smtp.Auth { return smtp.ScramSHA1Auth(name, password) }},
		{"PLAIN", func() smtp.Auth { return smtp.PlainAuth("", name, password, c.o.Host, false) }},
		{"LOGIN", func() smtp.Auth { return smtp.LoginAuth(name, password, c.o.Host, false) }},
		{"CRAM-MD5", func() smtp.Auth { return smtp.CRAMMD5Auth(name, password) }},
	} {
		if slices.Contains(offered, way.name) {
			return way.auth()
		}
	}
	return nil
}

// step is one command and its answer, within the command's time.
func (c *connection) step(fn func() error) error {
	if err := c.client.UpdateDeadline(c.o.Command); err != nil {
		return err
	}
	return fn()
}

// send is one mail: exactly one MAIL, one RCPT and one DATA.
func (c *connection) send(ctx context.Context, m *Message) error {
	c.usable, c.stale, c.heard = false, false, false
	defer context.AfterFunc(ctx, func() { _ = c.raw.Close() })()
	if c.held && wall.Now().Sub(c.since) > probeAfter {
		if err := c.step(c.client.Noop); err != nil {
			c.stale = true
			return refused(err)
		}
	}
	if err := c.opens(m); err != nil {
		return c.refuse(err)
	}
	if err := c.data(m.Source); err != nil {
		return c.refuse(err)
	}
	c.sent++
	c.usable = true
	return nil
}

// afterDot is why the answer to a whole message did not come, or was a no.
type afterDot struct{ error }

func (e afterDot) Unwrap() error { return e.error }

// refuse reads a no. After a reply the conversation goes on with RSET; after silence it does not.
func (c *connection) refuse(err error) error {
	if reply := (*textproto.Error)(nil); errors.As(err, &reply) && reply.Code != 421 {
		c.usable = c.step(c.client.Reset) == nil
	}
	return refused(err)
}

// isHangUp says whether the server had ended the conversation before it heard of this mail.
func isHangUp(err error) bool {
	reply := (*textproto.Error)(nil)
	if errors.As(err, &reply) {
		return reply.Code == 421
	}
	return true
}

func (c *connection) quit() {
	_ = c.client.UpdateDeadline(time.Second)
	_ = c.client.Quit()
	c.close()
}

func (c *connection) close() { _ = c.client.Close() }

// refused turns what happened on the wire into a Refusal. A 5xx is final, but not while the connection is set up, and
// not when the server wants a sign-in: then it is our settings that are wrong, not this mail.
func refused(err error) *Refusal {
	r := &Refusal{cause: err}
	reply := (*textproto.Error)(nil)
	isSetUp := errors.As(err, new(setUp))
	r.Doubtful = errors.As(err, new(afterDot)) && !errors.As(err, &reply)
	r.Unreached = isSetUp && !errors.Is(err, errClosed)
	r.Cut = !isSetUp && !isTimeout(err) && isHangUp(err)
	switch {
	case errors.As(err, &reply):
		r.Code, r.Words = reply.Code, clean(reply.Msg, maxReason)
		r.Permanent = reply.Code >= 500 && reply.Code < 600 && !isSetUp && !slices.Contains([]int{530, 534, 535, 538}, reply.Code)
	case errors.Is(err, errNoTLS), errors.Is(err, errClearAuth), errors.Is(err, errNoAuth):
		r.Words = errors.Unwrap(err).Error()
	case isCertificate(err):
		r.Words = "The mail server's certificate is not valid for it. Nothing was sent."
	case isTimeout(err):
		r.Words = "The mail server did not answer in time."
	case isSetUp:
		r.Words = "The mail server cannot be reached."
	default:
		r.Words = "The connection to the mail server broke."
	}
	return r
}

func isTimeout(err error) bool {
	network := net.Error(nil)
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

func isCertificate(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(x509.HostnameError)) || errors.As(err, new(x509.UnknownAuthorityError))
}
