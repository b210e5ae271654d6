package notification

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/jobs"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
)

// Needs are the neighbours of this room; none may be nil.
type Needs struct {
	DB   *database.DB
	Jobs *jobs.Queue
	IDs  ids.Source
	Log  *slog.Logger
	// BaseURL is the public address of this house, the only place that mails may lead to.
	BaseURL   string
	From      Sender
	Transport Transport
	// House says who the house is, when a mail is written.
	House func(ctx context.Context) (House, error)
	// Failed is told, in the transaction that gives a mail up; app writes the audit event notification.mail_failed.
	Failed func(tx *database.Tx, f Failure) error
	// Observe is told of every attempt, for metrics; it may be nil, and must be quick.
	Observe func(o Outcome)
	// Workers is how many mails leave at once, and as many codes beside them; 0 means 4.
	Workers int
	// Limits bounds the mail that strangers order; nil bounds nothing.
	Limits *limits.Limits
	// Pace is how much of it leaves a second; 0 means DefaultPace.
	Pace int
	// Personal says of a domain that anybody may have a mailbox there; nil says it of none.
	Personal func(domain string) bool
}

// Failure is a mail that was given up.
type Failure struct {
	ID, Kind, About string
	Address         string // canonical
	Reason          string // the mail server's words, one line; or ours
}

// Order asks for one mail to one person.
type Order struct {
	// Kind has a Compose function. Kinds that end in ".code" leave ahead of the others and are given up after 9 minutes.
	Kind   string
	To     email.Address
	Locale string // as the recipient has it; "" means English
	// About is the id of what the mail is about, for staff: a request, a sign-up.
	About string
	// Payload is what Compose needs to find everything again. No secrets, and little that ages.
	Payload any
	// Anonymous says that a stranger's press has ordered this code: such mail keeps to the budgets of held.go, and waits
	// apart from all other. It is given up like a code.
	Anonymous bool
}

// Delivery is a mail whose turn has come.
type Delivery struct {
	ID      string
	Kind    string
	To      string // as stored
	Locale  string
	About   string
	Attempt int // from 1

	payload json.RawMessage
}

// Bind reads the order's payload into v.
func (d Delivery) Bind(v any) error {
	if err := json.Unmarshal(d.payload, v); err != nil {
		return jobs.Final(fmt.Errorf("read the payload of mail %s: %w", d.Kind, err))
	}
	return nil
}

// Compose writes a mail at hand-off. It makes codes and links now, so that a late mail never carries a dead one. A nil
// letter means that there is nothing left to say: the mail is dropped. An error is tried again.
type Compose func(ctx context.Context, d Delivery) (*Letter, error)

// Service takes orders and sends mail.
type Service struct {
	needs    Needs
	renderer *Renderer
	host     string
	composes map[string]Compose
	mailbox  *Mailbox // nil where mail leaves the house
	gates    *gates
	line     *line
}

// The kinds of job: codes have workers of their own, so that no newsletter-like burst holds them up (security.md R06),
// and so have codes that strangers order, so that a flood of those holds up neither decisions nor known people.
const (
	jobMail     = "mail"
	jobCode     = "mail.code"
	jobStranger = "mail.stranger"
)

// New panics on a nil need or a base address that is none: a half-built room never opens. It registers the workers with
// the queue; register every Compose before the queue starts.
func New(n Needs) *Service {
	if n.DB == nil || n.Jobs == nil || n.IDs == nil || n.Log == nil || n.Transport == nil || n.House == nil || n.Failed == nil || n.From.Address.IsZero() {
		panic("notification.New: a need is nil")
	}
	renderer, err := NewRenderer(n.BaseURL)
	if err != nil {
		panic("notification.New: " + err.Error())
	}
	if n.Workers <= 0 {
		n.Workers = 4
	}
	if n.Pace <= 0 {
		n.Pace = DefaultPace
	}
	s := &Service{needs: n, renderer: renderer, host: hostName(renderer), composes: map[string]Compose{}}
	s.gates = &gates{pace: n.Pace, personal: n.Personal, limits: n.Limits, log: n.Log, shut: map[string]gate{}}
	s.line = newLine(n)
	s.mailbox, _ = n.Transport.(*Mailbox)
	s.work()
	return s
}

// Compose registers the function that writes mails of a kind. Once for each kind, before the queue starts.
func (s *Service) Compose(kind string, fn func(ctx context.Context, d Delivery) (*Letter, error)) {
	if fn == nil || s.composes[kind] != nil {
		panic("notification: the kind " + kind + " needs exactly one Compose")
	}
	s.composes[kind] = fn
}

// Enqueue orders a mail in tx: it is sent if tx lasts, and never otherwise. Budgets are the caller's business.
func (s *Service) Enqueue(tx *database.Tx, o Order) error {
	if s.composes[o.Kind] == nil {
		panic("notification: nobody composes " + o.Kind)
	}
	raw, err := json.Marshal(o.Payload)
	if err != nil {
		return fmt.Errorf("write the payload of mail %s: %w", o.Kind, err)
	}
	id := s.needs.IDs.New("mail")
	err = insertRecord(tx, &record{
		ID: id, Kind: o.Kind, Recipient: o.To.String(), Address: o.To.Canonical(), Locale: o.Locale, About: o.About,
		State: Queued, CreatedAt: tx.Now, UpdatedAt: tx.Now,
	})
	if err != nil {
		return err
	}
	job := jobMail
	switch {
	case o.Anonymous:
		job = jobStranger
	case strings.HasSuffix(o.Kind, ".code"):
		job = jobCode
	}
	return s.needs.Jobs.Enqueue(tx, jobs.Job{
		Kind: job, Queue: "mail:" + o.To.Domain, About: o.About,
		Payload: task{ID: id, Kind: o.Kind, To: o.To.String(), Locale: o.Locale, About: o.About, Payload: raw, Anonymous: o.Anonymous},
	})
}

// Record is what staff see of a mail.
type Record struct {
	ID, Kind, To string
	State        State
	At           time.Time // of its last change
	Reason       string    // the mail server's words when it refused
}

// DeliveriesAbout lists the mails about any of ids, newest first, at most 100.
func (s *Service) DeliveriesAbout(ctx context.Context, ids ...string) ([]Record, error) {
	found, err := deliveriesAbout(ctx, s.needs.DB, ids)
	out := make([]Record, 0, len(found))
	for _, r := range found {
		out = append(out, Record{ID: r.ID, Kind: r.Kind, To: r.Recipient, State: r.State, At: r.UpdatedAt, Reason: r.Reason})
	}
	return out, err
}

// hostName is the house's name in a Message-ID.
func hostName(r *Renderer) string {
	host, _, _ := strings.Cut(r.host, ":")
	return host
}
