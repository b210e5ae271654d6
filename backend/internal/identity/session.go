package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Kinds of principals.
const (
	KindGuest  = "guest"
	KindMember = "member"
	KindAPIKey = "apikey"
)

// Lives of sessions (security.md §4).
const (
	guestIdle, guestLife   = 60 * time.Minute, 24 * time.Hour
	memberIdle, memberLife = 30 * time.Minute, 8 * time.Hour
	// seenEvery is how often a session in use is written down at most.
	seenEvery = time.Minute
)

// How a session came to be.
const (
	methodCode  = "code"
	methodLink  = "link"
	methodSetup = "setup"
)

// Principal is who acts: a person by their session, or a program by its key. It is resolved once per request, by Guard.
type Principal struct {
	Kind      string // KindGuest, KindMember or KindAPIKey
	UserID    string // empty for a key
	Name      string
	Address   string   // canonical; empty for a key
	Mail      string   // as written; empty for a key
	Roles     []string // of members
	Scopes    []string // of keys
	SessionID string   // empty for a key
	KeyID     string   // empty for a person
}

// Actor is the principal as events name it.
func (p Principal) Actor() audit.Actor {
	if p.Kind == KindAPIKey {
		return audit.Actor{Kind: audit.KindAPIKey, ID: p.KeyID, Name: p.Name}
	}
	return audit.Actor{Kind: p.Kind, ID: p.UserID, Name: p.Name}
}

type principalKey struct{}

// WithPrincipal says who acts in ctx, for this room's PrincipalOf and for audit.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return audit.WithActor(context.WithValue(ctx, principalKey{}, p), p.Actor())
}

// PrincipalOf is who acts in ctx; ok is false where the route is open to anyone.
func PrincipalOf(ctx context.Context) (p Principal, ok bool) {
	if c, isGin := ctx.(*gin.Context); isGin {
		ctx = c.Request.Context()
	}
	p, ok = ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// principal is the person in the seat.
func (s seat) principal() Principal {
	p := Principal{
		Kind: KindMember, UserID: s.UserID, Name: s.DisplayName, Address: s.Address, Mail: s.Mail, Roles: s.Roles.V, SessionID: s.SessionID,
	}
	if s.UserType == directory.TypeGuest {
		p.Kind, p.Roles = KindGuest, nil
	}
	return p
}

// alive says whether the session holds at now, and the person in it may be here.
func (s seat) alive(now time.Time) bool {
	idle := time.Duration(s.IdleSeconds) * time.Second
	return now.Before(s.SessionExpiresAt) && now.Before(s.SeenAt.Add(idle)) && s.user().Usable(now)
}

// Session is who holds the session token. It returns ErrNotSignedIn for everything that is no living session of a person
// who may be here now; disabling somebody takes effect on their next request, on every replica.
func (s *Service) Session(ctx context.Context, token string) (Principal, error) {
	if token == "" {
		return Principal{}, ErrNotSignedIn
	}
	found, err := seatByToken(s.db.Read(ctx), ids.HashToken(token))
	if err != nil {
		return Principal{}, err
	}
	now := s.db.Now()
	if found == nil || !found.alive(now) {
		return Principal{}, ErrNotSignedIn
	}
	if now.Sub(found.SeenAt) >= seenEvery {
		s.seen(ctx, found.SessionID)
	}
	return found.principal(), nil
}

// seen notes that the session is in use. A database that cannot write now does not keep people from reading.
func (s *Service) seen(ctx context.Context, sessionID string) {
	err := s.db.InTx(ctx, func(tx *database.Tx) error { return touchSession(tx, sessionID, tx.Now.Add(-seenEvery)) })
	if err != nil {
		s.log.WarnContext(ctx, "session was not noted as seen", "session", sessionID, "error", err)
	}
}

// newSession seats the user in a session of a new token, and ends the one that the browser held before: no identifier
// survives a change of rights (security.md T34).
func (s *Service) newSession(tx *database.Tx, user *directory.User, method string, t tokens) (Principal, error) {
	if t.old != "" {
		if _, err := endSessions(tx, "token_hash", ids.HashToken(t.old)); err != nil {
			return Principal{}, err
		}
	}
	meta := web.MetaOf(tx.Context())
	idle, life := memberIdle, memberLife
	if user.IsGuest() {
		idle, life = guestIdle, guestLife
	}
	row := session{
		ID: s.ids.New("ses"), TokenHash: ids.HashToken(t.fresh), UserID: user.ID, Method: method, Address: meta.Address, UserAgent: meta.UserAgent,
		CreatedAt: tx.Now, SeenAt: tx.Now, IdleSeconds: int(idle / time.Second), ExpiresAt: tx.Now.Add(life),
	}
	held := seat{
		SessionID: row.ID, UserID: user.ID, UserType: user.UserType, DisplayName: user.DisplayName, Mail: user.Mail, Address: user.Address, Roles: user.Roles,
	}
	return held.principal(), insertSession(tx, &row)
}

// tokens are those of the session that begins and of the one that ends with it; old may be "".
type tokens struct{ fresh, old string }

// sessionLife is how long a browser keeps the session cookie.
func sessionLife(p Principal) time.Duration {
	if p.Kind == KindGuest {
		return guestLife
	}
	return memberLife
}

// SignOut ends the principal's session. Writes audit "identity.signed_out".
func (s *Service) SignOut(ctx context.Context, p Principal) error {
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		if n, err := endSessions(tx, "id", p.SessionID); err != nil || n == 0 {
			return err
		}
		return s.audit.Record(tx, audit.Event{Name: "identity.signed_out", Actor: p.Actor(), Target: p.UserID, Subject: s.audit.Subject(p.Address)})
	})
}

