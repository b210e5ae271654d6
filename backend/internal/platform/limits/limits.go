package limits

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// sweepBatch is how many rows Sweep deletes at once: few enough that nobody waits for it.
const sweepBatch = 1000

// Budget is a token bucket. Both numbers must be positive.
type Budget struct {
	// Burst is how many may be taken at once from a bucket that has rested; at least 1.
	Burst int
	// Refill is the time after which one more may be taken; at least a microsecond.
	Refill time.Duration
}

func (b Budget) check(name string) {
	if b.Burst < 1 || b.Refill < time.Microsecond {
		panic(fmt.Sprintf("limits: the budget of %q must have a burst and a refill", name))
	}
}

// latest is the latest instant of being full again that has a token left, in microseconds.
func (b Budget) latest(now int64) int64 { return now + int64(b.Burst-1)*b.Refill.Microseconds() }

// Limits takes from budgets.
type Limits struct {
	db      *database.DB
	enabled bool
}

// New returns Limits that count in db, or that allow everything if enabled is false.
func New(db *database.DB, enabled bool) *Limits {
	if db == nil {
		panic("limits.New needs a database")
	}
	return &Limits{db: db, enabled: enabled}
}

// The bucket is kept as the instant at which it will be full again (the "generic cell rate algorithm"): taking one moves
// it Refill further, and it may be at most Burst·Refill away. The condition is that of one token left.
const take = `INSERT INTO limit_buckets (name, full_at) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE
SET full_at = CASE WHEN limit_buckets.full_at > ? THEN limit_buckets.full_at ELSE ? END + ?
WHERE limit_buckets.full_at <= ?`

// takeAll is take for many rows: what is offered for a new row (excluded) tells its refill, and each name has its latest.
const takeAll = ` ON CONFLICT (name) DO UPDATE
SET full_at = CASE WHEN limit_buckets.full_at > CAST(? AS bigint) THEN limit_buckets.full_at ELSE CAST(? AS bigint) END + excluded.full_at - CAST(? AS bigint)
WHERE limit_buckets.full_at <= CASE excluded.name`

// Take takes one token of the bucket called name, in tx. If none is left, ok is false, nothing is written, and
// retryAfter is the time until there is one.
func (l *Limits) Take(tx *database.Tx, name string, b Budget) (ok bool, retryAfter time.Duration, err error) {
	b.check(name)
	if !l.enabled {
		return true, 0, nil
	}
	now, refill := tx.Now.UnixMicro(), b.Refill.Microseconds()
	latest := b.latest(now)
	res := tx.Exec(take, name, now+refill, now, now, refill, latest)
	if res.Error != nil {
		return false, 0, fmt.Errorf("take from the budget: %w", res.Error)
	}
	if res.RowsAffected > 0 {
		return true, 0, nil
	}
	var fullAt int64
	if err := tx.Raw("SELECT full_at FROM limit_buckets WHERE name = ?", name).Scan(&fullAt).Error; err != nil {
		return false, 0, fmt.Errorf("read the budget: %w", err)
	}
	return false, time.Duration(max(fullAt-latest, 1)) * time.Microsecond, nil
}

// Charge is one token of the bucket called Name.
type Charge struct {
	Name string
	Budget
}

// TakeAll takes one token of every bucket, in one statement, or none of any: if one of them has none left, ok is false
// and retryAfter is the time until the emptiest has. No name may come twice.
func (l *Limits) TakeAll(tx *database.Tx, charges ...Charge) (ok bool, retryAfter time.Duration, err error) {
	if !l.enabled || len(charges) == 0 {
		return true, 0, nil
	}
	charges = slices.SortedFunc(slices.Values(charges), func(a, b Charge) int { return strings.Compare(a.Name, b.Name) }) // rows are locked in one order everywhere
	now := tx.Now.UnixMicro()
	var rows, latest []any
	for _, c := range charges {
		c.check(c.Name)
		rows = append(rows, c.Name, now+c.Refill.Microseconds())
		latest = append(latest, c.Name, c.latest(now))
	}
	n := len(charges)
	query := "INSERT INTO limit_buckets (name, full_at) VALUES (?, ?)" + strings.Repeat(", (?, ?)", n-1) + takeAll +
		strings.Repeat(" WHEN ? THEN CAST(? AS bigint)", n) + " END RETURNING name"
	taken, err := tx.Texts(query, slices.Concat(rows, []any{now, now, now}, latest)...)
	if err != nil {
		return false, 0, fmt.Errorf("take from %d budgets: %w", n, err)
	}
	if len(taken) == n {
		return true, 0, nil
	}
	return l.giveBack(tx, charges, taken)
}

// giveBack undoes what TakeAll has taken before one bucket was found empty, and says how long those have to wait.
func (l *Limits) giveBack(tx *database.Tx, charges []Charge, taken []string) (ok bool, retryAfter time.Duration, err error) {
	now := tx.Now.UnixMicro()
	for _, c := range charges {
		if slices.Contains(taken, c.Name) {
			err = tx.Exec("UPDATE limit_buckets SET full_at = full_at - ? WHERE name = ?", c.Refill.Microseconds(), c.Name).Error
		} else {
			var fullAt int64
			err = tx.Raw("SELECT full_at FROM limit_buckets WHERE name = ?", c.Name).Scan(&fullAt).Error
			retryAfter = max(retryAfter, time.Duration(max(fullAt-c.latest(now), 1))*time.Microsecond)
		}
		if err != nil {
			return false, 0, fmt.Errorf("give back to the budgets: %w", err)
		}
	}
	return false, retryAfter, nil
}

// Spend is Take in an act of its own: it counts whatever happens next.
func (l *Limits) Spend(ctx context.Context, name string, b Budget) (ok bool, retryAfter time.Duration, err error) {
	err = l.db.InTx(ctx, func(tx *database.Tx) error {
		ok, retryAfter, err = l.Take(tx, name, b)
		return err
	})
	return ok, retryAfter, err
}

// Refund gives a bucket all its tokens back, for instance when the person has proven themselves.
func (l *Limits) Refund(tx *database.Tx, name string) error {
	if err := tx.Exec("DELETE FROM limit_buckets WHERE name = ?", name).Error; err != nil {
		return fmt.Errorf("refund the budget: %w", err)
	}
	return nil
}

// Sweep deletes rows of full buckets, in batches, and says how many. Run it every hour.
func (l *Limits) Sweep(ctx context.Context) (deleted int64, err error) {
	for {
		var n int64
		err := l.db.InTx(ctx, func(tx *database.Tx) error {
			res := tx.Exec(`DELETE FROM limit_buckets WHERE name IN (SELECT name FROM limit_buckets WHERE full_at < ? LIMIT ?)`, tx.Now.UnixMicro(), sweepBatch)
			n = res.RowsAffected
			return res.Error
		})
		deleted += n
		if err != nil || n < sweepBatch {
			return deleted, err
		}
	}
}
