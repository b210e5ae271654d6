package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

const publicURL = "https://partners.contoso.test"

// house is this room with real neighbours, and a post office that keeps what was ordered.
type house struct {
	*Service
	t      *testing.T
	db     *database.DB
	clk    *clock.Fake
	post   *postOffice
	people *directory.Directory
	engine *gin.Engine
}

// postOffice keeps orders whose transaction lasted.
type postOffice struct {
	mu     sync.Mutex
	orders []notification.Order
}

func (p *postOffice) Enqueue(tx *database.Tx, o notification.Order) error {
	tx.AfterCommit(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.orders = append(p.orders, o)
	})
	return nil
}

func (p *postOffice) Compose(string, func(context.Context, notification.Delivery) (*notification.Letter, error)) {
}

func openHouse(t *testing.T, db *database.DB, clk *clock.Fake) *house {
	t.Helper()
	master, err := secret.NewKeys(secret.New("kX9v2mQ7tR4wZ8yB1nC5dF3gH6jL0pSs"))
	require.NoError(t, err)
	source := ids.System(clk)
	log := slog.New(slog.DiscardHandler)
	audits := audit.New(db, source, master)
	h := &house{t: t, db: db, clk: clk, post: &postOffice{}}
	h.people = directory.New(db, audits, source, directory.Options{TenantDomain: "contoso.com"})
	h.Service = New(Needs{
		DB: db, People: h.people, Audit: audits, IDs: source, Keys: master, Limits: limits.New(db, true), Mail: h.post, BaseURL: publicURL,
		AskPath: func(context.Context) (string, error) { return "/join", nil }, Log: log,
	})
	h.engine = web.New(web.Options{PublicURL: publicURL, Logger: log, Clock: clk, IDs: source})
	h.Routes(h.engine.Group("", h.Guard(testRoutes)))
	h.engine.GET("/left/open", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	return h
}

// testRoutes are this room's entries of the contract.
var testRoutes = map[string]Route{
	"POST /api/v1/signin": {Who: WhoPublic}, "POST /api/v1/signin/code": {Who: WhoPublic},
	"POST /api/v1/setup": {Who: WhoPublic}, "POST /api/v1/setup/check": {Who: WhoPublic},
	"GET /api/v1/me": {Who: WhoSignedIn}, "POST /api/v1/signout": {Who: WhoSignedIn},
}

func (h *house) inTx(fn func(tx *database.Tx) error) {
	h.t.Helper()
	require.NoError(h.t, h.db.InTx(context.Background(), fn))
}

func (h *house) member(address string, roles ...string) *directory.User {
	h.t.Helper()
	var made *directory.User
	h.inTx(func(tx *database.Tx) (err error) {
		made, err = h.people.AddMember(tx, directory.NewMember{Name: "Ines Vogel", GivenName: "Ines", Mail: parse(h.t, address), Roles: roles})
		return err
	})
	return made
}

func (h *house) guest(address string, endsAt *time.Time) *directory.User {
	h.t.Helper()
	var made *directory.User
	h.inTx(func(tx *database.Tx) (err error) {
		made, _, err = h.people.AdmitGuest(tx, directory.Admission{
			RequestID: "req_" + address, Mail: parse(h.t, address), DisplayName: "Maria Lindqvist", GivenName: "Maria", Organisation: "Fabrikam", EndsAt: endsAt,
		})
		return err
	})
	return made
}

func (h *house) disable(u *directory.User) {
	h.t.Helper()
	h.inTx(func(tx *database.Tx) error {
		return tx.Exec("UPDATE directory_users SET account_enabled = ? WHERE id = ?", false, u.ID).Error
	})
}

func parse(t *testing.T, address string) email.Address {
	t.Helper()
	a, err := email.Parse(address)
	require.NoError(t, err)
	return a
}

// nextMail composes the oldest order that has not been composed, as the worker would; nil if nothing comes of it.
func (h *house) nextMail() *notification.Letter {
	h.t.Helper()
	h.post.mu.Lock()
	require.NotEmpty(h.t, h.post.orders, "no mail was ordered")
	o := h.post.orders[0]
	h.post.orders = h.post.orders[1:]
	h.post.mu.Unlock()
	var letter *notification.Letter
	var err error
	switch payload := o.Payload.(type) {
	case signinOrder:
		letter, err = h.write(context.Background(), o.Locale, payload)
	case warningOrder:
		letter, err = h.writeWarning(context.Background(), payload)
	}
	require.NoError(h.t, err)
	return letter
}

// linkToken is the token of the link in a letter.
func linkToken(l *notification.Letter) string {
	_, token, _ := strings.Cut(l.Link, "/l/")
	return token
}

func (h *house) rows(table string) (n int64) {
	h.t.Helper()
	require.NoError(h.t, h.db.Read(context.Background()).Table(table).Count(&n).Error)
	return n
}

// events lists the names of all audit events of this room, oldest first.
func (h *house) events() (names []string) {
	h.t.Helper()
	require.NoError(h.t, h.db.Read(context.Background()).Raw("SELECT name FROM audit_events WHERE name LIKE 'identity.%' ORDER BY id").Scan(&names).Error)
	return names
}

// browser keeps cookies, as one does.
type browser struct {
	*house
	cookies map[string]string
	agent   string
	address string
}

func (h *house) browser() *browser {
	return &browser{house: h, cookies: map[string]string{}, agent: "Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36", address: "198.51.100.7:4711"}
}

type answer struct {
	status  int
	header  http.Header
	body    []byte
	cookies []string // names of the cookies that were set or cleared
}

func (a answer) code() string {
	var p struct{ Code string }
	_ = json.Unmarshal(a.body, &p)
	return p.Code
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, v), "%s", a.body)
}

func (b *browser) get(path string) answer { return b.do(http.MethodGet, path, nil, nil) }

func (b *browser) post(path string, body any) answer { return b.do(http.MethodPost, path, body, nil) }

func (b *browser) do(method, path string, body any, header map[string]string) answer {
	b.t.Helper()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(b.t, err)
		in = bytes.NewReader(raw)
	}
	r := httptest.NewRequest(method, publicURL+path, in)
	r.RemoteAddr = b.address
	r.Header.Set("User-Agent", b.agent)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.engine.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), body: w.Body.Bytes()}
	for _, c := range w.Result().Cookies() {
		a.cookies = append(a.cookies, c.Name)
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return a
}

// asks is POST /signin for an address that may have a mail.
func (b *browser) asks(address string) answer {
	b.t.Helper()
	a := b.post("/api/v1/signin", map[string]any{"email": address})
	require.Equal(b.t, http.StatusOK, a.status, "%s", a.body)
	return a
}

// signsIn goes all the way.
func (b *browser) signsIn(address string) {
	b.t.Helper()
	b.asks(address)
	letter := b.nextMail()
	require.NotNil(b.t, letter)
	a := b.enters(letter.Code)
	require.Equal(b.t, http.StatusOK, a.status, "%s", a.body)
}

func (b *browser) enters(code string) answer {
	b.t.Helper()
	return b.post("/api/v1/signin/code", map[string]any{"code": code})
}

// wrong is a code that this is not.
func wrong(code string) string {
	last := code[len(code)-1]
	return code[:len(code)-1] + string('0'+(last-'0'+1)%10)
}
