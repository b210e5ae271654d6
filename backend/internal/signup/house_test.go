package signup

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

const publicURL = "https://partners.contoso.test"

// house is the room with real neighbours; mail ends in post.
type house struct {
	*Service
	t     *testing.T
	ctx   context.Context
	db    *database.DB
	clk   *clock.Fake
	queue *jobs.Queue
	post  *postman

	cookies sync.Map // by sign-up
}

// postman keeps every message that leaves, and refuses the first few if it is told to.
type postman struct {
	mu      sync.Mutex
	refuse  int
	sent    []*notification.Message
	refused []*notification.Message
}

func (p *postman) Send(_ context.Context, m *notification.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse > 0 {
		p.refuse--
		p.refused = append(p.refused, m)
		return &notification.Refusal{Code: 451, Words: "come back later"}
	}
	p.sent = append(p.sent, m)
	return nil
}

func (p *postman) Close() error { return nil }

const flowText = `apiVersion: vestibule/v1
kind: Flow
metadata: {name: %s}
spec:
  languages: [en, de]
  title: {en: Supplier, de: Lieferant}
  domains: {deny: [mailinator.com, '*.mailinator.com']}
  pages:
    - id: you
      title: {en: You, de: Sie}
      fields:
        - {name: fullName, type: text, label: {en: Name, de: Name}, required: true}
        - name: why
          type: choice
          label: {en: Why, de: Warum}
          options: [{value: deliver, label: {en: Deliver, de: Liefern}}, {value: maintain, label: {en: Maintain, de: Warten}}]
        - {name: site, type: text, label: {en: Site, de: Standort}, required: true, when: {field: why, is: maintain}}
  profile: {name: fullName}
  terms:
    - {id: use, version: "4", date: "2026-02-01", title: {en: Terms, de: Bedingungen}, statement: {en: I agree, de: Ja}, text: {en: Be kind., de: Nett.}}
  %s
  grants: {apps: [drawings]}
  ends: {afterDays: 180}
`

const staged = `approval:
    stages:
      - {id: first, team: {en: Site team, de: Standort}, approvers: {people: [a.ruiz@contoso.com]}, dueAfter: 1d, expireAfter: 14d}`

// flowTails is how the flows of the house differ.
var flowTails = map[string]string{
	"supplier": staged,
	"visitor":  "approval: {automatic: true}",
	"limited":  "limits: {maxRequestsPerDay: 5}\n  " + staged,
}

var (
	answers = map[string]any{"fullName": "Maria Lindqvist"}
	agreedV = []flow.Consent{{Terms: "use", Version: "4"}}
)

func each(t *testing.T, limited bool, fn func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) { fn(t, openHouse(t, db, clk, limited)) })
}

func openHouse(t *testing.T, db *database.DB, clk *clock.Fake, limited bool) *house {
	t.Helper()
	keys, err := secret.NewKeys(secret.New("kJ8s2Lq9Xw4Zr7Tn1Vb6Ym3Pc5Hd0Gf2"))
	require.NoError(t, err)
	source, log := ids.System(clk), slog.New(slog.DiscardHandler)
	audits, budgets := audit.New(db, source, keys), limits.New(db, limited)
	h := &house{t: t, db: db, clk: clk, queue: jobs.New(db, clk, source, log), post: &postman{}}
	h.ctx = web.WithMeta(t.Context(), web.Meta{Address: "198.51.100.7", Locale: "en"})
	mail := notification.New(notification.Needs{
		DB: db, Jobs: h.queue, IDs: source, Log: log, BaseURL: publicURL, Transport: h.post,
		From:   notification.Sender{Name: "Contoso", Address: address(t, "guests@contoso.com")},
		House:  func(context.Context) (notification.House, error) { return notification.House{Org: "Contoso"}, nil },
		Failed: func(*database.Tx, notification.Failure) error { return nil },
	})
	people := directory.New(db, audits, source, directory.Options{TenantDomain: "contoso.com", MailFrom: "guests@contoso.com", Languages: []string{"en"}, Version: "test"})
	flows := flow.New(flow.Needs{DB: db, Clock: clk, IDs: source, Audit: audits, Catalogue: people, BaseURL: publicURL})
	who := identity.New(identity.Needs{DB: db, People: people, Audit: audits, IDs: source, Keys: keys, Limits: budgets, Mail: mail, BaseURL: publicURL, NoSignup: ErrNoSignup, Log: log})
	approvals := approval.New(approval.Needs{DB: db, Clock: clk, IDs: source, Audit: audits, Mail: mail, People: people, Flows: flows, BaseURL: publicURL})
	h.Service = New(Needs{DB: db, Clock: clk, IDs: source, Audit: audits, Mail: mail, Limits: budgets, People: people, Flows: flows, Approvals: approvals, Identity: who, BaseURL: publicURL})
	approvals.OnDecided("signup", h.Decide)
	h.furnish()
	return h
}

