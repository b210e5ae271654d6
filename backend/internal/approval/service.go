package approval

import (
	"context"
	"strings"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// Needs are the neighbours of this room; none may be nil.
type Needs struct {
	DB     *database.DB
	Clock  clock.Clock
	IDs    ids.Source
	Audit  *audit.Log
	Mail   *notification.Service
	People *directory.Directory
	Flows  *flow.Service
	// BaseURL is the public address of this house, without a slash at its end.
	BaseURL string
}

// Service holds the use cases of the room.
type Service struct {
	db      *database.DB
	clock   clock.Clock
	ids     ids.Source
	audit   *audit.Log
	mail    *notification.Service
	people  *directory.Directory
	flows   *flow.Service
	baseURL string
	mails   mails
	openers map[string]func(tx *database.Tx, r *Request) error
	watch   *watchers

	patience patience // patient, but for tests
}

// New panics on a nil need: a half-built room never opens.
func New(n Needs) *Service {
	if n.DB == nil || n.Clock == nil || n.IDs == nil || n.Audit == nil || n.Mail == nil || n.People == nil || n.Flows == nil {
		panic("approval.New: a need is nil")
	}
	s := &Service{
		db: n.DB, clock: n.Clock, ids: n.IDs, audit: n.Audit, mail: n.Mail, people: n.People, flows: n.Flows,
		baseURL: n.BaseURL, mails: newMails(), openers: map[string]func(*database.Tx, *Request) error{}, watch: newWatchers(), patience: patient,
	}
	n.Mail.Compose(kindApprovalNeeded, s.composeApprovalNeeded)
	return s
}

// OnDecided registers what the room source does when a request that it opened is approved, denied, expired, withdrawn,
// or sent back with a question: fn runs in the transaction that moves the request and reads its State. On Approved, fn
// must set GuestID; an error undoes the decision.
func (s *Service) OnDecided(source string, fn func(tx *database.Tx, r *Request) error) {
	s.openers[source] = fn
}

func (s *Service) tellOpener(tx *database.Tx, r *Request) error {
	fn, ok := s.openers[r.Source]
	if !ok {
		panic("approval: nobody answers for requests of " + r.Source + "; app registers it with OnDecided")
	}
	return fn(tx, r)
}

func (s *Service) record(tx *database.Tx, name string, r *Request, data map[string]any) error {
	if data == nil {
		data = map[string]any{}
	}
	data["reference"], data["flow"] = r.Reference, r.FlowSlug
	return s.audit.Record(tx, audit.Event{Name: name, Target: r.ID, Subject: s.audit.Subject(r.Address), Data: data})
}

// changed tells live pages that the request is another now.
func (s *Service) changed(tx *database.Tx, r *Request) {
	id := r.ID
	tx.AfterCommit(func() { s.watch.tell(id) })
}

// Watch returns a channel that receives after every change of the request in this process. Call stop when done.
func (s *Service) Watch(requestID string) (changes <-chan struct{}, stop func()) {
	return s.watch.add(requestID)
}

// Earlier are the requests of this address, newest first, at most 20.
func (s *Service) Earlier(ctx context.Context, address string) ([]Request, error) {
	var found []Request
	err := s.db.Read(ctx).Where("address = ?", address).Order("id DESC").Limit(20).Find(&found).Error
	return found, err
}

func lowered(address string) string { return strings.ToLower(strings.TrimSpace(address)) }
