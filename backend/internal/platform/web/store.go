package web

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// claim is a row of idempotency_keys, as far as it is the caller's.
type claim struct {
	Scope, Name string
	Fingerprint []byte
	until       time.Time // how long this process holds the key
}

// bound ties a sealed answer to its row.
func (c claim) bound() []byte { return []byte(c.Scope + "\x00" + c.Name) }

// claimKey takes the key for c, and sets c.until; or returns the sealed first answer; or errKeyReused or errKeyRunning.
func claimKey(ctx context.Context, db *database.DB, c *claim) (sealed []byte, err error) {
	err = db.InTx(ctx, func(tx *database.Tx) error {
		sealed = nil
		c.until = tx.Now.Add(holdKey)
		if err := tx.Exec(`DELETE FROM idempotency_keys WHERE scope = ? AND name = ? AND expires_at <= ?`,
			c.Scope, c.Name, tx.Now).Error; err != nil {
			return fmt.Errorf("drop expired idempotency key: %w", err)
		}
		res := tx.Exec(`INSERT INTO idempotency_keys (scope, name, fingerprint, status, locked_until, created_at, expires_at)
			VALUES (?, ?, ?, 0, ?, ?, ?) ON CONFLICT (scope, name) DO NOTHING`,
			c.Scope, c.Name, c.Fingerprint, c.until, tx.Now, tx.Now.Add(keepAnswers))
		if res.Error != nil || res.RowsAffected == 1 {
			return wrap("take idempotency key", res.Error)
		}
		sealed, err = c.taken(tx)
		return err
	})
	return sealed, err //nolint:wrapcheck // a fault, or wrapped above
}

// taken decides about a key that is there already.
func (c *claim) taken(tx *database.Tx) ([]byte, error) {
	var row struct {
		Fingerprint []byte
		Status      int
		Body        []byte
	}
	err := tx.Raw(`SELECT fingerprint, status, body FROM idempotency_keys WHERE scope = ? AND name = ?`, c.Scope, c.Name).Scan(&row).Error
	if err != nil {
		return nil, fmt.Errorf("read idempotency key: %w", err)
	}
	if subtle.ConstantTimeCompare(row.Fingerprint, c.Fingerprint) != 1 {
		return nil, errKeyReused
	}
	if row.Status != 0 {
		return row.Body, nil
	}
	res := tx.Exec(`UPDATE idempotency_keys SET locked_until = ? WHERE scope = ? AND name = ? AND status = 0 AND locked_until <= ?`,
		c.until, c.Scope, c.Name, tx.Now)
	if res.Error != nil {
		return nil, fmt.Errorf("take over idempotency key: %w", res.Error)
	}
	if res.RowsAffected == 0 {
		return nil, errKeyRunning.RetryAfter(time.Second)
	}
	return nil, nil
}

// storeAnswer keeps the answer, unless the hold was lost to another try.
func storeAnswer(ctx context.Context, db *database.DB, c claim, status int, sealed []byte) error {
	return db.InTx(ctx, func(tx *database.Tx) error {
		return wrap("store answer", tx.Exec(`UPDATE idempotency_keys SET status = ?, body = ?
			WHERE scope = ? AND name = ? AND status = 0 AND locked_until = ?`, status, sealed, c.Scope, c.Name, c.until).Error)
	})
}

// releaseKey forgets a key whose request did not succeed.
func releaseKey(ctx context.Context, db *database.DB, c claim) error {
	return db.InTx(ctx, func(tx *database.Tx) error {
		return wrap("release idempotency key", tx.Exec(`DELETE FROM idempotency_keys
			WHERE scope = ? AND name = ? AND status = 0 AND locked_until = ?`, c.Scope, c.Name, c.until).Error)
	})
}

// PurgeIdempotency deletes keys whose day is over. Run it now and then; it is housekeeping only.
func PurgeIdempotency(ctx context.Context, db *database.DB) error {
	return db.InTx(ctx, func(tx *database.Tx) error {
		return wrap("purge idempotency keys", tx.Exec(`DELETE FROM idempotency_keys WHERE expires_at <= ?`, tx.Now).Error)
	})
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
