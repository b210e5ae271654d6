package approval

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// lockRequest reads a request to change it. On PostgreSQL the row is locked; on SQLite the writer is alone anyway.
func lockRequest(tx *database.Tx, where string, arg any) (*Request, error) {
	query := tx.Where(where, arg)
	if tx.Dialect() == database.Postgres {
		query = query.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	var r Request
	if err := query.Take(&r).Error; err != nil {
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil, ErrNotFound
		}
		return nil, fmt.Errorf("read request: %w", err)
	}
	return &r, nil
}

// liveStates are those of the index requests_live, which holds that an address has one at most in a flow.
var liveStates = []State{"submitted", Pending, NeedsInfo, Approved, "provisioning"}

// saveRequest writes everything that a step may have changed, and counts the change.
func saveRequest(tx *database.Tx, r *Request) error {
	r.Version++
	r.UpdatedAt = tx.Now
	if err := tx.Later(func(db *gorm.DB) *gorm.DB { return db.Save(r) }); err != nil {
		return fmt.Errorf("save request: %w", err)
	}
	return nil
}

// insertDecision returns false, and writes nothing, if the stage is decided already (index approval_decisions_once).
func insertDecision(tx *database.Tx, d *decision) (bool, error) {
	res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(d)
	if res.Error != nil {
		return false, fmt.Errorf("insert decision: %w", res.Error)
	}
	return res.RowsAffected == 1, nil
}

func moveBucket(tx *database.Tx, r *Request, stage int, bucket string, at time.Time) error {
	err := tx.Model(&assignment{}).Where("request_id = ? AND stage = ?", r.ID, stage).
		Updates(map[string]any{"bucket": bucket, "sort_at": at}).Error
	if err != nil {
		return fmt.Errorf("move request between lists: %w", err)
	}
	return nil
}

// moveAllBuckets ends every stage's wait.
func moveAllBuckets(tx *database.Tx, r *Request, at time.Time) error {
	err := tx.Model(&assignment{}).Where("request_id = ? AND bucket <> ?", r.ID, bucketDone).
		Updates(map[string]any{"bucket": bucketDone, "sort_at": at}).Error
	if err != nil {
		return fmt.Errorf("close request's lists: %w", err)
	}
	return nil
}

// assignedStages are the stages that approver decides of this request; none means it is not theirs to see.
func assignedStages(db *gorm.DB, requestID, approverID string) ([]int, error) {
	var stages []int
	err := db.Model(&assignment{}).Where("request_id = ? AND approver_id = ?", requestID, approverID).
		Order("stage").Pluck("stage", &stages).Error
	return stages, err
}

// hasApproved says whether the decider has approved an earlier stage of the request. Old decisions do not say which key
// it was: they count as every key's.
func hasApproved(tx *database.Tx, requestID string, by Decider) (bool, error) {
	var n int64
	err := tx.Model(&decision{}).Where("request_id = ? AND approver_id IN ? AND decision = ?", requestID, []string{by.ID, by.actorID()}, Approve).Count(&n).Error
	return n > 0, err
}

func approverIDs(tx *database.Tx, requestID string, stage int) ([]string, error) {
	var ids []string
	err := tx.Model(&assignment{}).Where("request_id = ? AND stage = ? AND approver_id <> ?", requestID, stage, everyKey).
		Order("approver_id").Pluck("approver_id", &ids).Error
	return ids, err
}

func insertMessage(tx *database.Tx, m *Message) error {
	if err := tx.Later(func(db *gorm.DB) *gorm.DB { return db.Create(m) }); err != nil {
		return fmt.Errorf("insert message: %w", err)
	}
	return nil
}

func insertLink(tx *database.Tx, l *link) error {
	if err := tx.Later(func(db *gorm.DB) *gorm.DB { return db.Create(l) }); err != nil {
		return fmt.Errorf("insert decide link: %w", err)
	}
	return nil
}

// lapsedRequests are the ids of at most limit requests whose time to decide is over.
func lapsedRequests(db *gorm.DB, now time.Time, limit int) ([]string, error) {
	var found []string
	err := db.Model(&Request{}).Where("state IN ? AND expires_at < ?", []State{"submitted", Pending, NeedsInfo}, now).
		Order("expires_at").Limit(limit).Pluck("id", &found).Error
	return found, err
}

// CountByState counts all requests. It reads a whole index: ask once a minute at most.
func (s *Service) CountByState(ctx context.Context) (map[State]int64, error) {
	var rows []struct {
		State State
		N     int64
	}
	if err := s.db.Read(ctx).Raw("SELECT state, count(*) AS n FROM requests GROUP BY state").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count requests: %w", err)
	}
	counts := map[State]int64{}
	for _, r := range rows {
		counts[r.State] = r.N
	}
	return counts, nil
}
