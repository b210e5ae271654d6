package identity

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/limits"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// setupLife is how long a set-up link may be used (settled.md §13).
const setupLife = 30 * time.Minute

// setupRowID is the one row of identity_setup: a new link replaces the one before.
const setupRowID = "setup"

// setupsPerAddress bounds how often one network address may show a set-up link.
var setupsPerAddress = limits.Budget{Burst: 30, Refill: time.Minute}

type setupRow struct {
	ID        string
	TokenHash []byte
	ExpiresAt time.Time
	CreatedAt time.Time
}

func (setupRow) TableName() string { return "identity_setup" }

// CreateSetupLink makes the link by which the first administrator comes in, good once and for 30 minutes; the one made
// before ends. Its secret stands behind "#", which browsers send to nobody, so that no log ever holds it. It returns
// ErrSetupClosed once the house was set up, whatever became of its administrators.
func (s *Service) CreateSetupLink(ctx context.Context) (string, error) {
	token := s.ids.Token()
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := setupOpen(tx.DB); err != nil {
			return err
		}
		row := setupRow{ID: setupRowID, TokenHash: ids.HashToken(token), ExpiresAt: tx.Now.Add(setupLife), CreatedAt: tx.Now}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return fmt.Errorf("put set-up link: %w", err)
		}
		return nil
	})
	return s.baseURL + "/setup#" + token, err
}

// SetupOpen is until when the set-up link works. It returns ErrSetupClosed or ErrSetupLink, and changes nothing but the
// network address's budget.
func (s *Service) SetupOpen(ctx context.Context, token string) (time.Time, error) {
	if err := s.mayShowSetup(ctx); err != nil {
		return time.Time{}, err
	}
	db := s.db.Read(ctx)
	if err := setupOpen(db); err != nil {
		return time.Time{}, err
	}
	row, err := one[setupRow](db.Where("token_hash = ? AND expires_at > ?", ids.HashToken(token), s.db.Now()))
	if err == nil && row == nil {
		return time.Time{}, ErrSetupLink
	}
	if err != nil {
		return time.Time{}, err
	}
	return row.ExpiresAt, nil
}

// FirstAdmin is what the set-up page asks.
type FirstAdmin struct {
	Token        string
	Organisation string // 1–100 bytes
	Name         string // 1–100 bytes
	Email        string
	Locale       string
}

// SetUp names the company and makes its first administrator, in one transaction with burning the link: of many calls at
// once, one is the first. It returns field faults, ErrSetupClosed, ErrSetupLink. Writes audit "identity.set_up" or
// "identity.setup_refused".
func (s *Service) SetUp(ctx context.Context, in FirstAdmin, oldSession string) (Finished, error) {
	in.Organisation, in.Name = strings.TrimSpace(in.Organisation), strings.TrimSpace(in.Name)
	address, err := in.check()
	if err != nil {
		return Finished{}, err
	}
	if err := s.mayShowSetup(ctx); err != nil {
		return Finished{}, err
	}
	var (
		done    Finished
		refused error
	)
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		done, refused = Finished{}, nil
		if err := setupOpen(tx.DB); err != nil {
			return err
		}
		burnt, err := burnSetup(tx, in.Token)
		if err != nil {
			return err
		}
		if !burnt {
			refused = ErrSetupLink
			return s.audit.Record(tx, audit.Event{
				Name: "identity.setup_refused", Result: audit.Refused, Actor: audit.Actor{Kind: audit.KindOperator}, Target: setupRowID,
			})
		}
		done, err = s.makeFirst(tx, in, address, oldSession)
		return err
	})
	if err == nil {
		err = refused
	}
	return done, s.closedBy(ctx, err)
}

// closedBy tells those who came a moment too late what has happened: the link they hold is burnt because it was used.
func (s *Service) closedBy(ctx context.Context, err error) error {
	if err != ErrSetupLink { //nolint:errorlint // the very value from above
		return err
	}
	if open := setupOpen(s.db.Read(ctx)); open != nil {
		return open
	}
	return err
}

func (s *Service) makeFirst(tx *database.Tx, in FirstAdmin, address email.Address, oldSession string) (Finished, error) {
	if err := s.people.SetTenant(tx, directory.Tenant{Name: in.Organisation, LegalName: in.Organisation, ContactEmail: address.String()}); err != nil {
		return Finished{}, err
	}
	user, err := s.people.AddMember(tx, directory.NewMember{Name: in.Name, Mail: address, Locale: in.Locale, Roles: []string{RoleAdmin}})
	if err != nil {
		return Finished{}, err
	}
	token := s.ids.Token()
	p, err := s.newSession(tx, user, methodSetup, tokens{fresh: token, old: oldSession})
	if err != nil {
		return Finished{}, err
	}
	if err := s.people.SignedIn(tx, user.ID); err != nil {
		return Finished{}, err
	}
	event := audit.Event{Name: "identity.set_up", Actor: p.Actor(), Target: user.ID, Subject: s.audit.Subject(user.Address)}
	return Finished{Token: token, Principal: p, Next: firstPage(p)}, s.audit.Record(tx, event)
}

func (in FirstAdmin) check() (email.Address, error) {
	wrong := append(named("/organisation", in.Organisation), named("/name", in.Name)...)
	address, err := email.Parse(in.Email)
	if err != nil {
		wrong = append(wrong, fault.Field{Pointer: "/email", Code: "email_invalid"})
	}
	return address, fault.FieldsFault(wrong...)
}

// named is what is wrong with a name that must be there.
func named(pointer, value string) []fault.Field {
	switch {
	case value == "":
		return []fault.Field{{Pointer: pointer, Code: "field_missing"}}
	case len(value) > maxName:
		return []fault.Field{{Pointer: pointer, Code: "field_too_long", Params: map[string]string{"limit": strconv.Itoa(maxName)}}}
	default:
		return nil
	}
}

func (s *Service) mayShowSetup(ctx context.Context) error {
	ok, wait, err := s.limits.Spend(ctx, "setup:"+web.AddressKey(web.MetaOf(ctx).Address), setupsPerAddress)
	if err == nil && !ok {
		return ErrTooMany.RetryAfter(wait)
	}
	return err
}

// setupOpen is nil as long as nobody has set the house up. The tenant's row decides, and it is read afresh: what
// directory shows may be two seconds old.
func setupOpen(db *gorm.DB) error {
	var n int64
	if err := db.Table("identity_tenant").Count(&n).Error; err != nil {
		return fmt.Errorf("read tenant: %w", err)
	}
	if n > 0 {
		return ErrSetupClosed
	}
	return nil
}

// burnSetup uses the link up: one conditional statement, so that one caller alone gets true.
func burnSetup(tx *database.Tx, token string) (bool, error) {
	res := tx.Exec("DELETE FROM identity_setup WHERE token_hash = ? AND expires_at > ?", ids.HashToken(token), tx.Now)
	if res.Error != nil {
		return false, fmt.Errorf("burn set-up link: %w", res.Error)
	}
	return res.RowsAffected > 0, nil
}
