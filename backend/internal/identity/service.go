package identity

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

// Mail is what this room needs of notification: to order a mail in its own transaction, and to compose it at hand-off.
type Mail interface {
	Enqueue(tx *database.Tx, order notification.Order) error
	Compose(kind string, compose func(ctx context.Context, d notification.Delivery) (*notification.Letter, error))
}

// Needs are the neighbours and settings of this room. What is not called optional must not be nil.
type Needs struct {
	DB     *database.DB
	People *directory.Directory
	Audit  *audit.Log
	IDs    ids.Source
	Keys   secret.Keys
	Limits *limits.Limits
	Mail   Mail
	// BaseURL is the public address of this house, without a slash at its end; mailed links and cookies follow it.
	BaseURL string
	// CodeLifetime is how long a code may be used, 5–30 minutes; 0 means 10 (DefaultCodeLifetime).
	CodeLifetime time.Duration
	// Mailbox opens the routes of the built-in mailbox: only where mail stays in the house, which is on loopback.
	Mailbox bool
	// AskPath is the path of the page where access can be asked for, or "" while no flow is open. "/" if it is nil.
	AskPath func(ctx context.Context) (string, error)
	// NoSignup is the answer to a call that needs the sign-up cookie and has none. Optional.
	NoSignup error
	// Log is slog.Default if it is nil.
	Log *slog.Logger
}

// Service holds the use cases of the room. It is safe for concurrent use.
type Service struct {
	// Codes is the one verifier of one-time codes.
	Codes *Codes
	// Cookies writes and reads this house's cookies.
	Cookies Cookies

	db       *database.DB
	people   *directory.Directory
	audit    *audit.Log
	ids      ids.Source
	limits   *limits.Limits
	mail     Mail
	mails    mails
	log      *slog.Logger
	baseURL  string
	mailbox  bool
	askPath  func(ctx context.Context) (string, error)
	noSignup error
}

// New panics on a nil need or an impossible setting: a half-built room never opens.
func New(n Needs) *Service {
	if n.DB == nil || n.People == nil || n.Audit == nil || n.IDs == nil || n.Limits == nil || n.Mail == nil || n.BaseURL == "" {
		panic("identity.New: a need is nil")
	}
	lifetime, err := checkLifetime(n.CodeLifetime)
	if err != nil {
		panic(err)
	}
	if n.Log == nil {
		n.Log = slog.Default()
	}
	if n.AskPath == nil {
		n.AskPath = func(context.Context) (string, error) { return "/", nil }
	}
	if n.NoSignup == nil {
		n.NoSignup = ErrNotSignedIn
	}
	s := &Service{
		Cookies: NewCookies(n.BaseURL), db: n.DB, people: n.People, audit: n.Audit, ids: n.IDs, limits: n.Limits, mail: n.Mail, log: n.Log,
		mails: newMails(), baseURL: strings.TrimSuffix(n.BaseURL, "/"), mailbox: n.Mailbox, askPath: n.AskPath, noSignup: n.NoSignup,
	}
	s.Codes = &Codes{
		db: n.DB, ids: n.IDs, lifetime: lifetime, tries: &tries{db: n.DB, audit: n.Audit, log: n.Log},
		secrets: secrets{mac: n.Keys.Derive("identity.code"), link: n.Keys.Derive("identity.link"), successor: n.Keys.Derive("identity.successor")},
	}
	n.Mail.Compose(kindSigninCode, s.composeSignin)
	n.Mail.Compose(kindWarning, s.composeWarning)
	return s
}

// Sweep deletes what is over: codes and sign-ins after a day, sessions a day after their end, counts of tries after a
// week, devices that were not used for 30 days. It goes in batches, so that nobody waits for it; app runs it every hour.
func (s *Service) Sweep(ctx context.Context) error {
	for _, t := range sweepable {
		for n := int64(sweepBatch); n == sweepBatch; {
			err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
				n, err = sweepTable(tx, t.table, t.key, t.column, tx.Now.Add(-t.kept))
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
