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

// patience is how far a search looks before it asks another way (docs/adr/0020).
type patience struct {
	glanced int // of a list, from the page's beginning, are looked through first: all of most lists, and enough for frequent words
	few     int // requests, everybody's, are taken from the index of trigrams and sorted
	walked  int // of a list are looked through for a word that more have: one in few of a million fills a page there
}

var patient = patience{glanced: 2000, few: 1000, walked: 60_000}

// search is a page of those of by's list that match. Lists are looked through in the index approval_assignments_queue, and
// only requests that match are read. The index of trigrams gives all that match, of whatever list, for nothing tells in
// advance which are this approver's; they are gathered and sorted.
func (s *Service) search(db *gorm.DB, by Decider, q Queue, m match) ([]queued, error) {
	rows, whole, err := q.look(db, by.ID, m, s.patience.glanced)
	if err != nil || whole {
		return rows, err
	}
	likely, err := database.IndexMatch(db, s.db.Dialect(), "requests", q.Search)
	if err != nil {
		return nil, err
	}
	if likely.Condition == "" {
		return read(q.page(m.among(q.list(db, by.ID))))
	}
	found, err := likely.Count(db, s.patience.few)
	if err != nil {
		return nil, err
	}
	far := 20 * found // costs less than to gather them, and fills a page if they are many in this list
	if found == s.patience.few {
		far = s.patience.walked
	}
	if far > s.patience.glanced {
		if rows, whole, err = q.look(db, by.ID, m, far); err != nil || whole {
			return rows, err
		}
	}
	return read(q.page(q.from(db.Table("requests").Select(listed).Joins(ofApprover[s.db.Dialect()], by.ID, q.Bucket)).
		Where(likely.Condition, likely.Args...).Where(m.condition, m.args...)))
}

// ofApprover joins each request that the trigrams find with its place in the list, and never begins with the list, as
// PostgreSQL would where it expects many of the trigrams. SQLite works in the order of the tables; || hides the list's index.
var ofApprover = map[database.Dialect]string{
	database.SQLite:   "CROSS JOIN approval_assignments AS a ON a.request_id = requests.id AND a.approver_id || '' = ? AND a.bucket || '' = ?",
	database.Postgres: "CROSS JOIN LATERAL (SELECT * FROM approval_assignments WHERE request_id = requests.id AND approver_id = ? AND bucket = ? OFFSET 0) AS a",
}

// look is the page as far as the next n of a list make it, and whether that is the whole page.
func (q Queue) look(db *gorm.DB, approver string, m match, n int) (rows []queued, whole bool, err error) {
	rows, err = read(q.page(m.among(db.Table("(?) AS a", q.walk(db, approver, n)))))
	if err != nil || len(rows) > q.Limit {
		return rows, true, err
	}
	var behind []int
	err = q.list(db, approver).Select("1").Offset(n).Limit(1).Scan(&behind).Error
	return rows, len(behind) == 0, err
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