func (h *house) furnish() {
	h.inTx(func(tx *database.Tx) error {
		app := directory.App{Name: "drawings", Title: "Drawings library", LaunchURL: "https://drawings.contoso.com/"}
		app.Description.V = map[string]string{}
		_, err := h.People.PutApp(tx, app)
		return err
	})
	h.member("a.ruiz@contoso.com")
	for slug, tail := range flowTails {
		h.publish(slug, tail)
	}
}

// publish applies a flow whose end is tail, with some of its text replaced.
func (h *house) publish(slug, tail string, edit ...string) {
	h.t.Helper()
	text := strings.NewReplacer(edit...).Replace(fmt.Sprintf(flowText, slug, tail))
	_, err := h.Flows.Apply(h.ctx, []flow.File{{Name: slug, Data: []byte(text)}}, audit.Actor{Kind: audit.KindOperator})
	require.NoError(h.t, err)
}

func address(t *testing.T, s string) email.Address {
	t.Helper()
	a, err := email.Parse(s)
	require.NoError(t, err)
	return a
}

func (h *house) inTx(fn func(tx *database.Tx) error) {
	h.t.Helper()
	require.NoError(h.t, h.db.InTx(h.ctx, fn))
}

func (h *house) member(mail string) {
	h.t.Helper()
	h.inTx(func(tx *database.Tx) error {
		_, err := h.People.AddMember(tx, directory.NewMember{Name: strings.Split(mail, "@")[0], Mail: address(h.t, mail)})
		return err
	})
}

func (h *house) decider(mail string) approval.Decider {
	h.t.Helper()
	u, err := h.People.ByAddress(h.ctx, mail)
	require.NoError(h.t, err)
	return approval.Decider{ID: u.ID, Name: u.DisplayName, Address: u.Address, Channel: "session", Actor: audit.Actor{Kind: audit.KindMember, ID: u.ID, Name: u.DisplayName}}
}

func (h *house) ana() approval.Decider { return h.decider("a.ruiz@contoso.com") }

// row is a sign-up as it is kept.
func (h *house) row(id string) *signup {
	h.t.Helper()
	row, err := signupWhere(h.db.Read(h.ctx), "id = ?", id)
	require.NoError(h.t, err)
	return row
}

func (h *house) count(query string, args ...any) (n int) {
	h.t.Helper()
	require.NoError(h.t, h.db.Read(h.ctx).Raw("SELECT count(*) FROM "+query, args...).Scan(&n).Error)
	return n
}

// events are the names of all audit events since the last call, oldest first; furnishing counts as called.
func (h *house) events(target string) (names []string) {
	h.t.Helper()
	require.NoError(h.t, h.db.Read(h.ctx).Raw("SELECT name FROM audit_events WHERE target = ? ORDER BY id", target).Scan(&names).Error)
	return names
}

// GiveEmail is the Service's, by the browser that holds the sign-up.
func (h *house) GiveEmail(ctx context.Context, id, typed, locale string) (*signup, error) {
	var rows []signup
	require.NoError(h.t, h.db.Read(ctx).Where("id = ?", id).Find(&rows).Error)
	by := HolderOf(id, "nobody's")
	if len(rows) > 0 {
		by.TokenHash = rows[0].TokenHash
	}
	return h.Service.GiveEmail(ctx, by, typed, locale)
}

