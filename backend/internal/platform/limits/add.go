package limits

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Add takes one token of every bucket whatever is left, in one statement, for what has happened already. It returns, in
// the order of the charges, how long each bucket has to wait until it has a token again; 0 where it has one. No name may
// come twice.
func (l *Limits) Add(tx *database.Tx, charges ...Charge) (waits []time.Duration, err error) {
	waits = make([]time.Duration, len(charges))
	if !l.enabled || len(charges) == 0 {
		return waits, nil
	}
	ordered := slices.SortedFunc(slices.Values(charges), func(a, b Charge) int { return strings.Compare(a.Name, b.Name) }) // as TakeAll
	now := tx.Now.UnixMicro()
	var values []any
	for _, c := range ordered {
		c.check(c.Name)
		values = append(values, c.Name, now+c.Refill.Microseconds())
	}
	var rows []struct {
		Name   string
		FullAt int64
	}
	query := "INSERT INTO limit_buckets (name, full_at) VALUES (?, ?)" + strings.Repeat(", (?, ?)", len(ordered)-1) + ` ON CONFLICT (name) DO UPDATE
SET full_at = CASE WHEN limit_buckets.full_at > CAST(? AS bigint) THEN limit_buckets.full_at ELSE CAST(? AS bigint) END + excluded.full_at - CAST(? AS bigint)
RETURNING name, full_at`
	if err := tx.Raw(query, append(values, now, now, now)...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("add to %d budgets: %w", len(charges), err)
	}
	for i, c := range charges {
		for _, row := range rows {
			if row.Name == c.Name {
				waits[i] = time.Duration(max(row.FullAt-c.latest(now), 0)) * time.Microsecond
			}
		}
	}
	return waits, nil
}
