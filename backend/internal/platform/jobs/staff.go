package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

// ErrNotDead refuses a retry of a job that is not dead, or that a newer one with the same key has replaced.
var ErrNotDead = fault.New(fault.Conflict, "job_not_dead", "This job is not waiting for another try. Load the list again.")

const maxPage = 200

// DeadJob is a job that needs a person.
type DeadJob struct {
	ID        string
	Kind      string
	About     string
	Attempts  int
	LastError string // without e-mail addresses, unless the handler hid one well
	CreatedAt time.Time
	DeadAt    time.Time
}

// Dead lists dead jobs, newest first, from the one after the id after ("" for the first page); limit is 1–200.
func (q *Queue) Dead(ctx context.Context, after string, limit int) ([]DeadJob, error) {
	query := q.db.Read(ctx).Table("jobs").Where("state = 'dead'").Order("id DESC").Limit(min(max(limit, 1), maxPage))
	if after != "" {
		query = query.Where("id < ?", after)
	}
	var out []DeadJob
	if err := query.Find(&out).Error; err != nil {
		return nil, fmt.Errorf("list dead jobs: %w", err)
	}
	return out, nil
}

// Held counts the jobs that wait because a budget is used up.
func (q *Queue) Held(ctx context.Context) (n int64, err error) {
	if err := q.db.Read(ctx).Raw("SELECT count(*) FROM jobs WHERE held").Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count held jobs: %w", err)
	}
	return n, nil
}

// Retry gives a dead job all its attempts again, from now. It returns ErrNotDead if there is nothing to retry.
func (q *Queue) Retry(tx *database.Tx, id string) error {
	var kinds []string
	err := tx.Raw(waiting+`, dead_at = NULL, attempts = 0, run_at = ?
WHERE id = ? AND state = 'dead' AND NOT EXISTS (
	SELECT 1 FROM jobs AS other WHERE other.kind = jobs.kind AND other.unique_key = jobs.unique_key AND other.state <> 'dead')
RETURNING kind`, tx.Now, id).Scan(&kinds).Error
	if err != nil {
		return fmt.Errorf("retry a job: %w", err)
	}
	if len(kinds) == 0 {
		return ErrNotDead
	}
	tx.AfterCommit(func() { q.wakeFor(kinds[0], "") })
	return nil
}

// KindHealth counts the jobs of a kind.
type KindHealth struct {
	Kind    string
	Waiting int64
	Running int64
	Dead    int64
	// OldestDue is when the longest waiting due job should have run; zero if none is due.
	OldestDue time.Time
}

// Health counts jobs by kind, in the order of kinds. Kinds without jobs are left out.
func (q *Queue) Health(ctx context.Context) ([]KindHealth, error) {
	var rows []struct {
		Kind      string
		Waiting   int64
		Running   int64
		Dead      int64
		OldestDue *time.Time
	}
	err := q.db.Read(ctx).Raw(`SELECT kind,
	sum(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END) AS waiting,
	sum(CASE WHEN state = 'running' THEN 1 ELSE 0 END) AS running,
	sum(CASE WHEN state = 'dead' THEN 1 ELSE 0 END) AS dead,
	min(CASE WHEN state = 'waiting' AND run_at <= ? THEN run_at END) AS oldest_due
FROM jobs GROUP BY kind ORDER BY kind`, q.db.Now()).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	out := make([]KindHealth, len(rows))
	for i, r := range rows {
		out[i] = KindHealth{Kind: r.Kind, Waiting: r.Waiting, Running: r.Running, Dead: r.Dead}
		if r.OldestDue != nil {
			out[i].OldestDue = *r.OldestDue
		}
	}
	return out, nil
}
