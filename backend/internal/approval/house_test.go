package approval

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

const publicURL = "https://partners.contoso.test"

// kindTold is the mail that the test's opener orders at every end.
const kindTold = "test.told"

// house is the room with real neighbours on a database, and an opener that admits a guest and orders one mail.
type house struct {
	*Service
	t      *testing.T
	db     *database.DB
	clk    *clock.Fake
	queue  *jobs.Queue
	post   *postman
	people *directory.Directory
	flows  *flow.Service
	opened int

	whole     func(tx *database.Tx, r *Request) error // the opener's half of an end, for walks that make it fail
	strangers int                                     // how many have asked for something
}

// postman keeps every message that leaves.
type postman struct {
	mu   sync.Mutex
	sent []*notification.Message
}

func (p *postman) Send(_ context.Context, m *notification.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, m)
	return nil
}

func (p *postman) Close() error { return nil }

// take is what has left since the last take, as "kind recipient".
func (p *postman) take() (sent []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.sent {
		sent = append(sent, m.Kind+" "+m.To.String())
	}
	p.sent = nil
	return sent
}

const flowText = `apiVersion: vestibule/v1
kind: Flow
metadata: {name: %s}
spec:
  languages: [en, de]
  title: {en: Supplier, de: Lieferant}
  pages:
    - id: you
      title: {en: You, de: Sie}
      fields:
        - {name: fullName, type: text, label: {en: Name, de: Name}}
        - {name: company, type: text, label: {en: Company, de: Firma}}
        - {name: contact, type: sponsor, label: {en: Contact, de: Kontakt}}
  profile: {name: fullName, organisation: company}
  approval:
%s
  grants: {apps: [drawings]}
  ends: {afterDays: 180, maxDays: 365}
`

// The flows of the house: one stage, two stages, nobody named, and one that approves itself.
var flowApprovals = map[string]string{
	"supplier": `    stages:
      - {id: first, team: {en: Site team, de: Standort}, approvers: {namedIn: contact, people: [a.ruiz@contoso.com], groups: [site]}, dueAfter: 1d, expireAfter: 14d}`,
	"double": `    stages:
      - {id: first, team: {en: Site team, de: Standort}, approvers: {people: [a.ruiz@contoso.com, j.becker@contoso.com]}, dueAfter: 1d, expireAfter: 14d}
      - {id: second, team: {en: Security, de: Sicherheit}, approvers: {people: [a.ruiz@contoso.com, s.weber@contoso.com]}, dueAfter: 2d, expireAfter: 7d}`,
	"lonely": `    stages:
      - {id: first, team: {en: Team, de: Team}, approvers: {groups: [empty]}}`,
	"visitor": `    automatic: true`,
}

func openHouse(t *testing.T, db *database.DB, clk *clock.Fake) *house {
	t.Helper()
	h := build(t, db, clk, ids.System(clk))
	h.inTx(func(tx *database.Tx) error {
		for _, group := range []string{"site", "empty"} {
			if _, err := h.people.PutGroup(tx, directory.Group{Name: group, Title: group}); err != nil {
				return err
			}
		}
		app := directory.App{Name: "drawings", Title: "Drawings library", LaunchURL: "https://drawings.contoso.com/"}
		app.Description.V = map[string]string{}
		_, err := h.people.PutApp(tx, app)
		return err
	})
	h.member("a.ruiz@contoso.com")
	h.member("j.becker@contoso.com")
	h.member("g.group@contoso.com", "group:site")
	h.member("s.weber@contoso.com")
	h.member("i.vogel@contoso.com", "admin")
	var files []flow.File
	for slug, stages := range flowApprovals {
		files = append(files, flow.File{Name: slug, Data: []byte(fmt.Sprintf(flowText, slug, stages))})
	}
	_, err := h.flows.Apply(t.Context(), files, audit.Actor{Kind: audit.KindOperator})
	require.NoError(t, err)
	return h
}

// build makes the rooms on db, without anybody in them: a second replica, for instance.
func build(t *testing.T, db *database.DB, clk *clock.Fake, source ids.Source) *house {
	t.Helper()
	keys, err := secret.NewKeys(secret.New("kJ8s2Lq9Xw4Zr7Tn1Vb6Ym3Pc5Hd0Gf2"))
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	audits := audit.New(db, source, keys)
	h := &house{t: t, db: db, clk: clk, queue: jobs.New(db, clk, source, log), post: &postman{}}
	mail := notification.New(notification.Needs{
		DB: db, Jobs: h.queue, IDs: source, Log: log, BaseURL: publicURL, Transport: h.post,
		From:   notification.Sender{Name: "Contoso", Address: address(t, "guests@contoso.com")},
		House:  func(context.Context) (notification.House, error) { return notification.House{Org: "Contoso"}, nil },
		Failed: func(*database.Tx, notification.Failure) error { return nil },
	})
	h.people = directory.New(db, audits, source, directory.Options{TenantDomain: "contoso.com", MailFrom: "guests@contoso.com", Languages: []string{"en"}, Version: "test"})
	h.flows = flow.New(flow.Needs{DB: db, Clock: clk, IDs: source, Audit: audits, Catalogue: h.people, BaseURL: publicURL})
	h.Service = New(Needs{DB: db, Clock: clk, IDs: source, Audit: audits, Mail: mail, People: h.people, Flows: h.flows, BaseURL: publicURL})
	mail.Compose(kindTold, func(context.Context, notification.Delivery) (*notification.Letter, error) { return nil, nil })
	h.OnDecided("test", func(tx *database.Tx, r *Request) error {
		if r.State == Approved {
			guest, _, err := h.people.AdmitGuest(tx, directory.Admission{RequestID: r.ID, Mail: address(t, r.Mail), DisplayName: r.Name, EndsAt: r.AccessUntil, Apps: []string{"drawings"}})
			if err != nil {
				return err
			}
			r.GuestID = &guest.ID
		}
		return mail.Enqueue(tx, notification.Order{Kind: kindTold, To: address(t, r.Mail), About: r.ID, Payload: r.State})
	})
	return h
}

