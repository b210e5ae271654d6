package approval

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

// refusalLimit is for writing down an act on one's own request.
const refusalLimit = 10 * time.Second

// Decider is who decides or reads: a member in a session, or a program with a key.
type Decider struct {
	ID      string // the member's id; everyKey's stand-in is set by AsKey
	Name    string
	Address string // canonical; empty for a key
	Actor   audit.Actor
	Channel string // session or apikey
}

// AsKey is the decider behind an API key: it sees every request, and decides in the key's name.
func AsKey(actor audit.Actor) Decider {
	return Decider{ID: everyKey, Name: actor.Name, Actor: actor, Channel: "apikey"}
}

// actorID tells one decider from another: the member, or the one key among all. Keys have one queue between them, but
// each decides for itself.
func (d Decider) actorID() string {
	if d.ID == everyKey {
		return d.Actor.ID
	}
	return d.ID
}

// Given is a decision as it was pressed.
type Given struct {
	Decision    Verdict
	Reason      string // required to deny; ≤ 1,000 characters
	ShareReason bool   // show the reason to the applicant, word for word
	Note        string // for staff; ≤ 1,000 characters
	Until       *time.Time
	// Seen is the version of the request that the decider has read; 0 if they do not say.
	Seen int
}

// verdict is a decision that counts.
type verdict struct {
	decision     Verdict
	approverID   string
	approverName string
	reason, note string
	reasonShared bool
	actor        audit.Actor
}

// Decide takes the decision of one approver on the stage that waits. It takes effect exactly once, whatever is pressed
// twice and on whichever replica: the request's row is locked and the stage has one decision (approval_decisions_once).
//
// It returns ErrNotFound when the request is not by's to decide, ErrOwnRequest, ErrOtherStage, ErrSamePerson,
// ErrAlreadyDecided (who, when) or ErrClosed; field faults for a missing reason and an end out of bounds. Writes audit "approval.approved" or
// "approval.denied", or "approval.refused" for one's own request.
func (s *Service) Decide(ctx context.Context, id string, by Decider, g Given) (*Request, error) {
	if err := checkGiven(g); err != nil {
		return nil, err
	}
	var decided *Request
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		r, err := s.lockForDecision(tx, id, by)
		if err != nil {
			return err
		}
		if g.Seen != 0 && g.Seen != r.Version { // what you see is what you decide
			return ErrChanged
		}
		if g.Decision == Approve {
			if err := fourEyes(tx, r, by); err != nil {
				return err
			}
		}
		if err := s.setEnd(tx, r, g); err != nil {
			return err
		}
		v := verdict{
			decision: g.Decision, approverID: by.ID, approverName: by.Name, actor: by.Actor,
			reason: g.Reason, note: g.Note, reasonShared: g.ShareReason,
		}
		fresh, err := insertDecision(tx, &decision{
			ID: s.ids.New("dec"), RequestID: r.ID, Stage: r.Stage, ApproverID: by.actorID(), ApproverName: by.Name, Decision: g.Decision,
			Reason: g.Reason, ReasonShared: g.ShareReason, Note: g.Note, Channel: by.Channel, DecidedAt: tx.Now,
		})
		if err != nil {
			return err
		}
		if !fresh {
			return ErrAlreadyDecided.With("decidedBy", r.DecidedByName).With("state", r.State)
		}
		decided = r
		if g.Decision == Approve && r.Stage < r.Stages {
			return s.nextStage(tx, r, v)
		}
		return s.settle(tx, r, v)
	})
	return decided, s.refusal(ctx, id, by, err)
}

func checkGiven(g Given) error {
	if g.Decision == Deny && g.Reason == "" {
		return fault.FieldsFault(fault.Field{Pointer: "/reason", Code: "reason_missing"})
	}
	return nil
}

// lockForDecision reads the request to change it, if by may.
func (s *Service) lockForDecision(tx *database.Tx, id string, by Decider) (*Request, error) {
	r, err := lockRequest(tx, "id = ?", id)
	if err != nil {
		return nil, err
	}
	stages, err := assignedStages(tx.DB, r.ID, by.ID)
	switch {
	case err != nil:
		return nil, err
	case sameMailbox(by.Address, r.Address):
		return nil, ErrOwnRequest
	case len(stages) == 0:
		return nil, ErrNotFound
	}
	if err := r.closedBy(tx.Now); err != nil {
		return nil, err
	}
	for _, stage := range stages {
		if stage == r.Stage {
			return r, nil
		}
	}
	return nil, ErrOtherStage
}

// fourEyes keeps who approved an earlier stage from approving this one too, unless nobody else was asked: then the
// request would wait for ever. A key is one actor like a person, and people are asked beside it.
func fourEyes(tx *database.Tx, r *Request, by Decider) error {
	if r.Stage == 1 {
		return nil
	}
	approved, err := hasApproved(tx, r.ID, by)
	if err != nil || !approved {
		return err
	}
	asked, err := approverIDs(tx, r.ID, r.Stage)
	others := slices.ContainsFunc(asked, func(id string) bool { return id != by.ID })
	if err == nil && others {
		return ErrSamePerson
	}
	return err
}

