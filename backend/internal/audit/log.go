package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// maxTargets of one timeline: SQLite takes 500 SELECTs in one statement, and a guest has a handful of requests.
const maxTargets = 100

// Log writes and reads events. It is safe for concurrent use.
type Log struct {
	db     *database.DB
	ids    *inOrder
	hash   []byte                      // key of Subject
	seal   []byte                      // key of seals
	lasted func(e Event, at time.Time) // nil unless OnLasted
}

// New panics on a nil need: a half-built room never opens.
func New(db *database.DB, source ids.Source, keys secret.Keys) *Log {
	if db == nil || source == nil {
		panic("audit.New: a need is nil")
	}
	return &Log{db: db, ids: &inOrder{source: source}, hash: keys.Derive("audit.subject"), seal: keys.Derive("audit.seal")}
}

// Record writes e in the act's own transaction; an error must undo the act. The network address and the request id come
// from the call in tx.Context().
func (l *Log) Record(tx *database.Tx, e Event) error {
	if e.Result == "" {
		e.Result = OK
	}
	if e.Actor.Kind == "" {
		e.Actor = ActorOf(tx.Context())
	}
	if err := e.check(); err != nil {
		return err
	}
	meta := web.MetaOf(tx.Context())
	r := row{
		ID: l.ids.next(), At: tx.Now, Name: e.Name, Result: e.Result,
		ActorKind: e.Actor.Kind, ActorID: e.Actor.ID, ActorName: e.Actor.Name,
		Target: e.Target, Subject: e.Subject, Address: meta.Address, RequestID: meta.RequestID,
	}
	r.Data.V = e.Data
	if r.Data.V == nil {
		r.Data.V = map[string]any{}
	}
	if l.lasted != nil {
		at := tx.Now
		tx.AfterCommit(func() { l.lasted(e, at) })
	}
	return insert(tx, &r)
}

// OnLasted registers who is told of every event whose act has lasted, for metrics; before anything is recorded, once.
// fn must be quick. It sees what the event says of people: it may count, not keep.
func (l *Log) OnLasted(fn func(e Event, at time.Time)) { l.lasted = fn }

// Subject stands for a person in events: HMAC-SHA256 of their canonical address under a key outside the database, 32
// hexadecimal digits. Who holds the events alone cannot test guessed addresses against it.
func (l *Log) Subject(canonicalAddress string) string {
	mac := hmac.New(sha256.New, l.hash)
	mac.Write([]byte(canonicalAddress))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Query asks for the events about any of Targets or about Subject.
type Query struct {
	Targets []string // at most 100
	Subject string   // empty for none
	After   string   // Next of the page before; empty for the newest
	Limit   int      // 1–100
}

// Page is one page of a timeline, newest first.
type Page struct {
	Entries []Entry
	HasMore bool
	Next    string // After of the next page; empty if there is none
}

// Timeline reads one page. Its cost does not grow with the number of events: it takes the newest few of each target.
func (l *Log) Timeline(ctx context.Context, q Query) (Page, error) {
	if len(q.Targets) > maxTargets {
		return Page{}, errTooManyTargets
	}
	rows, err := newest(l.db.Read(ctx), q)
	if err != nil {
		return Page{}, err
	}
	page := Page{Entries: make([]Entry, 0, len(rows))}
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		page.HasMore, page.Next = true, rows[len(rows)-1].ID
	}
	for _, r := range rows {
		page.Entries = append(page.Entries, r.entry())
	}
	return page, nil
}
