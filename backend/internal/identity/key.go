package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// keyPrefix begins every API key, so that scanners of leaked secrets know it.
const keyPrefix = "vst_"

// maxName is the longest name of a key, a company or a person that this room takes, in bytes.
const maxName = 100

// Scopes are all that a key can be given: those of x-scope in the contract. A test compares them.
var Scopes = []string{"flows:read", "guests:read", "operations:read", "operations:write", "requests:decide", "requests:read"}

// apiKey is a row of identity_api_keys.
type apiKey struct {
	ID         string
	Name       string
	TokenHash  []byte
	Scopes     database.JSON[[]string]
	CreatedAt  time.Time
	ExpiresAt  *time.Time
	LastUsedAt *time.Time
	RevokedAt  *time.Time
}

func (apiKey) TableName() string { return "identity_api_keys" }

// alive says whether the key may be used at now.
func (k *apiKey) alive(now time.Time) bool {
	return k.RevokedAt == nil && (k.ExpiresAt == nil || now.Before(*k.ExpiresAt))
}

// APIKey is a key as it is listed; the key itself is shown once, when it is made.
type APIKey struct {
	ID         string
	Name       string
	Scopes     []string
	CreatedAt  time.Time
	ExpiresAt  *time.Time // nil: never
	LastUsedAt *time.Time
	RevokedAt  *time.Time
}

// NewKey asks for a key.
type NewKey struct {
	Name      string     // 1–100 bytes
	Scopes    []string   // at least one of Scopes
	ExpiresAt *time.Time // nil: never
}

// CreateKey makes a key and tells it, this once. It returns ErrScopeUnknown, or a field fault for a missing name or
// scope. Writes audit "identity.key_created".
func (s *Service) CreateKey(ctx context.Context, in NewKey) (key APIKey, token string, err error) {
	if err := in.check(); err != nil {
		return APIKey{}, "", err
	}
	token = keyPrefix + s.ids.Token()
	row := apiKey{ID: s.ids.New("key"), Name: in.Name, TokenHash: ids.HashToken(token), ExpiresAt: in.ExpiresAt}
	row.Scopes.V = slices.Compact(slices.Sorted(slices.Values(in.Scopes)))
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		row.CreatedAt = tx.Now
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("insert API key: %w", err)
		}
		return s.audit.Record(tx, audit.Event{Name: "identity.key_created", Target: row.ID, Data: map[string]any{"name": row.Name, "scopes": row.Scopes.V}})
	})
	return row.shown(), token, err
}

func (in NewKey) check() error {
	missing := named("/name", in.Name)
	if len(in.Scopes) == 0 {
		missing = append(missing, fault.Field{Pointer: "/scopes", Code: "field_missing"})
	}
	for _, scope := range in.Scopes {
		if !slices.Contains(Scopes, scope) {
			return ErrScopeUnknown.With("scope", scope).With("known", strings.Join(Scopes, ", "))
		}
	}
	return fault.FieldsFault(missing...)
}

// APIKeys lists all keys, newest first, at most 1,000.
func (s *Service) APIKeys(ctx context.Context) ([]APIKey, error) {
	var rows []apiKey
	if err := s.db.Read(ctx).Order("id DESC").Limit(1000).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	keys := make([]APIKey, len(rows))
	for i := range rows {
		keys[i] = rows[i].shown()
	}
	return keys, nil
}

// RevokeKey ends a key at once, on every replica. It returns ErrKeyUnknown for one that is not there or revoked already.
// Writes audit "identity.key_revoked".
func (s *Service) RevokeKey(ctx context.Context, id string) error {
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		res := tx.Exec("UPDATE identity_api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", tx.Now, id)
		if res.Error != nil {
			return fmt.Errorf("revoke API key: %w", res.Error)
		}
		if res.RowsAffected == 0 {
			return ErrKeyUnknown
		}
		return s.audit.Record(tx, audit.Event{Name: "identity.key_revoked", Target: id})
	})
}

// Key is the program that shows the key. It returns ErrKeyInvalid for everything that is no living key. Keys are found
// by their hash, so that no comparison tells how much of one was right.
func (s *Service) Key(ctx context.Context, token string) (Principal, error) {
	if !strings.HasPrefix(token, keyPrefix) || len(token) > maxCookie {
		return Principal{}, ErrKeyInvalid
	}
	row, err := one[apiKey](s.db.Read(ctx).Where("token_hash = ?", ids.HashToken(token)))
	if err != nil {
		return Principal{}, err
	}
	now := s.db.Now()
	if row == nil || !row.alive(now) {
		return Principal{}, ErrKeyInvalid
	}
	if row.LastUsedAt == nil || now.Sub(*row.LastUsedAt) >= seenEvery {
		s.used(ctx, row.ID)
	}
	return Principal{Kind: KindAPIKey, KeyID: row.ID, Name: row.Name, Scopes: row.Scopes.V}, nil
}

// used notes that the key is in use. A database that cannot write now does not keep programs from reading.
func (s *Service) used(ctx context.Context, id string) {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		return tx.Exec("UPDATE identity_api_keys SET last_used_at = ? WHERE id = ?", tx.Now, id).Error
	})
	if err != nil {
		s.log.WarnContext(ctx, "API key was not noted as used", "key", id, "error", err)
	}
}

func (k *apiKey) shown() APIKey {
	return APIKey{
		ID: k.ID, Name: k.Name, Scopes: k.Scopes.V, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt,
	}
}
