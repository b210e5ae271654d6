package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

//go:embed messages/*.json
var messages embed.FS

func init() {
	if err := fault.Load(messages, "messages"); err != nil {
		panic(err) // embedded: a mistake of ours that every test notices
	}
}

// The two ways in which a call fails. Open, closed and filtered ports say the same.
var (
	// ErrBlocked means that the address may not be called: its scheme, port or network is not open to us.
	ErrBlocked = fault.New(fault.Invalid, "blocked_target", "This address cannot be called from here. Use https and a public host, or ask an administrator to open its network.")
	// ErrFailed means that no usable answer came: no connection, a redirect, too slow, too large.
	ErrFailed = fault.New(fault.Invalid, "target_failed", "No usable answer came from this address.")
)

// Defaults of [Options].
const (
	defaultTimeout = 10 * time.Second
	defaultMaxBody = 1 << 20
	dialLimit      = 4 * time.Second
	maxHeaders     = 64 << 10
)

// Options of [New].
type Options struct {
	// Allow are internal networks that may be called all the same. Default: none.
	Allow []netip.Prefix
	// Ports that may be called. Default: 443 and 8443.
	Ports []uint16
	// Timeout bounds a whole call, its body included. Default: 10 s.
	Timeout time.Duration
	// MaxBody is the largest answer, in bytes. Default: 1 MiB.
	MaxBody int64
	// Operator is the one address that this client calls and no other, because the operator's settings name it: on any
	// network, any port, and by plain http. Never an address that somebody has typed into a page.
	Operator *url.URL
	// RootCAs replaces the system's certificate authorities.
	RootCAs *x509.CertPool
}

// Client calls out. It is safe for concurrent use.
type Client struct {
	options Options
	http    *http.Client
}

// New returns a client. It reads nothing from the environment, proxies least of all.
func New(o Options) *Client {
	if len(o.Ports) == 0 {
		o.Ports = []uint16{443, 8443}
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	c := &Client{options: o}
	dialer := &net.Dialer{Timeout: dialLimit, Control: c.control}
	c.http = &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: guarded{client: c, next: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
			TLSHandshakeTimeout: dialLimit, ResponseHeaderTimeout: o.Timeout, MaxResponseHeaderBytes: maxHeaders,
			ForceAttemptHTTP2: true, DisableCompression: true, MaxIdleConnsPerHost: 2, MaxConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
		}},
	}
	return c
}

// HTTP is the client for libraries that want one, such as those of OpenID Connect. Everything holds there too, except
// that a redirect comes back as the answer it is.
func (c *Client) HTTP() *http.Client { return c.http }

// Answer is what came back, whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes one call. body may be nil. The error is ErrBlocked or ErrFailed, with the cause for the log; any status but
// a redirect is an answer.
func (c *Client) Do(ctx context.Context, method, address string, header http.Header, body []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return Answer{}, ErrBlocked.Because(err)
	}
	if header != nil {
		req.Header = header.Clone()
	}
	res, err := c.http.Do(req)
	if err != nil {
		return Answer{}, failure(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 && res.StatusCode <= 399 && res.StatusCode != http.StatusNotModified {
		return Answer{}, ErrFailed.Because(fmt.Errorf("redirect, status %d", res.StatusCode))
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, failure(err)
	}
	return Answer{Status: res.StatusCode, Header: res.Header, Body: text}, nil
}

func failure(err error) error {
	if errors.Is(err, ErrBlocked) {
		return ErrBlocked.Because(err)
	}
	return ErrFailed.Because(err)
}

// Check says, without calling, whether an address has a form that may be called: ErrBlocked if not. It is for telling
// people early; what a name means is judged when it is called.
func (c *Client) Check(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return ErrBlocked.Because(err)
	}
	return c.checkURL(u)
}

func (c *Client) checkURL(u *url.URL) error {
	if o := c.options.Operator; o != nil {
		if u.Scheme != o.Scheme || u.Host != o.Host {
			return ErrBlocked.Because(fmt.Errorf("%s is not the operator's address", u.Host))
		}
		return nil
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
		return ErrBlocked.Because(fmt.Errorf("scheme %q", u.Scheme))
	case u.User != nil:
		return ErrBlocked.Because(errors.New("user name in the address"))
	case err != nil || !slices.Contains(c.options.Ports, uint16(n)):
		return ErrBlocked.Because(fmt.Errorf("port %q", port))
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !mayCall(ip, c.options.Allow) {
		return ErrBlocked.Because(fmt.Errorf("address %s", ip))
	}
	return nil
}

// control sees every socket address just before it is dialled: each of a name's addresses, each retry.
func (c *Client) control(network, address string, _ syscall.RawConn) error {
	if c.options.Operator != nil {
		return nil // checkURL has held the address
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return ErrBlocked.Because(fmt.Errorf("socket %s %s", network, address))
	}
	if !slices.Contains(c.options.Ports, at.Port()) || !mayCall(at.Addr(), c.options.Allow) {
		return ErrBlocked.Because(fmt.Errorf("socket %s", address))
	}
	return nil
}

// guarded checks requests on their way out and bounds answers on their way in.
type guarded struct {
	client *Client
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.client.checkURL(r.URL); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	res, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err //nolint:wrapcheck // http.Client wraps it
	}
	res.Body = &bounded{ReadCloser: res.Body, left: g.client.options.MaxBody}
	return res, nil
}

// bounded fails, rather than ends, behind the limit: a cut text must not pass for a whole one.
type bounded struct {
	io.ReadCloser
	left int64
}

var errTooLarge = errors.New("the answer is too large")

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err //nolint:wrapcheck // io.EOF must stay itself
}
