package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"time"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// settled is how old an event is when it is sealed. Acts end within a minute, and replicas' clocks differ by less than
// this: nothing comes to stand between sealed events any more, unless somebody puts it there.
const settled = 10 * time.Minute

// sealed is how many events one seal covers at most.
const sealed = 5000

// Seal is one link of the chain (security.md T105).
type Seal struct {
	Number   int `gorm:"primaryKey"` // 1, 2, 3, …
	LastID   string
	Events   int // from behind the last one of the seal before
	SealedAt time.Time
	Seal     []byte // HMAC-SHA256
}

// TableName is the table's.
func (Seal) TableName() string { return "audit_seals" }

// SealSettled puts seals on all events that are older than ten minutes and have none, and tells each seal. One caller at
// a time gets through; of two, the other has an error and nothing written.
func (l *Log) SealSettled(ctx context.Context, told func(Seal)) error {
	for {
		next, err := l.sealNext(ctx)
		if err != nil || next == nil {
			return err
		}
		told(*next)
	}
}

// sealNext makes the next seal; nil if there is nothing to seal.
func (l *Log) sealNext(ctx context.Context) (made *Seal, err error) {
	err = l.db.InTx(ctx, func(tx *database.Tx) error {
		var before Seal
		if err := tx.Order("number DESC").Limit(1).Find(&before).Error; err != nil {
			return fmt.Errorf("read the last seal: %w", err)
		}
		rows, err := between(tx.DB, before.LastID, ids.First(idPrefix, tx.Now.Add(-settled)), sealed)
		if err != nil || len(rows) == 0 {
			made = nil
			return err
		}
		chain := l.chain(before)
		for _, r := range rows {
			if err := chain.add(r); err != nil {
				return err
			}
		}
		made = &Seal{Number: before.Number + 1, LastID: rows[len(rows)-1].ID, Events: len(rows), SealedAt: tx.Now, Seal: chain.sum()}
		if err := tx.Create(made).Error; err != nil {
			return fmt.Errorf("write seal %d: %w", made.Number, err)
		}
		return nil
	})
	return made, err
}

// between reads at most limit events behind the id after and up to the id end, oldest first.
func between(db *gorm.DB, after, end string, limit int) ([]row, error) {
	var rows []row
	if err := db.Where("id > ? AND id <= ?", after, end).Order("id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read events to seal: %w", err)
	}
	return rows, nil
}

// chain hashes what one seal covers.
type chain struct{ mac hash.Hash }

// chain begins with the seal before.
func (l *Log) chain(before Seal) chain {
	c := chain{hmac.New(sha256.New, l.seal)}
	c.part(binary.BigEndian.AppendUint64(nil, uint64(before.Number)))
	c.part(before.Seal)
	return c
}

// add hashes everything that an event says. Times count in microseconds, which is what both databases keep.
func (c chain) add(r row) error {
	text, err := json.Marshal([]any{
		r.ID, r.At.UnixMicro(), r.Name, r.Result, r.ActorKind, r.ActorID, r.ActorName, r.Target, r.Subject, r.Address, r.RequestID, r.Data.V,
	})
	if err != nil {
		return fmt.Errorf("hash event %s: %w", r.ID, err)
	}
	c.part(text)
	return nil
}

// part goes with its length, so that no two rows of parts hash alike.
func (c chain) part(b []byte) {
	c.mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
	c.mac.Write(b)
}

func (c chain) sum() []byte { return c.mac.Sum(nil) }
