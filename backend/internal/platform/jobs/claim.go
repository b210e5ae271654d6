package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

const (
	// headOfLine is how many due jobs are looked through for some whose lane has room, before lanes are looked at one by
	// one: a backlog of one lane is not read again and again.
	headOfLine = 64
	// maxLanes is how many lanes are looked at when all of those are of full lanes.
	maxLanes = 1000
	// claimTries is how often a claim looks again when other replicas were faster.
	claimTries = 3
)

// claimRequest asks for up to n jobs of a kind for worker, and for no more than leave share of each lane.
type claimRequest struct {
	kind, worker string
	n, share     int
	claimed      map[string]int // by lane: what the worker has already; a private copy
}

// take counts a job of lane, unless the lane has its share. Jobs without a lane always may.
func (c *claimRequest) take(lane string) bool {
	if lane == "" {
		return true
	}
	if c.claimed == nil {
		c.claimed = map[string]int{}
	}
	if c.claimed[lane] >= c.share {
		return false
	}
	c.claimed[lane]++
	return true
}

func (c *claimRequest) full() (lanes []string) {
	for lane, n := range c.claimed {
		if lane != "" && n >= c.share {
			lanes = append(lanes, lane)
		}
	}
	return lanes
}

// claimed is a row of jobs as a claim reads it.
type claimed struct {
	ID       string
	Lane     string
	Payload  database.JSON[json.RawMessage]
	Attempts int
	Fence    int64
	About    string
	RunAt    time.Time
}

func (c claimed) hold(kind string) *hold {
	return &hold{lane: c.Lane, Run: Run{
		ID: c.ID, Kind: kind, Payload: c.Payload.V, Attempt: c.Attempts, Fence: c.Fence, About: c.About, done: new(atomic.Bool),
	}}
}

// claim leases due jobs. more says that there may be further ones, now or when a lane has room again.
func claim(ctx context.Context, db *database.DB, c claimRequest) (holds []*hold, more bool, err error) {
	for range claimTries {
		afresh := c
		afresh.claimed = maps.Clone(c.claimed)
		var lost bool
		if holds, more, lost, err = claimOnce(ctx, db, afresh); err != nil || !lost {
			break
		}
	}
	return holds, more, err
}

// claimOnce looks without a transaction and then takes what nobody else has taken meanwhile, so that looking never keeps
// a writer waiting. lost says that another replica has taken everything that was picked.
func claimOnce(ctx context.Context, db *database.DB, c claimRequest) (holds []*hold, more, lost bool, err error) {
	full := c.full()
	candidates, err := lookAhead(ctx, db, c, full)
	if err != nil {
		return nil, false, false, fmt.Errorf("look for jobs: %w", err)
	}
	var picked []string
	for _, candidate := range candidates {
		if len(picked) < c.n && c.take(candidate.Lane) {
			picked = append(picked, candidate.ID)
		}
	}
	more = len(full) > 0 || len(candidates) >= 2*c.n || len(picked) < len(candidates)
	if len(picked) == 0 {
		return nil, more, false, nil
	}
	var rows []claimed
	err = db.InTx(ctx, func(tx *database.Tx) error { return lease(tx, c.worker, picked, &rows) })
	if err != nil {
		return nil, false, false, fmt.Errorf("claim jobs: %w", err)
	}
	slices.SortFunc(rows, func(a, b claimed) int { return slices.Index(picked, a.ID) - slices.Index(picked, b.ID) })
	for _, row := range rows {
		holds = append(holds, row.hold(c.kind))
	}
	return holds, more || len(rows) < len(picked), len(rows) == 0, nil
}

const (
	due = ` FROM jobs WHERE state = 'waiting' AND kind = ?`
	// lanesOf walks from lane to lane by index, however many jobs each one has.
	lanesOf = `WITH RECURSIVE lanes (lane) AS (
	SELECT min(lane)` + due + ` AND lane <> ''
	UNION ALL
	SELECT (SELECT min(jobs.lane)` + due + ` AND jobs.lane <> '' AND jobs.lane > lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL
) SELECT lane FROM lanes WHERE lane IS NOT NULL AND lane NOT IN ? LIMIT `
)

// oldest orders and bounds. The bound is in the text: SQLite compiles a statement anew for every bound LIMIT.
func oldest(limit int) string { return ` ORDER BY run_at, id LIMIT ` + strconv.Itoa(limit) }

// lookAhead lists due jobs, oldest first: twice as many as are wanted, because some will be of lanes that have their
// share. If the whole head of the line is of full lanes, it looks at the other lanes.
func lookAhead(ctx context.Context, db *database.DB, c claimRequest, full []string) (found []claimed, err error) {
	read, now, window := db.Read(ctx), db.Now(), 2*c.n
	if len(full) == 0 {
		err = read.Raw(`SELECT id, lane`+due+` AND run_at <= ?`+oldest(window), c.kind, now).Scan(&found).Error
		return found, err
	}
	err = read.Raw(`SELECT id, lane FROM (SELECT id, lane, run_at`+due+` AND run_at <= ?`+oldest(headOfLine)+`) AS head WHERE lane NOT IN ?`+oldest(window),
		c.kind, now, full).Scan(&found).Error
	if err != nil || len(found) > 0 {
		return found, err
	}
	var lanes []string
	if err = read.Raw(lanesOf+strconv.Itoa(maxLanes), c.kind, c.kind, full).Scan(&lanes).Error; err != nil || len(lanes) == 0 {
		return nil, err
	}
	err = read.Raw(`SELECT id, lane`+due+` AND lane <> '' AND lane IN ? AND run_at <= ?`+oldest(window), c.kind, lanes, now).Scan(&found).Error
	return found, err
}

// lease takes those of the picked jobs that are still waiting.
func lease(tx *database.Tx, worker string, picked []string, rows *[]claimed) error {
	where := `id IN ? AND state = 'waiting'`
	if tx.Dialect() == database.Postgres {
		where = `id IN (SELECT id FROM jobs WHERE ` + where + ` FOR UPDATE SKIP LOCKED)`
	}
	*rows = nil // afresh if the act is run again
	return tx.Raw(`UPDATE jobs SET state = 'running', again = FALSE, held = FALSE, locked_by = ?, locked_until = ?, attempts = attempts + 1, fence = fence + 1
WHERE `+where+` RETURNING id, lane, payload, attempts, fence, about, run_at`, worker, tx.Now.Add(leaseTime), picked).Scan(rows).Error
}
