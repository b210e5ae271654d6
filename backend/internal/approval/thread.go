package approval

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

const (
	// maxQuestion and maxReply are in characters, as the contract says.
	maxQuestion = 500
	maxReply    = 2000
	// askedPatience is how long an asked applicant has at least.
	askedPatience = 14 * 24 * time.Hour
)

// Ask sends the request back with a question; the clock stands until the applicant answers. Errors as Decide, and
// ErrAlreadyAsked. Writes audit "approval.asked", or "approval.refused" for one's own
// request.
func (s *Service) Ask(ctx context.Context, id string, by Decider, question string) (*Request, error) {
	question, err := cleanText(question, maxQuestion)
	if err != nil {
		return nil, err
	}
	var asked *Request
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		r, err := s.lockForDecision(tx, id, by)
		if err != nil {
			return err
		}
		if r.State == NeedsInfo {
			return ErrAlreadyAsked
		}
		now := tx.Now
		r.State, r.PausedAt = NeedsInfo, &now
		if r.ExpiresAt != nil && r.ExpiresAt.Before(now.Add(askedPatience)) {
			r.ExpiresAt = after(now, askedPatience)
		}
		asked = r
		message := Message{ID: s.ids.New("msg"), RequestID: r.ID, AuthorKind: "team", AuthorID: by.ID, AuthorName: by.Name, Body: question, CreatedAt: now}
		return s.talk(tx, r, message, bucketAsked, audit.Event{Name: "approval.asked", Actor: by.Actor})
	})
	return asked, s.refusal(ctx, id, by, err)
}

// Reply takes the applicant's answer; the clock goes on where it stood. It returns ErrNothingAsked unless a question
// is open. Writes audit "approval.answered".
func (s *Service) Reply(ctx context.Context, id string, by audit.Actor, text string) (*Request, error) {
	text, err := cleanText(text, maxReply)
	if err != nil {
		return nil, err
	}
	var answered *Request
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		r, err := lockRequest(tx, "id = ?", id)
		if err != nil {
			return err
		}
		if r.State != NeedsInfo || r.lapsed(tx.Now) {
			return ErrNothingAsked
		}
		if r.PausedAt != nil && r.DueAt != nil {
			due := r.DueAt.Add(tx.Now.Sub(*r.PausedAt))
			r.DueAt = &due
		}
		r.State, r.PausedAt = Pending, nil
		answered = r
		message := Message{ID: s.ids.New("msg"), RequestID: r.ID, AuthorKind: "applicant", AuthorName: r.Name, Body: text, CreatedAt: tx.Now}
		return s.talk(tx, r, message, bucketWaiting, audit.Event{Name: "approval.answered", Actor: by})
	})
	return answered, err
}

// talk keeps a message, moves the request to the list where it now belongs, and tells those who wait for it.
func (s *Service) talk(tx *database.Tx, r *Request, m Message, bucket string, e audit.Event) error {
	if err := insertMessage(tx, &m); err != nil {
		return err
	}
	if err := saveRequest(tx, r); err != nil {
		return err
	}
	if err := moveBucket(tx, r, r.Stage, bucket, sortAt(r.DueAt)); err != nil {
		return err
	}
	e.Target, e.Subject, e.Data = r.ID, s.audit.Subject(r.Address), map[string]any{"reference": r.Reference, "flow": r.FlowSlug}
	if err := s.audit.Record(tx, e); err != nil {
		return err
	}
	s.changed(tx, r)
	if bucket == bucketAsked {
		return s.tellOpener(tx, r)
	}
	return s.callApprovers(tx, r)
}

// Messages is the thread, oldest first.
func (s *Service) Messages(ctx context.Context, requestID string) ([]Message, error) {
	var found []Message
	err := s.db.Read(ctx).Where("request_id = ?", requestID).Order("id").Limit(100).Find(&found).Error
	return found, err
}

// Withdraw takes a request back in the applicant's name. It returns ErrAlreadyDecided or ErrClosed when it is too late.
// Writes audit "approval.withdrawn".
func (s *Service) Withdraw(ctx context.Context, id string, by audit.Actor) (*Request, error) {
	return s.end(ctx, id, Withdrawn, audit.Event{Name: "approval.withdrawn", Actor: by})
}

// ExpireLapsed ends the requests whose time to decide is over, at most 100 a call, and says how many. It runs every
// minute; what it has not reached yet counts as expired all the same.
func (s *Service) ExpireLapsed(ctx context.Context) (int, error) {
	lapsed, err := lapsedRequests(s.db.Read(ctx), s.clock.Now(), 100)
	if err != nil {
		return 0, err
	}
	for i, id := range lapsed {
		if _, err := s.end(ctx, id, Expired, audit.Event{Name: "approval.expired", Actor: audit.Actor{Kind: "system"}}); err != nil {
			if _, isFault := fault.From(err); isFault {
				continue // decided or withdrawn in between
			}
			return i, err
		}
	}
	return len(lapsed), nil
}

// end closes an open request without a decision.
func (s *Service) end(ctx context.Context, id string, as State, e audit.Event) (*Request, error) {
	var ended *Request
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		r, err := lockRequest(tx, "id = ?", id)
		if err != nil {
			return err
		}
		closed := r.closedBy(tx.Now)
		if closed != nil && !(as == Expired && r.State.Open()) {
			return closed
		}
		if as == Expired && !r.lapsed(tx.Now) {
			return errNotLapsed
		}
		r.State, r.PausedAt = as, nil
		ended = r
		e.Target, e.Subject, e.Data = r.ID, s.audit.Subject(r.Address), map[string]any{"reference": r.Reference, "flow": r.FlowSlug}
		if err := s.audit.Record(tx, e); err != nil {
			return err
		}
		if err := s.tellOpener(tx, r); err != nil {
			return err
		}
		return s.close(tx, r)
	})
	return ended, err
}

func cleanText(text string, most int) (string, error) {
	text = plainText(text)
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return "", fault.FieldsFault(fault.Field{Pointer: "/text", Code: "text_missing"})
	case n > most:
		return "", fault.FieldsFault(fault.Field{Pointer: "/text", Code: "text_too_long", Params: map[string]string{"max": itoa(most)}})
	}
	return text, nil
}
