package approval

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// Queue asks for one page of an approver's list.
type Queue struct {
	Bucket string // waiting, asked or done
	Flow   string // slug, or empty for all
	Search string // as typed
	After  *Position
	Limit  int // 1–100
}

// Position is where a page ended: the sort moment and the request's id make it unique.
type Position struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

type queued struct {
	Request
	SortAt time.Time
}

const lastTurn = `NOT EXISTS (SELECT 1 FROM approval_assignments AS b
	WHERE b.request_id = a.request_id AND b.approver_id = a.approver_id AND b.bucket = a.bucket AND b.stage > a.stage)`

// listed are the columns of requests that a list shows. The others are long (the answers above all), and reading fifty
// of them costs more than finding them.
const listed = `requests.id, requests.reference, requests.state, requests.mail, requests.name, requests.organisation,
	requests.job_title, requests.locale, requests.flow_slug, requests.flow_title, requests.flow_version, requests.purpose,
	requests.submitted_at, requests.due_at, requests.expires_at, requests.decided_at, requests.decided_by_name,
	requests.risk, requests.stage, requests.stages, a.sort_at`

// scan reads a row of listed.
func (q *queued) scan(rows *sql.Rows) error {
	return rows.Scan(&q.ID, &q.Reference, &q.State, &q.Mail, &q.Name, &q.Organisation,
		&q.JobTitle, &q.Locale, &q.FlowSlug, &q.FlowTitle, &q.FlowVersion, &q.Purpose,
		&q.SubmittedAt, &q.DueAt, &q.ExpiresAt, &q.DecidedAt, &q.DecidedByName,
		&q.Risk, &q.Stage, &q.Stages, &q.SortAt)
}

// read is every row that query finds.
func read(query *gorm.DB) (found []queued, err error) {
	rows, err := query.Rows()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var one queued
		if err := one.scan(rows); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

// List is one page of what by may decide (waiting, asked; due first) or could have decided (done; newest first), and
// where the next page begins, or nil. It costs the same at every page: one range of approval_assignments_queue. Of each
// request only what a list shows is read (listed).
func (s *Service) List(ctx context.Context, by Decider, q Queue) ([]Request, *Position, error) {
	db := s.db.Read(ctx)
	reference, known := ids.ParseReference(q.Search)
	m := s.match(q.Search)
	var rows []queued
	var err error
	switch {
	case known:
		rows, err = read(q.page(q.part(db, by).Where("requests.reference = ?", reference)))
	case m.condition == "":
		rows, err = read(q.page(q.part(db, by)))
	default:
		rows, err = s.search(db, by, q, m)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list approvals: %w", err)
	}
	return page(rows, q.Limit)
}

// part is by's list from where the page begins.
func (q Queue) part(db *gorm.DB, by Decider) *gorm.DB {
	query := db.Table("approval_assignments AS a").Select(listed).Joins("JOIN requests ON requests.id = a.request_id").
		Where("a.approver_id = ? AND a.bucket = ?", by.ID, q.Bucket)
	return q.from(query)
}

// from leaves of query what the page is taken from.
func (q Queue) from(query *gorm.DB) *gorm.DB {
	if q.Flow != "" {
		query = query.Where("a.flow_slug = ?", q.Flow)
	}
	if q.After != nil && q.Bucket == bucketDone {
		query = query.Where("(a.sort_at, a.request_id) < (?, ?)", q.After.At, q.After.ID)
	} else if q.After != nil {
		query = query.Where("(a.sort_at, a.request_id) > (?, ?)", q.After.At, q.After.ID)
	}
	return query
}

func (q Queue) order() string {
	if q.Bucket == bucketDone {
		return "a.sort_at DESC, a.request_id DESC"
	}
	return "a.sort_at, a.request_id"
}

// page cuts the page off query, and a row more. An approver of two stages has a decided request once, on every page.
func (q Queue) page(query *gorm.DB) *gorm.DB {
	if q.Bucket == bucketDone {
		query = query.Where(lastTurn)
	}
	return query.Order(q.order()).Limit(q.Limit + 1)
}

func page(rows []queued, limit int) (found []Request, next *Position, err error) {
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		next = &Position{At: last.SortAt, ID: last.ID}
	}
	for _, row := range rows {
		found = append(found, row.Request)
	}
	return found, next, nil
}

