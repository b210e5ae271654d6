package approval

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// copied is how many characters of what a request is found by the queue's index has (migrations/0008_queue_texts.sql).
const copied = 500

// copyOf is what of a request's text the queue's index has.
func copyOf(text string) string {
	if letters := []rune(text); len(letters) > copied {
		return string(letters[:copied])
	}
	return text
}

// match is the condition of a search on a request, and on the copy of its text in the queue's index, which is its first
// copied characters.
type match struct {
	condition, onCopy string
	args              []any
}

func (s *Service) match(term string) match {
	m := match{}
	m.condition, m.args = database.Match(s.db.Dialect(), "requests", term)
	m.onCopy, _ = database.Match(s.db.Dialect(), "a", term)
	m.onCopy = fmt.Sprintf("(%s OR length(a.search_text) = %d)", m.onCopy, copied)
	return m
}

// walked is how many of a list, from the page's beginning, are looked through for a search before its index is asked
// (docs/adr/0020): all of most lists. Of a longer one, what one in four hundred has fills a page.
const walked = 20_000

// search is a page of those of by's list that match. It is read from the index approval_assignments_queue alone, but for
// the requests that match. Of a list longer than walked in which few match, it gathers all that match and sorts them:
// nothing tells in advance which are this approver's.
func (s *Service) search(db *gorm.DB, by Decider, q Queue, m match) ([]queued, error) {
	rows, err := read(q.page(m.among(db.Table("(?) AS a", q.walk(db, by.ID, s.walked)))))
	if err != nil || len(rows) > q.Limit {
		return rows, err
	}
	var behind []int
	if err := q.list(db, by.ID).Select("1").Offset(s.walked).Limit(1).Scan(&behind).Error; err != nil || len(behind) == 0 {
		return rows, err
	}
	likely, args, err := database.IndexMatch(db, s.db.Dialect(), "requests", q.Search)
	if err != nil {
		return nil, err
	}
	if likely == "" {
		return read(q.page(m.among(q.list(db, by.ID))))
	}
	// The order of the tables is SQLite's order of work, and || keeps both databases from beginning with the list.
	return read(q.page(q.from(db.Table("requests").Select(listed).Joins("CROSS JOIN approval_assignments AS a").
		Where("a.request_id = requests.id AND a.approver_id || '' = ? AND a.bucket || '' = ?", by.ID, q.Bucket)).
		Where(likely, args...).Where(m.condition, m.args...)))
}

// list is an approver's list in its order, from where the page begins.
func (q Queue) list(db *gorm.DB, approver string) *gorm.DB {
	return q.from(db.Table("approval_assignments AS a").Where("a.approver_id = ? AND a.bucket = ?", approver, q.Bucket)).Order(q.order())
}

// walk is the next n of a list, as its index has them.
func (q Queue) walk(db *gorm.DB, approver string, n int) *gorm.DB {
	return q.list(db, approver).Select("a.approver_id, a.bucket, a.sort_at, a.request_id, a.stage, a.search_text").Limit(n)
}

// among is the requests of list, a part of the queue's index, that match. CROSS JOIN makes SQLite look at the copy first.
func (m match) among(list *gorm.DB) *gorm.DB {
	return list.Select(listed).Joins("CROSS JOIN requests").Where("requests.id = a.request_id").
		Where(m.onCopy, m.args...).Where(m.condition, m.args...)
}
