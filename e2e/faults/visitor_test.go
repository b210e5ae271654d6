package faults

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// sponsor is the member of the demo company who decides.
const sponsor = "j.becker@contoso.com"

// client follows no redirects and gives up only long after a house should have answered.
var client = &http.Client{
	Timeout:       20 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 1024, MaxConnsPerHost: 4096},
}

// visitor is somebody at a browser. One goroutine at a time; nothing it does fails a test by itself.
type visitor struct {
	house   *house
	client  *http.Client
	cookies map[string]string
	extra   http.Header
	address string
	turn    int // which replica answers: the turn-th, round robin
	signup  string
	ref     string
}

func (h *house) visitor(domain string) *visitor {
	return &visitor{house: h, client: client, cookies: map[string]string{}, extra: http.Header{}, address: "p" + unique() + "@" + domain}
}

func unique() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// reply is what came back: status 0 means that nothing did, and err says why.
type reply struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
	err    error
}

// ok says that the house has acknowledged.
func (r reply) ok() bool { return r.status >= 200 && r.status < 300 }

// away says that the house may not be there: no answer, or 503.
func (r reply) away() bool { return r.status == 0 || r.status == http.StatusServiceUnavailable }

// text is a member of the answer, or empty.
func (r reply) text(name string) string {
	var all map[string]any
	_ = json.Unmarshal(r.body, &all)
	s, _ := all[name].(string)
	return s
}

// call sends what the app in a browser would.
func (v *visitor) call(ctx context.Context, method, path string, body any) reply {
	began := time.Now()
	r := v.send(ctx, method, path, body)
	r.took = time.Since(began)
	return r
}

func (v *visitor) send(ctx context.Context, method, path string, body any) reply {
	var payload io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return reply{err: err}
		}
		payload = bytes.NewReader(raw)
	}
	v.turn++
	req, err := http.NewRequestWithContext(ctx, method, v.house.at(v.turn)+path, payload)
	if err != nil {
		return reply{err: err}
	}
	req.Host = strings.TrimPrefix(v.house.plan.Public, "http://")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if method != http.MethodGet {
		req.Header.Set("Origin", v.house.plan.Public)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range v.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for name, values := range v.extra {
		req.Header[name] = values
	}
	res, err := v.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{err: err}
	}
	for _, c := range res.Cookies() {
		v.cookies[c.Name] = c.Value
	}
	return reply{status: res.StatusCode, header: res.Header, body: all}
}

func (v *visitor) path(rest string) string { return "/api/v1/signups/" + v.signup + rest }

// starts presses the first button.
func (v *visitor) starts(ctx context.Context) reply {
	r := v.call(ctx, http.MethodPost, "/api/v1/signups", map[string]any{"flow": "fault", "locale": "en"})
	if r.ok() {
		v.signup = r.text("id")
	}
	return r
}

// gives asks for a code to the visitor's address.
func (v *visitor) gives(ctx context.Context) reply {
	return v.call(ctx, http.MethodPost, v.path("/email"), map[string]any{"email": v.address})
}

func (v *visitor) types(ctx context.Context, code string) reply {
	return v.call(ctx, http.MethodPost, v.path("/code"), map[string]any{"code": code})
}

func (v *visitor) submits(ctx context.Context) reply {
	r := v.call(ctx, http.MethodPost, v.path("/submit"), map[string]any{
		"answers": map[string]any{"givenName": "Maria", "surname": "Lindqvist"}, "consents": []any{},
	})
	if r.ok() {
		v.ref = r.text("reference")
	}
	return r
}

// decides approves a request by its id.
func (v *visitor) decides(ctx context.Context, id string) reply {
	return v.call(ctx, http.MethodPost, "/api/v1/approvals/"+id+"/decision", map[string]any{"decision": "approve"})
}

var errNoCode = errors.New("no code came")

// proves goes from the first press to the details, on a house that is well.
func (v *visitor) proves() *visitor {
	h := v.house
	h.t.Helper()
	ctx := h.t.Context()
	require.Equal(h.t, http.StatusCreated, v.starts(ctx).status)
	v.typesCode()
	return v
}

func (v *visitor) typesCode() {
	h, ctx := v.house, v.house.t.Context()
	h.t.Helper()
	r := v.gives(ctx)
	require.Equal(h.t, http.StatusAccepted, r.status, "%s %v", r.body, r.err)
	code, err := h.box.code(ctx, v.address, 0, patience)
	require.NoError(h.t, err)
	r = v.types(ctx, code)
	require.Equal(h.t, http.StatusOK, r.status, "%s %v", r.body, r.err)
}

// asks goes all the way to a sent request, and returns its id.
func (v *visitor) asks() (id string) {
	h := v.house
	h.t.Helper()
	r := v.proves().submits(h.t.Context())
	require.Equal(h.t, http.StatusAccepted, r.status, "%s %v", r.body, r.err)
	return h.requestID(v.ref)
}

func (h *house) requestID(ref string) string {
	h.t.Helper()
	ids := h.list("SELECT id FROM requests WHERE reference = ?", ref)
	require.Len(h.t, ids, 1)
	return ids[0]
}

// signsIn signs the visitor in by mailed code.
func (v *visitor) signsIn() *visitor {
	h, ctx := v.house, v.house.t.Context()
	h.t.Helper()
	before := len(h.box.to(v.address))
	require.Equal(h.t, http.StatusOK, v.call(ctx, http.MethodPost, "/api/v1/signin", map[string]any{"email": v.address}).status)
	code, err := h.box.code(ctx, v.address, before, patience)
	require.NoError(h.t, err)
	r := v.call(ctx, http.MethodPost, "/api/v1/signin/code", map[string]any{"code": code})
	require.Equal(h.t, http.StatusOK, r.status, "%s %v", r.body, r.err)
	return v
}

// signsInStaff signs the sponsor in.
func (h *house) signsInStaff() {
	h.t.Helper()
	h.staff = h.visitor("contoso.com")
	h.staff.address = sponsor
	h.staff.signsIn()
}

// copied is the same browser for another goroutine.
func (v *visitor) copied() *visitor {
	c := *v
	c.cookies, c.extra = map[string]string{}, v.extra.Clone()
	for name, value := range v.cookies {
		c.cookies[name] = value
	}
	return &c
}