// EndSessions ends every session of the user, on every replica, and forgets their devices, in the caller's transaction:
// when they leave, are disabled, or are recovered from somebody else's hands (security.md T15, T29).
func (s *Service) EndSessions(tx *database.Tx, userID string) error {
	if _, err := endSessions(tx, "user_id", userID); err != nil {
		return err
	}
	return dropDevices(tx, "user_id", userID)
}

// seat is a session with what is needed of the person in it, in one query: it runs at every request.
type seat struct {
	SessionID         string
	SeenAt            time.Time
	IdleSeconds       int
	SessionExpiresAt  time.Time
	UserID            string
	UserType          string
	ExternalUserState string
	DisplayName       string
	Mail              string
	Address           string
	Roles             database.JSON[[]string]
	AccountEnabled    bool
	EndsAt            *time.Time
}

func (s seat) user() directory.User {
	return directory.User{UserType: s.UserType, ExternalUserState: s.ExternalUserState, AccountEnabled: s.AccountEnabled, EndsAt: s.EndsAt}
}

const seatQuery = `SELECT s.id AS session_id, s.seen_at, s.idle_seconds, s.expires_at AS session_expires_at, u.id AS user_id, u.user_type,
	u.external_user_state, u.display_name, u.mail, u.address, u.roles, u.account_enabled, u.ends_at
FROM identity_sessions s JOIN directory_users u ON u.id = s.user_id
WHERE s.token_hash = ? AND s.ended_at IS NULL`

// seatByToken is nil for a token that opens nothing. It comes with every request of a person, so it reads its one row by
// itself instead of by reflection.
func seatByToken(db *gorm.DB, hash []byte) (found *seat, err error) {
	rows, err := db.Raw(seatQuery, hash).Rows()
	if err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return nil, rows.Err()
	}
	var s seat
	if err := rows.Scan(&s.SessionID, &s.SeenAt, &s.IdleSeconds, &s.SessionExpiresAt, &s.UserID, &s.UserType,
		&s.ExternalUserState, &s.DisplayName, &s.Mail, &s.Address, &s.Roles, &s.AccountEnabled, &s.EndsAt); err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	return &s, nil
}
