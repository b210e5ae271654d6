package story

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/contract"
)

// Person is somebody at a browser: a cookie jar, a language, an address, and the house they talk to.
type Person struct {
	t       *testing.T
	town    *Town
	url     string
	Address string
	lang    string
	Jar     http.CookieJar
	extra   http.Header
	Signup  string // id of the sign-up they are in
	Ref     string // reference of the request they sent
	Read    *int   // how many mails they have read
	client  *http.Client
	braced  bool // expects that the house cannot answer
}

// Visitor is a stranger with an address of their own at a partner's domain, or at the one that is named: "maria@x.example".
// Mails to one domain go out one after the other, so a crowd comes from a domain of its own.
func (tn *Town) Visitor(t *testing.T, name string) *Person {
	t.Helper()
	name, domain, named := strings.Cut(name, "@")
	if !named {
		domain = "fabrikam.example"
	}
	return tn.BrowserOf(t, name+"-"+Unique()+"@"+domain)
}

// BrowserOf is a fresh browser used by the holder of address.
func (tn *Town) BrowserOf(t *testing.T, address string) *Person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	p := &Person{
		t: t, town: tn, url: tn.Replicas[0].URL, Address: address, lang: "en", Jar: jar, extra: http.Header{}, Read: new(int), client: client,
	}
	if tn.behind != nil {
		p.extra.Set("X-Forwarded-For", tn.behind())
	}
	return p
}

// At is the same person on another replica; on SQLite there is only one.
func (p *Person) At(n int) *Person {
	c := *p
	c.url = p.town.Replicas[n%len(p.town.Replicas)].URL
	return &c
}

// Speaks is the same person, asking in another language.
func (p *Person) Speaks(lang string) *Person {
	c := *p
	c.lang = lang
	return &c
}

// With is the same person, sending one more header.
func (p *Person) With(name, value string) *Person {
	c := *p
	c.extra = maps.Clone(p.extra)
	c.extra.Set(name, value)
	return &c
}

// Without is the same person, leaving out a header that a browser would send.
func (p *Person) Without(name string) *Person {
	c := *p
	c.extra = maps.Clone(p.extra)
	c.extra[name] = nil
	return &c
}

// Braced is the same person in a story that breaks the house: a 5xx is what they expect.
func (p *Person) Braced() *Person {
	c := *p
	c.braced = true
	return &c
}

// Public is the address of the house that the person knows.
func (p *Person) Public() string { return p.town.Plan.Public }

// From is the same person, calling from another address of this machine.
func (p *Person) From(ip net.IP) *Person {
	c := *p
	c.client = &http.Client{
		Timeout: client.Timeout, CheckRedirect: client.CheckRedirect,
		Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: ip}}).DialContext},
	}
	c.extra = maps.Clone(p.extra)
	c.extra.Del("X-Forwarded-For")
	return &c
}

// In is the same person within a subtest.
func (p *Person) In(t *testing.T) *Person {
	c := *p
	c.t = t
	return &c
}

// Anonymous is the same person in a browser without cookies.
func (p *Person) Anonymous() *Person {
	c := *p
	c.Jar, _ = cookiejar.New(nil)
	return &c
}

func (p *Person) Get(path string) Answer { return p.Send(http.MethodGet, path, nil) }

func (p *Person) Post(path string, body any) Answer { return p.Send(http.MethodPost, path, body) }

func (p *Person) Patch(path string, body any) Answer {
	return p.Send(http.MethodPatch, path, body)
}

// Raw is a body that goes out as it is.
type Raw string

// client neither follows redirects nor keeps a slow house waiting for ever.
var client = &http.Client{
	Timeout:       patience,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
}

// Builds makes what a browser of the app would send: same origin, JSON, the person's language.
func (p *Person) Builds(method, path string, body any) *http.Request {
	p.t.Helper()
	var payload io.Reader
	switch b := body.(type) {
	case nil:
	case Raw:
		payload = strings.NewReader(string(b))
	default:
		encoded, err := json.Marshal(b)
		require.NoError(p.t, err)
		payload = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, payload)
	require.NoError(p.t, err)
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	_, req.Host, _ = strings.Cut(p.town.Plan.Public, "://") // as a load balancer hands it on
	req.Header.Set("Accept-Language", p.lang)
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Journeys")
	if method != http.MethodGet && method != http.MethodHead {
		req.Header.Set("Origin", p.town.Plan.Public)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, values := range p.extra {
		if name == "Host" {
			req.Host = values[0]
			continue
		}
		req.Header[name] = values
	}
	return req
}

// Send sends and holds the answer against the contract. A 5xx fails the story, unless the person is braced for it.
func (p *Person) Send(method, path string, body any) Answer {
	p.t.Helper()
	a, err := p.Try(method, path, body)
	require.NoError(p.t, err, "%s %s", method, path)
	if a.Status >= http.StatusInternalServerError && !p.braced {
		p.t.Errorf("a failure of the house's own: %s", a)
	}
	return a
}

// Try is Send for stories in which the house may be gone, or ill.
func (p *Person) Try(method, path string, body any) (Answer, error) {
	p.t.Helper()
	req := p.Builds(method, path, body)
	for _, c := range p.Jar.Cookies(Home(p.url)) {
		req.AddCookie(c)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		return Answer{}, err
	}
	p.Jar.SetCookies(Home(p.url), res.Cookies())
	for _, c := range res.Cookies() {
		if len(c.Value) > 20 {
			Seen(c.Value)
		}
	}
	a := Answer{t: p.t, lang: p.lang, method: method, path: path, Status: res.StatusCode, Header: res.Header, Body: all}
	if err := TheContract.Check(contract.Answer{Method: method, Path: path, Status: res.StatusCode, Header: res.Header, Body: all}); err != nil {
		p.t.Errorf("%s breaks the contract: %.300v", a, err)
	}
	return a, nil
}

// Home is the jar's address: replicas share cookies as they would behind one name. A browser gives every cookie to an
// https address.
func Home(string) *url.URL { return &url.URL{Scheme: "https", Host: "vestibule.test"} }

// Cookie is the value of a cookie of the person's, or empty. Behind https its name begins with __Host-.
func (p *Person) Cookie(name string) string {
	for _, c := range p.Jar.Cookies(Home(p.url)) {
		if strings.TrimPrefix(c.Name, "__Host-") == name {
			return c.Value
		}
	}
	return ""
}

// Copied is the same person with a jar of their own that holds the same cookies, to act twice at once.
func (p *Person) Copied() *Person {
	c := p.Anonymous()
	c.Jar.SetCookies(Home(p.url), p.Jar.Cookies(Home(p.url)))
	return c
}