// maxEstimate is where counting stops: beyond it the number no longer helps anybody.
const maxEstimate = 1000

// Estimate is how many requests are in a list, up to maxEstimate.
func (s *Service) Estimate(ctx context.Context, by Decider, bucket string) (int, error) {
	var n int64
	err := s.db.Read(ctx).Raw("SELECT count(*) FROM (SELECT 1 FROM approval_assignments WHERE approver_id = ? AND bucket = ? LIMIT ?) AS found",
		by.ID, bucket, maxEstimate).Scan(&n).Error
	return int(n), err
}

// ForApprover is the request if by is one of its approvers, else ErrNotFound.
func (s *Service) ForApprover(ctx context.Context, id string, by Decider) (*Request, error) {
	r, err := s.byColumn(ctx, "id", id)
	if err != nil {
		return nil, err
	}
	stages, err := assignedStages(s.db.Read(ctx), r.ID, by.ID)
	if err != nil {
		return nil, err
	}
	if len(stages) == 0 {
		return nil, ErrNotFound
	}
	return r, nil
}

// ByReference is the request with this reference, or ErrNotFound. The caller decides who may see it.
func (s *Service) ByReference(ctx context.Context, reference string) (*Request, error) {
	canonical, ok := ids.ParseReference(reference)
	if !ok {
		return nil, ErrNotFound
	}
	return s.byColumn(ctx, "reference", canonical)
}

// ByID is the request with this id, or ErrNotFound.
func (s *Service) ByID(ctx context.Context, id string) (*Request, error) {
	return s.byColumn(ctx, "id", id)
}

func (s *Service) byColumn(ctx context.Context, column, value string) (*Request, error) {
	var r Request
	err := s.db.Read(ctx).Where(column+" = ?", value).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, ErrNotFound
	}
	return &r, err
}

// ByLink is the request that a mailed decide link is about. The link gives no right: by must be the approver it was
// mailed to (ErrNotYourLink). Unknown and old links are ErrLinkUsedUp.
func (s *Service) ByLink(ctx context.Context, token string, by Decider) (*Request, error) {
	var l link
	err := s.db.Read(ctx).Where("token_hash = ?", ids.HashToken(token)).Take(&l).Error
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return nil, ErrLinkUsedUp
	case err != nil:
		return nil, err
	case s.clock.Now().After(l.ExpiresAt):
		return nil, ErrLinkUsedUp
	case l.ApproverID != by.ID:
		return nil, ErrNotYourLink
	}
	return s.ForApprover(ctx, l.RequestID, by)
}

// decisions are those taken on a request, in the order of its stages.
func (s *Service) decisions(ctx context.Context, requestID string) ([]decision, error) {
	var found []decision
	err := s.db.Read(ctx).Where("request_id = ?", requestID).Order("stage").Find(&found).Error
	return found, err
}

// LiveTx is the live request of an address in a flow, or nil.
func (s *Service) LiveTx(tx *database.Tx, flowSlug, address string) (*Request, error) {
	var r Request
	err := tx.Where("flow_slug = ? AND address = ? AND state IN ?", flowSlug, address, liveStates).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the live request: %w", err)
	}
	return &r, nil
}

// ByReferenceTx is ByReference, inside the caller's transaction.
func (s *Service) ByReferenceTx(tx *database.Tx, reference string) (*Request, error) {
	var r Request
	err := tx.Where("reference = ?", reference).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, ErrNotFound
	}
	return &r, err
}

// SubmittedSince counts the requests of a flow since at, up to most. On PostgreSQL it makes the flow's submissions wait
// for each other until the transaction ends, so that a limit holds; on SQLite there is one writer anyway.
func (s *Service) SubmittedSince(tx *database.Tx, flowSlug string, at time.Time, most int) (int, error) {
	if tx.Dialect() == database.Postgres {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(hashtext(?))", "requests of "+flowSlug).Error; err != nil {
			return 0, err
		}
	}
	var n int64
	err := tx.Raw("SELECT count(*) FROM (SELECT 1 FROM requests WHERE flow_slug = ? AND submitted_at >= ? LIMIT ?) AS found", flowSlug, at, most).Scan(&n).Error
	return int(n), err
}
