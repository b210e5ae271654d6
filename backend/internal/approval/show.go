package approval

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

func summary(r *Request, now time.Time) ApprovalSummary {
	return ApprovalSummary{
		Id: r.ID, Reference: r.Reference, State: RequestState(r.StateAt(now)), Applicant: applicant(r), Flow: named(r),
		Purpose: opt(r.Purpose), SubmittedAt: r.SubmittedAt, DueAt: r.DueAt, DecidedAt: r.DecidedAt, DecidedBy: opt(r.DecidedByName),
		Risk: ApprovalSummaryRisk(r.Risk), Stage: r.Stage, Stages: r.Stages,
	}
}

func applicant(r *Request) Applicant {
	return Applicant{Email: r.Mail, Name: opt(r.Name), Organisation: opt(r.Organisation), JobTitle: opt(r.JobTitle), Locale: opt(r.Locale)}
}

func named(r *Request) FlowNamed {
	return FlowNamed{Slug: r.FlowSlug, Title: r.FlowTitle, Version: r.FlowVersion}
}

// show is a request as by sees it: what was answered in the reader's language, the evidence, the thread, and whether
// and why not they may decide.
func (s *Service) show(ctx context.Context, r *Request, by Decider) (Approval, error) {
	version, err := s.flows.Version(ctx, r.FlowSlug, r.FlowVersion)
	if err != nil {
		return Approval{}, err
	}
	lang := web.MetaOf(ctx).Locale
	shown, err := s.flows.Shown(ctx, version, lang)
	if err != nil {
		return Approval{}, err
	}
	a := Approval{
		Id: r.ID, Version: r.Version, Reference: r.Reference, State: RequestState(r.StateAt(s.clock.Now())),
		Applicant: applicant(r), Flow: named(r), Purpose: opt(r.Purpose), SubmittedAt: r.SubmittedAt, DueAt: r.DueAt, ExpiresAt: r.ExpiresAt, Risk: ApprovalRisk(r.Risk), Stage: r.Stage, Stages: r.Stages,
		Team: opt(r.Team), GuestId: r.GuestID, EndsAt: r.accessEnd(s.clock.Now()),
		Answers: []AnswerShown{}, Consents: []ConsentShown{}, Grants: []GrantShown{}, Evidence: []Evidence{},
		Messages: []ThreadMessage{}, History: []EarlierRequest{}, Deliveries: []Delivery{},
	}
	a.Flow.Title = shown.Title
	for _, answer := range version.Answered(r.Answers.V, lang) {
		a.Answers = append(a.Answers, AnswerShown{Name: answer.Name, Page: opt(answer.Page), Label: answer.Label, Type: answer.Type, Value: answer.Value, Display: opt(answer.Display)})
	}
	for _, c := range r.Consents.V {
		a.Consents = append(a.Consents, ConsentShown{Terms: c.Terms, Title: c.Title, Version: c.Version, At: c.At})
	}
	for _, g := range shown.Grants {
		a.Grants = append(a.Grants, GrantShown{Kind: GrantShownKind(g.Kind), Name: g.Name, Description: g.Description, LogoUrl: g.LogoUrl})
	}
	return a, errors.Join(s.showEvidence(ctx, &a, r, version, by), s.showPast(ctx, &a, r), s.showRight(ctx, &a, r, by))
}

func (s *Service) showEvidence(_ context.Context, a *Approval, r *Request, version *flow.Version, by Decider) error {
	facts := slices.Clone(r.Evidence.V)
	if fact, ok := s.namedFact(version.NamedSponsor(r.Answers.V), directory.User{Address: by.Address}); ok && by.Address != "" {
		facts = append(facts, fact)
	}
	for _, f := range facts {
		e := Evidence{Code: EvidenceCode(f.Code), Level: EvidenceLevel(f.Level), Value: opt(f.Value), At: f.At}
		if f.Count > 0 {
			e.Count = &f.Count
		}
		a.Evidence = append(a.Evidence, e)
	}
	return nil
}

// showPast adds the thread, earlier requests of the address, decisions taken, and mails that left or did not.
func (s *Service) showPast(ctx context.Context, a *Approval, r *Request) error {
	messages, err := s.Messages(ctx, r.ID)
	if err != nil {
		return err
	}
	for _, m := range messages {
		a.Messages = append(a.Messages, ThreadMessage{Id: m.ID, From: ThreadMessageFrom(m.AuthorKind), Author: opt(m.AuthorName), Text: m.Body, At: m.CreatedAt})
	}
	earlier, err := s.Earlier(ctx, r.Address)
	if err != nil {
		return err
	}
	for _, e := range earlier {
		if e.ID != r.ID {
			a.History = append(a.History, EarlierRequest{Id: e.ID, Reference: e.Reference, State: RequestState(e.StateAt(s.clock.Now())), SubmittedAt: e.SubmittedAt, FlowTitle: e.FlowTitle})
		}
	}
	taken, err := s.decisions(ctx, r.ID)
	if err != nil {
		return err
	}
	made := []DecisionMade{}
	for _, d := range taken {
		made = append(made, DecisionMade{Decision: DecisionMadeDecision(d.Decision), By: d.ApproverName, At: d.DecidedAt, Stage: d.Stage, Reason: opt(d.Reason), ReasonShared: &d.ReasonShared, Note: opt(d.Note)})
	}
	a.Decisions = &made
	deliveries, err := s.mail.DeliveriesAbout(ctx, r.ID, r.SourceID)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		a.Deliveries = append(a.Deliveries, Delivery{Id: d.ID, Kind: d.Kind, To: d.To, State: DeliveryState(d.State), At: d.At, Reason: opt(d.Reason)})
	}
	return nil
}

// showRight says whether by may decide now, and if not why.
func (s *Service) showRight(ctx context.Context, a *Approval, r *Request, by Decider) error {
	stages, err := assignedStages(s.db.Read(ctx), r.ID, by.ID)
	if err != nil {
		return err
	}
	why := ApprovalWhyNot("")
	switch closed := r.closedBy(s.clock.Now()); {
	case errors.Is(closed, ErrAlreadyDecided):
		why = ApprovalWhyNotAlreadyDecided
	case closed != nil:
		why = ApprovalWhyNotClosed
	case sameMailbox(by.Address, r.Address):
		why = ApprovalWhyNotOwnRequest
	case !slices.Contains(stages, r.Stage):
		why = ApprovalWhyNotNotApprover
	}
	a.CanDecide = why == ""
	if why != "" {
		a.WhyNot = &why
	}
	return nil
}

func opt(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