// Start is the service's, by a browser that keeps its cookie.
func (h *house) Start(ctx context.Context, slug, reference, locale, origin string) (*signup, string, error) {
	row, token, err := h.Service.Start(ctx, slug, reference, locale, origin)
	if err == nil {
		h.cookies.Store(row.ID, token)
	}
	return row, token, err
}

// Prove is the service's, by the browser that began.
func (h *house) Prove(ctx context.Context, id, code string) (*signup, string, error) {
	token, _ := h.cookies.Load(id)
	held, _ := token.(string)
	row, fresh, err := h.Service.Prove(ctx, id, Typed{Code: code, Token: held})
	if fresh != "" {
		h.cookies.Store(id, fresh)
	}
	return row, fresh, err
}

// begins starts a sign-up in a flow and gives the address.
func (h *house) begins(slug, mail string) (row *signup, token string) {
	h.t.Helper()
	row, token, err := h.Start(h.ctx, slug, "", "en", "Chrome on Android")
	require.NoError(h.t, err)
	row, err = h.GiveEmail(h.ctx, row.ID, mail, "en")
	require.NoError(h.t, err)
	return row, token
}

// proves goes on to details.
func (h *house) proves(slug, mail string) *signup {
	h.t.Helper()
	row, _ := h.begins(slug, mail)
	row, _, err := h.Prove(h.ctx, row.ID, h.newest().code)
	require.NoError(h.t, err)
	return row
}

// sends goes all the way.
func (h *house) sends(slug, mail string) (*signup, *approval.Request) {
	h.t.Helper()
	row := h.proves(slug, mail)
	r, err := h.Submit(h.ctx, row.ID, answers, agreedV)
	require.NoError(h.t, err)
	return row, r
}

// letter is what a test reads of a mail.
type letter struct{ kind, to, code, link, messageID, text string }

var (
	codeForm = regexp.MustCompile(`(?m)^(\d{6})\s*$`)
	linkForm = regexp.MustCompile(publicURL + `/l/(\S+)`)
	idForm   = regexp.MustCompile(`(?mi)^Message-ID: (\S+)`)
)

func read(m *notification.Message) letter {
	l := letter{kind: m.Kind, to: m.To.String(), text: m.Text}
	for form, into := range map[*regexp.Regexp]*string{codeForm: &l.code, linkForm: &l.link} {
		if found := form.FindStringSubmatch(m.Text); found != nil {
			*into = found[1]
		}
	}
	if found := idForm.FindSubmatch(m.Source); found != nil {
		l.messageID = string(found[1])
	}
	return l
}

// mails delivers what is due and returns what left since the last call.
func (h *house) mails() (sent []letter) {
	h.t.Helper()
	_, err := h.queue.Drain(h.ctx)
	require.NoError(h.t, err)
	h.post.mu.Lock()
	defer h.post.mu.Unlock()
	for _, m := range h.post.sent {
		sent = append(sent, read(m))
	}
	h.post.sent = nil
	return sent
}

// kinds is mails as "kind recipient".
func (h *house) kinds() (sent []string) {
	h.t.Helper()
	for _, l := range h.mails() {
		sent = append(sent, l.kind+" "+l.to)
	}
	return sent
}

// newest is the last mail that left, which there must be.
func (h *house) newest() letter {
	h.t.Helper()
	sent := h.mails()
	require.NotEmpty(h.t, sent, "no mail has left")
	return sent[len(sent)-1]
}

// wrong is a code that this is not.
func wrong(code string) string {
	last := code[len(code)-1]
	return code[:len(code)-1] + string('0'+(last-'0'+1)%10)
}

// requireFields holds that err is a fault of exactly these fields, as "pointer code".
func requireFields(t *testing.T, err error, want ...string) {
	t.Helper()
	f, ok := fault.From(err)
	require.True(t, ok, "%v", err)
	var got []string
	for _, field := range f.Fields() {
		got = append(got, field.Pointer+" "+field.Code)
	}
	require.Equal(t, want, got)
}

func disableGuest(address string) func(tx *database.Tx) error {
	return func(tx *database.Tx) error {
		return tx.Exec("UPDATE directory_users SET account_enabled = ? WHERE address = ?", false, address).Error
	}
}
