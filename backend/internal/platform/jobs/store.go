package jobs

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// insert adds a waiting job. A live one with the same kind and key stays: it takes the newer payload, and if it is
// running it will run again.
func insert(tx *database.Tx, id string, j Job, payload string) error {
	return tx.Later(func(db *gorm.DB) *gorm.DB {
		if j.Key == "" {
			return db.Exec(`INSERT INTO jobs (id, kind, lane, about, payload, run_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
				id, j.Kind, j.Queue, j.About, payload, j.RunAt, tx.Now)
		}
		return db.Exec(`INSERT INTO jobs (id, kind, unique_key, lane, about, payload, run_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL AND state <> 'dead' DO UPDATE
SET payload = excluded.payload, again = (jobs.state = 'running'),
	run_at = CASE WHEN jobs.state = 'running' THEN excluded.run_at ELSE jobs.run_at END`,
			id, j.Kind, j.Key, j.Queue, j.About, payload, j.RunAt, tx.Now)
	})
}

const (
	leased  = ` WHERE id = ? AND fence = ? AND state = 'running'`
	waiting = `UPDATE jobs SET state = 'waiting', locked_by = NULL, locked_until = NULL`
)

// finish deletes the job, or lets it run again if it was asked for meanwhile.
func finish(tx *database.Tx, r Run) error {
	done, err := tx.Texts(`DELETE FROM jobs`+leased+` AND NOT again RETURNING id`, r.ID, r.Fence)
	if err == nil && len(done) == 0 {
		done, err = tx.Texts(waiting+`, again = FALSE, attempts = 0, last_error = ''`+leased+` AND again RETURNING id`, r.ID, r.Fence)
	}
	return oneRow(int64(len(done)), err, "finish the job")
}

// postpone gives the job back until at, with the reason.
func postpone(tx *database.Tx, r Run, at time.Time, reason string) error {
	res := tx.Exec(waiting+`, run_at = ?, last_error = ?`+leased, at, reason, r.ID, r.Fence)
	return oneRow(res.RowsAffected, res.Error, "postpone the job")
}

// holdBack gives back until at a job that nothing was tried with.
func holdBack(tx *database.Tx, r Run, at time.Time, why string) error {
	res := tx.Exec(waiting+`, held = TRUE, attempts = attempts - 1, run_at = ?, last_error = ?`+leased, at, why, r.ID, r.Fence)
	return oneRow(res.RowsAffected, res.Error, "hold the job back")
}

// release gives back a job that nothing was tried with.
func release(tx *database.Tx, r Run) error {
	res := tx.Exec(waiting+`, attempts = attempts - 1`+leased, r.ID, r.Fence)
	return oneRow(res.RowsAffected, res.Error, "release the job")
}

// releaseAll gives back jobs that nothing was tried with; those that were taken over meanwhile stay as they are.
func releaseAll(tx *database.Tx, holds []*hold) error {
	for _, h := range holds {
		err := tx.Later(func(db *gorm.DB) *gorm.DB { return db.Exec(waiting+`, attempts = attempts - 1`+leased, h.ID, h.Fence) })
		if err != nil {
			return fmt.Errorf("release jobs: %w", err)
		}
	}
	return nil
}

// bury marks the job dead. An older dead one with the same key has been overtaken by it.
func bury(tx *database.Tx, r Run, reason string) error {
	res := tx.Exec(`UPDATE jobs SET state = 'dead', locked_by = NULL, locked_until = NULL, dead_at = ?, last_error = ?`+leased, tx.Now, reason, r.ID, r.Fence)
	if err := oneRow(res.RowsAffected, res.Error, "bury the job"); err != nil {
		return err
	}
	err := tx.Exec(`DELETE FROM jobs WHERE state = 'dead' AND kind = ? AND id <> ? AND unique_key = (SELECT unique_key FROM jobs WHERE id = ?)`, r.Kind, r.ID, r.ID).Error
	if err != nil {
		return fmt.Errorf("bury the job: %w", err)
	}
	return nil
}

// extend lengthens the leases that worker still holds, and returns the fences of those, by job.
func extend(tx *database.Tx, worker string, jobs []string) (map[string]int64, error) {
	var rows []claimed
	err := tx.Raw(`UPDATE jobs SET locked_until = ? WHERE id IN ? AND locked_by = ? AND state = 'running' RETURNING id, fence`,
		tx.Now.Add(leaseTime), jobs, worker).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("extend leases: %w", err)
	}
	out := make(map[string]int64, len(rows))
	for _, row := range rows {
		out[row.ID] = row.Fence
	}
	return out, nil
}

// reclaim takes back jobs whose lease has run out, and says how many.
func reclaim(tx *database.Tx) (int64, error) {
	res := tx.Exec(waiting+`, last_error = 'The worker stopped in the middle.' WHERE state = 'running' AND locked_until < ?`, tx.Now)
	if res.Error != nil {
		return 0, fmt.Errorf("take back jobs: %w", res.Error)
	}
	return res.RowsAffected, nil
}

// advance moves a periodic job's next instant; false means that another replica was faster or that it is not time. A
// row that lies more than an interval ahead was written by a clock that has been put right since.
func advance(tx *database.Tx, kind string, interval time.Duration) (bool, error) {
	next := tx.Now.Add(interval)
	res := tx.Exec(`UPDATE job_schedules SET next_at = ? WHERE kind = ? AND (next_at <= ? OR next_at > ?)`, next, kind, tx.Now, next)
	if res.Error == nil && res.RowsAffected == 0 {
		res = tx.Exec(`INSERT INTO job_schedules (kind, next_at) VALUES (?, ?) ON CONFLICT (kind) DO NOTHING`, kind, next)
	}
	if res.Error != nil {
		return false, fmt.Errorf("schedule %s: %w", kind, res.Error)
	}
	return res.RowsAffected > 0, nil
}

func oneRow(n int64, err error, doing string) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", doing, err)
	case n == 0:
		return ErrFenced
	}
	return nil
}
