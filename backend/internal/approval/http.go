package approval

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Routes hangs the room's calls into the router.
func (s *Service) Routes(router gin.IRouter) {
	RegisterHandlersWithOptions(router, NewStrictHandlerWithOptions(&handler{s}, nil, StrictGinServerOptions{
		RequestErrorHandlerFunc: web.Problem, HandlerErrorFunc: web.Problem, ResponseErrorHandlerFunc: web.Problem,
	}), GinServerOptions{ErrorHandler: web.ParameterProblem})
}

type handler struct{ approvals *Service }

// decider is the caller as this room sees them; the guard has made sure that there is one.
func decider(ctx context.Context) Decider {
	p, _ := identity.PrincipalOf(ctx)
	if p.Kind == identity.KindAPIKey {
		return AsKey(p.Actor())
	}
	return Decider{ID: p.UserID, Name: p.Name, Address: p.Address, Actor: p.Actor(), Channel: "session"}
}

// ListApprovals is GET /api/v1/approvals.
func (h *handler) ListApprovals(ctx context.Context, in ListApprovalsRequestObject) (ListApprovalsResponseObject, error) {
	q := Queue{Bucket: bucketWaiting, Flow: deref(in.Params.Flow), Search: deref(in.Params.Search)}
	if in.Params.State != nil {
		if !in.Params.State.Valid() {
			return nil, web.BadParameter("state")
		}
		q.Bucket = string(*in.Params.State)
	}
	limit, err := web.Limit(in.Params.Limit)
	if err != nil {
		return nil, err
	}
	q.Limit = limit
	if in.Params.After != nil {
		q.After = &Position{}
		if err := web.DecodeCursor(*in.Params.After, q.After); err != nil {
			return nil, err
		}
	}
	by := decider(ctx)
	found, next, err := h.approvals.List(ctx, by, q)
	if err != nil {
		return nil, err
	}
	answer := ApprovalList{Data: make([]ApprovalSummary, len(found)), HasMore: next != nil}
	for i := range found {
		answer.Data[i] = summary(&found[i], h.approvals.clock.Now())
	}
	if next != nil {
		cursor := web.EncodeCursor(next)
		answer.Next = &cursor
	}
	if in.Params.Count != nil {
		if !in.Params.Count.Valid() {
			return nil, web.BadParameter("count")
		}
		n, err := h.approvals.Estimate(ctx, by, q.Bucket)
		if err != nil {
			return nil, err
		}
		answer.Estimate = &n
	}
	return ListApprovals200JSONResponse(answer), nil
}

// GetApproval is GET /api/v1/approvals/{id}.
func (h *handler) GetApproval(ctx context.Context, in GetApprovalRequestObject) (GetApprovalResponseObject, error) {
	r, err := h.approvals.ForApprover(ctx, in.Id, decider(ctx))
	if err != nil {
		return nil, err
	}
	shown, err := h.approvals.show(ctx, r, decider(ctx))
	return GetApproval200JSONResponse(shown), err
}

// DecideApproval is POST /api/v1/approvals/{id}/decision.
func (h *handler) DecideApproval(ctx context.Context, in DecideApprovalRequestObject) (DecideApprovalResponseObject, error) {
	given := Given{
		Decision: Verdict(in.Body.Decision), Reason: plainText(deref(in.Body.Reason)), Note: plainText(deref(in.Body.Note)),
		ShareReason: in.Body.ShareReason != nil && *in.Body.ShareReason, Until: in.Body.Until, Seen: deref(in.Body.Version),
	}
	r, err := h.approvals.Decide(ctx, in.Id, decider(ctx), given)
	if err != nil {
		return nil, err
	}
	shown, err := h.approvals.show(ctx, r, decider(ctx))
	return DecideApproval200JSONResponse(shown), err
}

// AskApplicant is POST /api/v1/approvals/{id}/ask.
func (h *handler) AskApplicant(ctx context.Context, in AskApplicantRequestObject) (AskApplicantResponseObject, error) {
	r, err := h.approvals.Ask(ctx, in.Id, decider(ctx), in.Body.Text)
	if err != nil {
		return nil, err
	}
	shown, err := h.approvals.show(ctx, r, decider(ctx))
	return AskApplicant200JSONResponse(shown), err
}

// ResolveDecideLink is GET /api/v1/decide/{token}. It shows, and never acts.
func (h *handler) ResolveDecideLink(ctx context.Context, in ResolveDecideLinkRequestObject) (ResolveDecideLinkResponseObject, error) {
	r, err := h.approvals.ByLink(ctx, in.Token, decider(ctx))
	if err != nil {
		return nil, err
	}
	shown, err := h.approvals.show(ctx, r, decider(ctx))
	return ResolveDecideLink200JSONResponse(shown), err
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
