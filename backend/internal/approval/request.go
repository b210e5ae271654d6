package approval

import (
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// State is where a request stands; named in docs/glossary.md.
type State string

// The states that this house uses. submitted, provisioning, partial and blocked belong to connectors and provisioning.
const (
	Pending   State = "pending"
	NeedsInfo State = "needs_info"
	Approved  State = "approved"
	Active    State = "active"
	Denied    State = "denied"
	Expired   State = "expired"
	Withdrawn State = "withdrawn"
)

// Open says whether a decision is still possible.
func (s State) Open() bool { return s == Pending || s == NeedsInfo }

// Verdict is what a decision says.
type Verdict string

// The two verdicts.
const (
	Approve Verdict = "approve"
	Deny    Verdict = "deny"
)

// Consent is one statement that the applicant agreed to, in the version they saw.
type Consent struct {
	Terms   string    `json:"terms"`
	Title   string    `json:"title"`
	Version string    `json:"version"`
	At      time.Time `json:"at"`
}

// Fact is one line of evidence, gathered when the request was opened and kept as it was then.
type Fact struct {
	Code  string     `json:"code"`  // as in the contract's Evidence.code
	Level string     `json:"level"` // good, fact or look
	Value string     `json:"value,omitempty"`
	Count int        `json:"count,omitempty"`
	At    *time.Time `json:"at,omitempty"`
}

// Request is a row of requests: what was asked, by whom, and how it stands.
type Request struct {
	ID            string
	Reference     string
	Source        string // the room that opened it and is told of its end: "signup"
	SourceID      string
	State         State
	FlowSlug      string
	FlowTitle     string
	FlowVersion   int
	Team          string
	Mail          string // written to
	Address       string // canonical, compared
	Name          string
	GivenName     string
	Surname       string
	Organisation  string
	JobTitle      string
	Purpose       string
	Locale        string
	Answers       database.JSON[map[string]any]
	Consents      database.JSON[[]Consent]
	Evidence      database.JSON[[]Fact]
	Risk          string // low or look
	Stage         int    // 1-based; which one waits
	Stages        int
	Version       int // counts every change, for the live page
	GuestID       *string
	SponsorID     *string // the approver who answers for the guest, once approved
	EndsAfterDays int     // 0: no end
	AccessUntil   *time.Time
	SubmittedAt   time.Time
	DueAt         *time.Time
	ExpiresAt     *time.Time
	PausedAt      *time.Time // since when the clock stands, while needs_info
	DecidedAt     *time.Time
	DecidedBy     *string
	DecidedByName string
	Decision      Verdict
	Reason        string
	ReasonShared  bool
	Note          string
	SearchText    string
	UpdatedAt     time.Time
}

// TableName is the table's.
func (Request) TableName() string { return "requests" }

// closedBy says why a decision is no longer possible at now, or nil. A request past its end counts as expired even
// before the sweep has said so: expiry is a predicate, the sweep only housekeeping.
func (r *Request) closedBy(now time.Time) error {
	switch {
	case r.Decision != "":
		return ErrAlreadyDecided.With("decidedBy", r.DecidedByName).With("decidedAt", r.DecidedAt).With("state", r.State)
	case !r.State.Open():
		return ErrClosed.With("state", r.State)
	case r.lapsed(now):
		return ErrClosed.With("state", Expired)
	}
	return nil
}

// lapsed says whether the time to decide is over. The last instant still counts.
func (r *Request) lapsed(now time.Time) bool {
	return r.ExpiresAt != nil && now.After(*r.ExpiresAt)
}

// StateAt is where the request stands at now: one past its end is expired, whether the sweep has written it down or not.
func (r *Request) StateAt(now time.Time) State {
	if r.State.Open() && r.lapsed(now) {
		return Expired
	}
	return r.State
}

// accessEnd is when the access ends that an approval at now gives; nil means never.
func (r *Request) accessEnd(now time.Time) *time.Time {
	if r.AccessUntil != nil {
		return r.AccessUntil
	}
	if r.EndsAfterDays == 0 {
		return nil
	}
	end := now.AddDate(0, 0, r.EndsAfterDays)
	return &end
}

// sameMailbox says whether two canonical addresses reach the same person: equal, or equal but for a +tag.
func sameMailbox(a, b string) bool { return a != "" && untagged(a) == untagged(b) }

func untagged(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}

// assignment is a row of approval_assignments: one approver of one stage, and in which of their lists the request is.
type assignment struct {
	RequestID  string
	Stage      int
	ApproverID string // a member, or everyKey
	Bucket     string
	SortAt     time.Time // due while waiting or asked, decided when done
	FlowSlug   string
	SearchText string // the beginning of the request's (copyOf)
}

func (assignment) TableName() string { return "approval_assignments" }

// The lists of an approver. later is a stage whose turn has not come.
const (
	bucketLater   = "later"
	bucketWaiting = "waiting"
	bucketAsked   = "asked"
	bucketDone    = "done"
)

// everyKey is the approver that stands for programs: an API key with the scope sees each request once.
const everyKey = "*"

// farAway sorts requests without a due date behind all others.
var farAway = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func sortAt(due *time.Time) time.Time {
	if due == nil {
		return farAway
	}
	return *due
}

// decision is a row of approval_decisions.
type decision struct {
	ID           string
	RequestID    string
	Stage        int
	ApproverID   string // a member or a key
	ApproverName string
	Decision     Verdict
	Reason       string
	ReasonShared bool
	Note         string
	Channel      string // session or apikey
	DecidedAt    time.Time
}

func (decision) TableName() string { return "approval_decisions" }

// Message is one line of the thread between team and applicant.
type Message struct {
	ID         string
	RequestID  string
	AuthorKind string // team or applicant
	AuthorID   string
	AuthorName string
	Body       string
	CreatedAt  time.Time
}

// TableName is the table's.
func (Message) TableName() string { return "approval_messages" }

type link struct {
	TokenHash  []byte
	RequestID  string
	ApproverID string
	ExpiresAt  time.Time
}

func (link) TableName() string { return "approval_links" }
