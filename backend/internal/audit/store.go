package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// row is one row of audit_events.
type row struct {
	ID        string
	At        time.Time
	Name      string
	Result    string
	ActorKind string
	ActorID   string
	ActorName string
	Target    string
	Subject   string
	Address   string
	RequestID string
	Data      database.JSON[map[string]any]
}

func (row) TableName() string { return "audit_events" }

func (r row) entry() Entry {
	return Entry{
		ID: r.ID, At: r.At, Name: r.Name, Result: r.Result,
		Actor:  Actor{Kind: r.ActorKind, ID: r.ActorID, Name: r.ActorName},
		Target: r.Target, Address: r.Address, RequestID: r.RequestID, Data: r.Data.V,
	}
}

func insert(tx *database.Tx, r *row) error {
	if err := tx.LaterInsert(r); err != nil {
		return fmt.Errorf("insert audit event %s: %w", r.Name, err)
	}
	return nil
}

// newest reads the newest q.Limit+1 events of q.
func newest(db *gorm.DB, q Query) ([]row, error) {
	query, args := newestQuery(q)
	if query == "" {
		return nil, nil
	}
	var rows []row
	if err := db.Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read audit events: %w", err)
	}
	return rows, nil
}

// newestQuery is the statement of newest, empty for a question about nobody. Each target and the subject is one range of its index (target, id) or
// (subject, id), read backwards and cut off; UNION then drops those that were found twice. An OR over both columns would
// sort everything that ever happened around the person.
func newestQuery(q Query) (query string, args []any) {
	var parts []string
	add := func(column, value string) {
		part, bound := "SELECT id FROM audit_events WHERE "+column+" = ?", []any{value}
		if q.After != "" {
			part, bound = part+" AND id < ?", append(bound, q.After)
		}
		parts = append(parts, fmt.Sprintf("SELECT id FROM (%s ORDER BY id DESC LIMIT ?) AS part%d", part, len(parts)))
		args = append(args, append(bound, q.Limit+1)...)
	}
	for _, target := range q.Targets {
		add("target", target)
	}
	if q.Subject != "" {
		add("subject", q.Subject)
	}
	if len(parts) == 0 {
		return "", nil
	}
	query = "SELECT * FROM audit_events WHERE id IN (" + strings.Join(parts, " UNION ") + ") ORDER BY id DESC LIMIT ?"
	return query, append(args, q.Limit+1)
}

// Newest is when the newest event was written; the zero time if there is none.
func (l *Log) Newest(ctx context.Context) (time.Time, error) {
	var at []time.Time
	if err := l.db.Read(ctx).Raw("SELECT at FROM audit_events ORDER BY id DESC LIMIT 1").Scan(&at).Error; err != nil {
		return time.Time{}, fmt.Errorf("read the newest event: %w", err)
	}
	if len(at) == 0 {
		return time.Time{}, nil
	}
	return at[0], nil
}
