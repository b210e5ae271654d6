package signup

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// view is a request as its applicant sees it. No member is named, only the team; the reason of a denial only if the
// approver chose to share it.
func (s *Service) view(ctx context.Context, r *approval.Request) (RequestView, error) {
	version, err := s.Flows.Version(ctx, r.FlowSlug, r.FlowVersion)
	if err != nil {
		return RequestView{}, err
	}
	lang := web.MetaOf(ctx).Locale
	shown, err := s.Flows.Shown(ctx, version, lang)
	if err != nil {
		return RequestView{}, err
	}
	messages, err := s.Approvals.Messages(ctx, r.ID)
	if err != nil {
		return RequestView{}, err
	}
	r = asOf(r, s.Clock.Now())
	view := RequestView{
		Reference: r.Reference, State: RequestState(r.State), Flow: FlowNamed{Slug: r.FlowSlug, Title: shown.Title, Version: r.FlowVersion},
		Email: r.Mail, SubmittedAt: r.SubmittedAt, DecidedAt: r.DecidedAt, DueAt: r.DueAt, ExpiresAt: r.ExpiresAt,
		Team: opt(teamOf(version, r, lang)), CanWithdraw: r.State.Open(), Steps: steps(r, teamOf(version, r, lang)),
		Messages: []ThreadMessage{}, Apps: []GrantShown{}, Answers: []AnswerShown{},
	}
	if r.State == approval.Active {
		view.EndsAt = r.AccessUntil
	}
	if r.ReasonShared {
		view.Reason = opt(r.Reason)
	}
	if c := shown.Contact; c != nil {
		view.Contact = &Contact{Name: c.Name, Email: c.Email, Phone: c.Phone}
	}
	for _, m := range messages {
		view.Messages = append(view.Messages, ThreadMessage{Id: m.ID, From: ThreadMessageFrom(m.AuthorKind), Text: m.Body, At: m.CreatedAt})
	}
	for _, g := range shown.Grants {
		if g.Kind == flow.GrantShownKind(GrantShownKindApp) {
			view.Apps = append(view.Apps, GrantShown{Kind: GrantShownKindApp, Name: g.Name, Description: g.Description, LogoUrl: g.LogoUrl})
		}
	}
	for _, a := range version.Answered(r.Answers.V, lang) {
		view.Answers = append(view.Answers, AnswerShown{Name: a.Name, Page: opt(a.Page), Label: a.Label, Type: a.Type, Value: a.Value, Display: opt(a.Display)})
	}
	return view, nil
}

// asOf is the request as it stands at now: over when its time is, even before the sweep has written it down.
func asOf(r *approval.Request, now time.Time) *approval.Request {
	seen := *r
	if seen.State = r.StateAt(now); seen.State != r.State {
		seen.UpdatedAt = *r.ExpiresAt
	}
	return &seen
}

func teamOf(version *flow.Version, r *approval.Request, lang string) string {
	if n := r.Stage - 1; n < len(version.Approval.Stages) {
		return version.Approval.Stages[n].Team.In(lang, version.Default())
	}
	return ""
}

// steps are the four lines of the tracker.
func steps(r *approval.Request, team string) []RequestStep {
	received := RequestStep{Id: RequestStepIdReceived, State: RequestStepStateDone, At: &r.SubmittedAt}
	decision := RequestStep{Id: RequestStepIdDecision, State: RequestStepStateCurrent, By: opt(team)}
	access := RequestStep{Id: RequestStepIdAccess, State: RequestStepStateTodo}
	ready := RequestStep{Id: RequestStepIdReady, State: RequestStepStateTodo}
	switch {
	case r.State == approval.Active || r.State == approval.Approved:
		decision.State, access.State, ready.State = RequestStepStateDone, RequestStepStateDone, RequestStepStateDone
		decision.At, access.At, ready.At = r.DecidedAt, r.DecidedAt, r.DecidedAt
	case !r.State.Open():
		decision.State, decision.At = RequestStepStateStopped, r.DecidedAt
		if decision.At == nil {
			decision.At = &r.UpdatedAt
		}
	}
	return []RequestStep{received, decision, access, ready}
}

// attributes are the answers as the directory keeps them, in the applicant's words.
func attributes(answered []flow.Answered) []directory.Attribute {
	var kept []directory.Attribute
	for _, a := range answered {
		if a.Display != "" {
			kept = append(kept, directory.Attribute{Name: a.Name, Label: a.Label, Type: a.Type, Value: a.Display})
		}
	}
	return kept
}

func isUnknown(err error) bool { return errors.Is(err, approval.ErrNotFound) }

// ignoreGone turns "no such sign-up" into nothing, and leaves every other error.
func ignoreGone(err error) error {
	if errors.Is(err, ErrNoSignup) {
		return nil
	}
	return err
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func opt(s string) *string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return &s
}