// setEnd takes a chosen end of access, between a day from now and the flow's longest. An end that an earlier stage chose
// may be too near by now; then this stage has to choose.
func (s *Service) setEnd(tx *database.Tx, r *Request, g Given) error {
	if g.Until == nil {
		g.Until = r.AccessUntil
	}
	if g.Until == nil || g.Decision != Approve {
		return nil
	}
	version, err := s.flows.Version(tx.Context(), r.FlowSlug, r.FlowVersion)
	if err != nil {
		return err
	}
	latest, endless := tx.Now.AddDate(0, 0, version.Ends.Longest()), version.Ends.Longest() == 0
	soon := g.Until.Before(tx.Now.AddDate(0, 0, 1).Add(-time.Hour))
	switch {
	case soon && endless:
		return fault.FieldsFault(fault.Field{Pointer: "/until", Code: "until_too_soon"})
	case soon, !endless && g.Until.After(latest.Add(24*time.Hour)):
		return fault.FieldsFault(fault.Field{Pointer: "/until", Code: "until_out_of_range", Params: map[string]string{"latest": latest.Format(time.DateOnly)}})
	}
	until := g.Until.UTC()
	r.AccessUntil = &until
	return nil
}

// nextStage hands the request on: the decision of this stage is kept, the next approvers are called.
func (s *Service) nextStage(tx *database.Tx, r *Request, v verdict) error {
	version, err := s.flows.Version(tx.Context(), r.FlowSlug, r.FlowVersion)
	if err != nil {
		return err
	}
	if err := moveBucket(tx, r, r.Stage, bucketDone, tx.Now); err != nil {
		return err
	}
	r.Stage++
	r.State, r.PausedAt = Pending, nil
	stage := version.Approval.Stages[r.Stage-1]
	r.Team = stage.Team.In(r.Locale, version.Default())
	r.DueAt, r.ExpiresAt = due(tx.Now, time.Duration(stage.DueAfter)), after(tx.Now, time.Duration(stage.ExpireAfter))
	if err := moveBucket(tx, r, r.Stage, bucketWaiting, sortAt(r.DueAt)); err != nil {
		return err
	}
	if err := saveRequest(tx, r); err != nil {
		return err
	}
	if err := s.record(tx, "approval.passed", r, map[string]any{"stage": r.Stage - 1, "by": v.approverName}); err != nil {
		return err
	}
	s.changed(tx, r)
	return s.callApprovers(tx, r)
}

// settle ends the wait: the opener acts on it in this transaction, and an approved request is active at once, because
// grants in the own directory need no delivery.
func (s *Service) settle(tx *database.Tx, r *Request, v verdict) error {
	now := tx.Now
	r.Decision, r.DecidedAt, r.DecidedByName = v.decision, &now, v.approverName
	r.Reason, r.ReasonShared, r.Note, r.PausedAt = v.reason, v.reasonShared, v.note, nil
	if v.approverID != "" && v.approverID != everyKey {
		r.DecidedBy = &v.approverID
	}
	r.State = Denied
	name := "approval.denied"
	if v.decision == Approve {
		r.State, r.SponsorID, name = Approved, r.DecidedBy, "approval.approved"
		r.AccessUntil = r.accessEnd(now)
	}
	ctx := audit.WithActor(tx.Context(), v.actor)
	if err := s.audit.Record(tx, audit.Event{
		Name: name, Actor: audit.ActorOf(ctx), Target: r.ID, Subject: s.audit.Subject(r.Address),
		Data: map[string]any{"reference": r.Reference, "flow": r.FlowSlug, "stage": r.Stage, "reason": v.reason, "reasonShared": v.reasonShared},
	}); err != nil {
		return err
	}
	if err := s.tellOpener(tx, r); err != nil {
		return err
	}
	if r.State == Approved {
		r.State = Active
	}
	return s.close(tx, r)
}

// close keeps a request that has reached its end, and takes it out of everybody's waiting list.
func (s *Service) close(tx *database.Tx, r *Request) error {
	if err := saveRequest(tx, r); err != nil {
		return err
	}
	s.changed(tx, r)
	return moveAllBuckets(tx, r, tx.Now)
}

// refusal keeps a trace of an act on one's own request, also when its caller has hung up; it returns err.
func (s *Service) refusal(ctx context.Context, id string, by Decider, err error) error {
	if !errors.Is(err, ErrOwnRequest) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalLimit)
	defer cancel()
	return errors.Join(err, s.db.InTx(ctx, func(tx *database.Tx) error {
		return s.audit.Record(tx, audit.Event{Name: "approval.refused", Result: "refused", Actor: by.Actor, Target: id, Data: map[string]any{"why": "own_request"}})
	}))
}
