package journeys

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/contract"
)

// person is somebody at a browser: a cookie jar, a language, an address, and the house they talk to.
type person struct {
	t       *testing.T
	town    *town
	url     string
	address string
	lang    string
	jar     http.CookieJar
	extra   http.Header
	signup  string // id of the sign-up they are in
	ref     string // reference of the request they sent
	read    *int   // how many mails they have read
}

// visitor is a stranger with an address of their own at a partner's domain.
func (tn *town) visitor(t *testing.T, name string) *person {
	t.Helper()
	return tn.browserOf(t, name+"-"+unique()+"@fabrikam.example")
}

// browserOf is a fresh browser used by the holder of address.
func (tn *town) browserOf(t *testing.T, address string) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &person{
		t: t, town: tn, url: tn.replicas[0].URL, address: address, lang: "en", jar: jar, extra: http.Header{}, read: new(int),
	}
}

// at is the same person on another replica; on SQLite there is only one.
func (p *person) at(n int) *person {
	c := *p
	c.url = p.town.replicas[n%len(p.town.replicas)].URL
	return &c
}

// speaks is the same person, asking in another language.
func (p *person) speaks(lang string) *person {
	c := *p
	c.lang = lang
	return &c
}

// with is the same person, sending one more header.
func (p *person) with(name, value string) *person {
	c := *p
	c.extra = maps.Clone(p.extra)
	c.extra.Set(name, value)
	return &c
}

// in is the same person within a subtest.
func (p *person) in(t *testing.T) *person {
	c := *p
	c.t = t
	return &c
}

// anonymous is the same person in a browser without cookies.
func (p *person) anonymous() *person {
	c := *p
	c.jar, _ = cookiejar.New(nil)
	return &c
}

func (p *person) get(path string) answer            { return p.send(http.MethodGet, path, nil) }
func (p *person) post(path string, body any) answer { return p.send(http.MethodPost, path, body) }
func (p *person) patch(path string, body any) answer {
	return p.send(http.MethodPatch, path, body)
}

// raw is a body that goes out as it is.
type raw string

// client neither follows redirects nor keeps a slow house waiting for ever.
var client = &http.Client{
	Timeout:       20 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
}

// builds makes what a browser of the app would send: same origin, JSON, the person's language.
func (p *person) builds(method, path string, body any) *http.Request {
	p.t.Helper()
	var payload io.Reader
	switch b := body.(type) {
	case nil:
	case raw:
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
	req.Host = strings.TrimPrefix(p.town.plan.Public, "http://") // as a load balancer hands it on
	req.Header.Set("Accept-Language", p.lang)
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Journeys")
	if method != http.MethodGet && method != http.MethodHead {
		req.Header.Set("Origin", p.town.plan.Public)
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

// send sends and holds the answer against the contract. A 5xx that no story expects fails the test in answer.is.
func (p *person) send(method, path string, body any) answer {
	p.t.Helper()
	a, err := p.try(method, path, body)
	require.NoError(p.t, err, "%s %s", method, path)
	return a
}

// try is send for stories in which the house may be gone.
func (p *person) try(method, path string, body any) (answer, error) {
	p.t.Helper()
	req := p.builds(method, path, body)
	for _, c := range p.jar.Cookies(home(p.url)) {
		req.AddCookie(c)
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	p.jar.SetCookies(home(p.url), res.Cookies())
	for _, c := range res.Cookies() {
		if len(c.Value) > 20 {
			seen(c.Value)
		}
	}
	a := answer{t: p.t, lang: p.lang, method: method, path: path, status: res.StatusCode, header: res.Header, body: all}
	if err := theContract.Check(contract.Answer{Method: method, Path: path, Status: res.StatusCode, Header: res.Header, Body: all}); err != nil {
		p.t.Errorf("%s breaks the contract: %.300v", a, err)
	}
	return a, nil
}

// home is the jar's address: replicas share cookies as they would behind one name.
func home(string) *url.URL { return &url.URL{Scheme: "http", Host: "vestibule.test"} }

// cookie is the value of a cookie of the person's, or empty.
func (p *person) cookie(name string) string {
	for _, c := range p.jar.Cookies(home(p.url)) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// answer is what came back.
type answer struct {
	t            *testing.T
	lang         string
	method, path string
	status       int
	header       http.Header
	body         []byte
}

func (a answer) String() string {
	body := a.body
	if len(body) > 600 {
		body = body[:600]
	}
	return a.method + " " + a.path + " → " + strconv.Itoa(a.status) + " " + string(body)
}

// is asserts the status.
func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s", a)
	return a
}

// value finds a value by a path like data.0.id; missing is nil.
func (a answer) value(path string) any {
	a.t.Helper()
	var v any
	require.NoError(a.t, json.Unmarshal(a.body, &v), "%s", a)
	if path == "" {
		return v
	}
	for _, part := range strings.Split(path, ".") {
		switch c := v.(type) {
		case map[string]any:
			v = c[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n >= len(c) {
				return nil
			}
			v = c[n]
		default:
			return nil
		}
	}
	return v
}

// text is the string at path; anything else fails the story.
func (a answer) text(path string) string {
	a.t.Helper()
	s, ok := a.value(path).(string)
	require.True(a.t, ok, "no text at %s in %s", path, a)
	return s
}

// list is the array at path.
func (a answer) list(path string) []any {
	a.t.Helper()
	l, ok := a.value(path).([]any)
	require.True(a.t, ok, "no list at %s in %s", path, a)
	return l
}

// refused asserts a problem with this status and code, that its sentence is for a person in the language asked for,
// and returns it.
func (a answer) refused(status int, code string) answer {
	a.t.Helper()
	a.is(status)
	require.Equal(a.t, code, a.text("code"), "%s", a)
	a.speaksToPeople(a.text("detail"))
	return a
}

// field asserts that a 422 names this pointer with this code.
func (a answer) field(pointer, code string) answer {
	a.t.Helper()
	a.refused(http.StatusUnprocessableEntity, "fields_invalid")
	for _, one := range a.list("errors") {
		e := one.(map[string]any)
		if e["pointer"] == pointer {
			require.Equal(a.t, code, e["code"], "%s", a)
			a.speaksToPeople(e["detail"].(string))
			return a
		}
	}
	a.t.Fatalf("no error at %s in %s", pointer, a)
	return a
}

// speaksToPeople asserts that a sentence is one, and in German when German was asked for.
func (a answer) speaksToPeople(sentence string) {
	a.t.Helper()
	require.NotEmpty(a.t, sentence, "%s", a)
	for _, inner := range []string{"sql", "panic", "goroutine", "nil pointer", "pq:", "gorm", "%!", "{", "EOF"} {
		require.NotContains(a.t, sentence, inner, "an internal word for a person: %s", a)
	}
	if strings.HasPrefix(a.lang, "de") {
		require.NotRegexp(a.t, `\b(the|your|you|and|this|again|with|of|is)\b`, strings.ToLower(sentence), "English where German was asked for: %s", a)
	}
}

// copied is the same person with a jar of their own that holds the same cookies, to act twice at once.
func (p *person) copied() *person {
	c := p.anonymous()
	c.jar.SetCookies(home(p.url), p.jar.Cookies(home(p.url)))
	return c
}
