package signup

import (
	"context"
	"strings"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
)

// Needs are the neighbours of this room; none may be nil.
type Needs struct {
	DB        *database.DB
	Clock     clock.Clock
	IDs       ids.Source
	Audit     *audit.Log
	Mail      *notification.Service
	Limits    *limits.Limits
	People    *directory.Directory
	Flows     *flow.Service
	Approvals *approval.Service
	Identity  *identity.Service
	// BaseURL is the public address of this house, without a slash at its end.
	BaseURL string
}

// Service holds the use cases of the room.
type Service struct {
	Needs
	db     *database.DB
	limits *limits.Limits
	mails  mails
}

// New panics on a nil need: a half-built room never opens.
func New(n Needs) *Service {
	if n.DB == nil || n.Clock == nil || n.IDs == nil || n.Audit == nil || n.Mail == nil || n.Limits == nil || n.People == nil ||
		n.Flows == nil || n.Approvals == nil || n.Identity == nil {
		panic("signup.New: a need is nil")
	}
	s := &Service{Needs: n, db: n.DB, limits: n.Limits, mails: newMails()}
	s.registerMails()
	return s
}

// Start begins a sign-up in a flow, or one that comes back for the request with a reference. The token goes into the
// browser's cookie and nowhere else. It returns flow's faults for unknown and closed flows, and identity.ErrTooMany.
func (s *Service) Start(ctx context.Context, flowSlug, reference, locale, origin string) (found *signup, token string, err error) {
	if (flowSlug == "") == (reference == "") {
		return nil, "", ErrStartUnclear
	}
	token = s.IDs.Token()
	row := &signup{ID: s.IDs.New("sgn"), TokenHash: ids.HashToken(token), Step: StepIdentity, Locale: locale, Origin: origin}
	row.Answers.V = map[string]any{}
	if strings.ContainsRune(flowSlug+locale, 0) { // PostgreSQL keeps no NUL in text
		return nil, "", ErrStartUnclear
	}
	if flowSlug != "" {
		version, err := s.Flows.Published(ctx, flowSlug)
		if err != nil {
			return nil, "", err
		}
		row.FlowSlug, row.FlowVersion = version.Slug, version.Number
	} else {
		row.AskedReference, _ = ids.ParseReference(reference) // whether it exists is told after proof only
	}
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := s.mayStart(tx); err != nil {
			return err
		}
		row.CreatedAt, row.ExpiresAt = tx.Now, tx.Now.Add(unprovedLife)
		return insertSignup(tx, row)
	})
	return row, token, err
}

// Holder is a browser that claims to hold a sign-up.
type Holder struct {
	ID        string
	TokenHash []byte // of the token in its cookie
}

// HolderOf is the browser whose cookie has token; "" holds nothing.
func HolderOf(id, token string) Holder { return Holder{ID: id, TokenHash: ids.HashToken(token)} }

// GiveEmail takes the address to prove and has a mail sent to it, or another mail to the same address. It does the same
// for every address; the mail is composed later (compose.go), and only there known addresses differ.
//
// It returns field faults email_invalid and email_domain_not_accepted, ErrTooSoon, ErrTooMany, ErrAlreadySent. Writes
// audit "signup.started" for an address that is new to this sign-up.
func (s *Service) GiveEmail(ctx context.Context, by Holder, typed, locale string) (*signup, error) {
	address, malformed := email.Parse(typed)
	var given *signup
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		row, err := openWhere(tx, "id = ? AND token_hash = ?", by.ID, by.TokenHash)
		if err != nil {
			return err
		}
		if malformed != nil { // told to the holder only: others learn nothing here
			return fault.FieldsFault(fault.Field{Pointer: "/email", Code: "email_invalid"})
		}
		if err := s.accepts(tx.Context(), row, address); err != nil {
			return err
		}
		pace := row.pace()
		if err := pace.Ask(tx.Now); err != nil {
			return err
		}
		row.MailsAsked, row.MailAskedAt = pace.Asked, pace.Last
		if err := s.mayAsk(tx, row, address); err != nil {
			return err
		}
		another := row.Address != address.Canonical()
		if another {
			if row.Address != "" { // else no code has been made
				err = s.Identity.Codes.Revoke(tx, identity.PurposeSignup, row.ID)
			}
			if err != nil {
				return err
			}
			row.changeAddress(address.String(), address.Canonical())
		}
		row.ProvedAt = nil // whoever asks for another code is asked for it
		row.Step, row.ExpiresAt, row.Locale = StepCode, tx.Now.Add(unprovedLife), locale
		given = row
		if err := saveSignup(tx, row); err != nil {
			return err
		}
		if another {
			if err := s.record(tx, "signup.started", row, nil); err != nil {
				return err
			}
		}
		return s.orderCode(tx, row)
	})
	return given, err
}