func address(t *testing.T, s string) email.Address {
	t.Helper()
	a, err := email.Parse(s)
	require.NoError(t, err)
	return a
}

func (h *house) inTx(fn func(tx *database.Tx) error) {
	h.t.Helper()
	require.NoError(h.t, h.db.InTx(context.Background(), fn))
}

// member adds somebody; rights are roles, or "group:name".
func (h *house) member(mail string, rights ...string) *directory.User {
	h.t.Helper()
	m := directory.NewMember{Name: strings.Split(mail, "@")[0], Mail: address(h.t, mail)}
	for _, right := range rights {
		if group, ok := strings.CutPrefix(right, "group:"); ok {
			m.Groups = append(m.Groups, group)
		} else {
			m.Roles = append(m.Roles, right)
		}
	}
	var made *directory.User
	h.inTx(func(tx *database.Tx) (err error) {
		made, err = h.people.AddMember(tx, m)
		return err
	})
	return made
}

func (h *house) disable(mail string) {
	h.t.Helper()
	h.inTx(func(tx *database.Tx) error {
		return tx.Exec("UPDATE directory_users SET account_enabled = ? WHERE address = ?", false, mail).Error
	})
}

// as is the member at their own session.
func (h *house) as(mail string) Decider {
	h.t.Helper()
	u, err := h.people.ByAddress(context.Background(), mail)
	require.NoError(h.t, err)
	require.NotNil(h.t, u)
	return Decider{ID: u.ID, Name: u.DisplayName, Address: u.Address, Channel: "session", Actor: audit.Actor{Kind: audit.KindMember, ID: u.ID, Name: u.DisplayName}}
}

// plan prepares a request of mail in the flow, as a sign-up would.
func (h *house) plan(slug, mail string, answers map[string]any) *Plan {
	h.t.Helper()
	version, err := h.flows.Published(context.Background(), slug)
	require.NoError(h.t, err)
	h.opened++
	if answers == nil {
		answers = map[string]any{}
	}
	p, err := h.Prepare(context.Background(), Opening{
		Source: "test", SourceID: fmt.Sprintf("sgn_%s_%d", mail, h.opened), Flow: version, Mail: address(h.t, mail), ProvedAt: h.clk.Now(), Locale: "en", Answers: answers,
	})
	require.NoError(h.t, err)
	return p
}

// request opens one and returns it as it is kept.
func (h *house) request(slug, mail string, answers map[string]any) *Request {
	h.t.Helper()
	p := h.plan(slug, mail, answers)
	var r *Request
	h.inTx(func(tx *database.Tx) (err error) {
		var fresh bool
		r, fresh, err = h.Open(tx, p)
		if err == nil && !fresh {
			err = fmt.Errorf("%s has a live request in %s", mail, slug)
		}
		return err
	})
	return h.read(r.ID)
}

func (h *house) read(id string) *Request {
	h.t.Helper()
	r, err := h.ByID(context.Background(), id)
	require.NoError(h.t, err)
	return r
}

// approversOf are the addresses of the members assigned to a stage, in order.
func (h *house) approversOf(r *Request, stage int) (found []string) {
	h.t.Helper()
	err := h.db.Read(context.Background()).Raw(`SELECT u.address FROM approval_assignments a JOIN directory_users u ON u.id = a.approver_id
		WHERE a.request_id = ? AND a.stage = ? ORDER BY u.address`, r.ID, stage).Scan(&found).Error
	require.NoError(h.t, err)
	return found
}

// events are the names of this room's audit events about a request, oldest first.
func (h *house) events(requestID string) (names []string) {
	h.t.Helper()
	err := h.db.Read(context.Background()).Raw("SELECT name FROM audit_events WHERE target = ? AND name LIKE 'approval.%' ORDER BY id", requestID).Scan(&names).Error
	require.NoError(h.t, err)
	return names
}

func (h *house) count(query string, args ...any) (n int) {
	h.t.Helper()
	require.NoError(h.t, h.db.Read(context.Background()).Raw("SELECT count(*) FROM "+query, args...).Scan(&n).Error)
	return n
}

// mailed delivers what is due and says what left.
func (h *house) mailed() []string {
	h.t.Helper()
	_, err := h.queue.Drain(context.Background())
	require.NoError(h.t, err)
	return h.post.take()
}

// listed are the ids of a whole list, read page by page.
func (h *house) listed(by Decider, q Queue) (found []string) {
	h.t.Helper()
	for range 100 {
		rows, next, err := h.List(context.Background(), by, q)
		require.NoError(h.t, err)
		for _, r := range rows {
			found = append(found, r.ID)
		}
		if next == nil {
			return found
		}
		q.After = next
	}
	h.t.Fatal("the list has no end")
	return nil
}

func at(day int, clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", fmt.Sprintf("2026-03-%02d %s", day, clock))
	if err != nil {
		panic(err)
	}
	return t
}
