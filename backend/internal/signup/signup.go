package signup

import (
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Step is where a sign-up stands.
type Step string

// The steps, in order.
const (
	StepIdentity Step = "identity"
	StepCode     Step = "code"
	StepDetails  Step = "details"
	StepRequest  Step = "request"
)

const (
	// unprovedLife, draftLife: settled.md §3.
	unprovedLife = 60 * time.Minute
	draftLife    = 7 * 24 * time.Hour
	// sentLife is how long the browser that sent a request may look at it without proving the address again.
	sentLife   = 90 * 24 * time.Hour
	codeLength = 6
)

// signup is a row of signups.
type signup struct {
	ID             string
	FlowSlug       string // empty: came back by reference
	FlowVersion    int
	AskedReference string // the request that the person came back for
	TokenHash      []byte
	Step           Step
	Mail           string // written to
	Address        string // canonical, compared
	Locale         string
	Origin         string // browser and system, coarse: "Chrome on Android"
	Answers        database.JSON[map[string]any]
	MailsAsked     int // within the hour of MailAskedAt's window
	MailAskedAt    *time.Time
	ProvedAt       *time.Time
	SavedAt        *time.Time
	RequestID      *string
	CreatedAt      time.Time
	ExpiresAt      time.Time
}

func (signup) TableName() string { return "signups" }

// proved says whether the address is the person's.
func (s *signup) proved() bool { return s.ProvedAt != nil }

// alive says whether the sign-up may go on at now; its last instant still counts.
func (s *signup) alive(now time.Time) bool { return !now.After(s.ExpiresAt) }

// pace is how often the sign-up has asked for a code.
func (s *signup) pace() identity.Pace { return identity.Pace{Asked: s.MailsAsked, Last: s.MailAskedAt} }

// changeAddress takes another address: nothing proved or typed for the old one goes over to it (security.md T14).
func (s *signup) changeAddress(mail, address string) {
	s.Mail, s.Address = mail, address
	s.ProvedAt, s.SavedAt = nil, nil
	s.Answers.V = map[string]any{}
}