// stillOpen returns flow's fault if the flow is closed now (security.md T25). A draft is kept all the same (Keep): that
// brings nobody a step further, and what was typed is not lost to a closing that may not last.
func (s *Service) stillOpen(ctx context.Context, row *signup) error {
	if row.FlowSlug == "" {
		return nil
	}
	_, err := s.Flows.Published(ctx, row.FlowSlug)
	return err
}

// accepts re-reads the flow's rules as they are now: closing it or refusing a domain takes effect on running sign-ups.
func (s *Service) accepts(ctx context.Context, row *signup, address email.Address) error {
	if row.FlowSlug == "" {
		return nil
	}
	published, err := s.Flows.Published(ctx, row.FlowSlug)
	if err != nil {
		return err
	}
	if !published.Domains.Accepts(address) {
		return fault.FieldsFault(fault.Field{Pointer: "/email", Code: "email_domain_not_accepted", Params: map[string]string{"domain": address.Domain}})
	}
	return nil
}

func (s *Service) record(tx *database.Tx, name string, row *signup, data map[string]any) error {
	if data == nil {
		data = map[string]any{}
	}
	data["flow"] = row.FlowSlug
	event := audit.Event{Name: name, Actor: audit.Actor{Kind: "applicant", ID: row.ID}, Target: row.ID, Data: data}
	if row.Address != "" {
		event.Subject = s.Audit.Subject(row.Address)
	}
	return s.Audit.Record(tx, event)
}

// open reads a sign-up to change it; one that is over, or sent, cannot be.
func (s *Service) open(tx *database.Tx, id string) (*signup, error) {
	return openWhere(tx, "id = ?", id)
}

func openWhere(tx *database.Tx, where string, args ...any) (*signup, error) {
	row, err := lockSignup(tx, where, args...)
	switch {
	case err != nil:
		return nil, err
	case !row.alive(tx.Now):
		return nil, ErrNoSignup
	case row.Step == StepRequest:
		return nil, ErrAlreadySent
	}
	return row, nil
}

func (s *Service) openProved(tx *database.Tx, id string) (*signup, error) {
	row, err := s.open(tx, id)
	if err == nil && !row.proved() {
		return nil, ErrProofNeeded
	}
	return row, err
}

func (s *Service) byID(ctx context.Context, id string) (*signup, error) {
	row, err := signupWhere(s.db.Read(ctx), "id = ?", id)
	if err == nil && !row.alive(s.Clock.Now()) {
		return nil, ErrNoSignup
	}
	return row, err
}

// ByToken is the living sign-up that a browser's cookie stands for, or ErrNoSignup.
func (s *Service) ByToken(ctx context.Context, token string) (*signup, error) {
	if token == "" {
		return nil, ErrNoSignup
	}
	row, err := signupWhere(s.db.Read(ctx), "token_hash = ?", ids.HashToken(token))
	if err == nil && !row.alive(s.Clock.Now()) {
		return nil, ErrNoSignup
	}
	return row, err
}

// DeleteOld removes sign-ups past their life, in batches of 1,000.
func (s *Service) DeleteOld(ctx context.Context) error {
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		_, err := deleteOld(tx, 1000)
		return err
	})
}
