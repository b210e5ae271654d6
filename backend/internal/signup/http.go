package signup

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Routes hangs the room's calls into the router, and the page that a mailed link opens.
func (s *Service) Routes(router gin.IRouter) {
	RegisterHandlersWithOptions(router, NewStrictHandlerWithOptions(&handler{s}, nil, StrictGinServerOptions{
		RequestErrorHandlerFunc: web.Problem, HandlerErrorFunc: web.Problem, ResponseErrorHandlerFunc: web.Problem,
	}), GinServerOptions{ErrorHandler: web.ParameterProblem})
}

type handler struct{ signups *Service }

// browser is the call as the router knows it; the generated code passes it as the context.
func browser(ctx context.Context) *gin.Context { return ctx.(*gin.Context) } //nolint:forcetypeassert // see above

// cookie is what the browser holds of this kind, or "".
func (h *handler) cookie(ctx context.Context, name identity.Cookie) string {
	return h.signups.Identity.Cookies.Get(browser(ctx), name)
}

func (h *handler) keep(ctx context.Context, token string, row *signup) {
	if token != "" {
		h.signups.Identity.Cookies.Set(browser(ctx), identity.CookieSignup, token, row.ExpiresAt.Sub(h.signups.Clock.Now()))
	}
}

// held is the sign-up of this browser, if it is the one in the address: another's and an unknown one are the same.
func (h *handler) held(ctx context.Context, id string) (*signup, error) {
	row, err := h.signups.ByToken(ctx, h.cookie(ctx, identity.CookieSignup))
	if err == nil && row.ID != id {
		return nil, ErrNoSignup
	}
	return row, err
}

// StartSignup is POST /api/v1/signups.
func (h *handler) StartSignup(ctx context.Context, in StartSignupRequestObject) (StartSignupResponseObject, error) {
	meta := web.MetaOf(ctx)
	locale := deref(in.Body.Locale)
	if locale == "" {
		locale = meta.Locale
	}
	row, token, err := h.signups.Start(ctx, deref(in.Body.Flow), deref(in.Body.Reference), locale, identity.DescribeAgent(meta.UserAgent))
	if err != nil {
		return nil, err
	}
	h.keep(ctx, token, row)
	shown, err := h.show(ctx, row)
	return StartSignup201JSONResponse(shown), err
}

// GetCurrentSignup is GET /api/v1/signups/current.
func (h *handler) GetCurrentSignup(ctx context.Context, in GetCurrentSignupRequestObject) (GetCurrentSignupResponseObject, error) {
	row, err := h.signups.ByToken(ctx, h.cookie(ctx, identity.CookieSignup))
	if err != nil || (in.Params.Flow != nil && row.FlowSlug != *in.Params.Flow) {
		return GetCurrentSignup200JSONResponse{}, ignoreGone(err)
	}
	shown, err := h.show(ctx, row)
	return GetCurrentSignup200JSONResponse{Signup: &shown}, err
}

// GetSignup is GET /api/v1/signups/{id}.
func (h *handler) GetSignup(ctx context.Context, in GetSignupRequestObject) (GetSignupResponseObject, error) {
	row, err := h.held(ctx, in.Id)
	if err != nil {
		return nil, err
	}
	shown, err := h.show(ctx, row)
	return GetSignup200JSONResponse(shown), err
}

// GiveSignupEmail is POST /api/v1/signups/{id}/email.
func (h *handler) GiveSignupEmail(ctx context.Context, in GiveSignupEmailRequestObject) (GiveSignupEmailResponseObject, error) {
	by := HolderOf(in.Id, h.cookie(ctx, identity.CookieSignup))
	row, err := h.signups.GiveEmail(ctx, by, in.Body.Email, web.MetaOf(ctx).Locale)
	if err != nil {
		return nil, err
	}
	return GiveSignupEmail202JSONResponse{
		Step: CodeSentStepCode, CodeLength: codeLength, ResendAt: row.pace().ResendAt(), ExpiresAt: row.MailAskedAt.Add(h.signups.Identity.Codes.Life()),
	}, nil
}

// ProveSignupEmail is POST /api/v1/signups/{id}/code.
func (h *handler) ProveSignupEmail(ctx context.Context, in ProveSignupEmailRequestObject) (ProveSignupEmailResponseObject, error) {
	row, token, err := h.signups.Prove(ctx, in.Id, Typed{
		Code: in.Body.Code, Token: h.cookie(ctx, identity.CookieSignup), Device: h.cookie(ctx, identity.CookieDevice),
	})
	if err != nil {
		return nil, err
	}
	h.keep(ctx, token, row)
	shown, err := h.show(ctx, row)
	return ProveSignupEmail200JSONResponse(shown), err
}

// KeepSignupDraft is PATCH /api/v1/signups/{id}.
func (h *handler) KeepSignupDraft(ctx context.Context, in KeepSignupDraftRequestObject) (KeepSignupDraftResponseObject, error) {
	if _, err := h.held(ctx, in.Id); err != nil {
		return nil, err
	}
	row, err := h.signups.Keep(ctx, in.Id, in.Body.Answers)
	if err != nil {
		return nil, err
	}
	shown, err := h.show(ctx, row)
	return KeepSignupDraft200JSONResponse(shown), err
}

// SubmitSignup is POST /api/v1/signups/{id}/submit.
func (h *handler) SubmitSignup(ctx context.Context, in SubmitSignupRequestObject) (SubmitSignupResponseObject, error) {
	if _, err := h.held(ctx, in.Id); err != nil {
		return nil, err
	}
	var consents []flow.Consent
	for _, c := range deref(in.Body.Consents) {
		consents = append(consents, flow.Consent{Terms: c.Terms, Version: c.Version})
	}
	r, err := h.signups.Submit(ctx, in.Id, in.Body.Answers, consents)
	if err != nil {
		return nil, err
	}
	return SubmitSignup202JSONResponse{Reference: r.Reference, State: RequestState(r.State), StatusUrl: statusPath(r.Reference)}, nil
}

// show is a sign-up as the browser that holds it sees it.
func (h *handler) show(ctx context.Context, row *signup) (Signup, error) {
	shown := Signup{Id: row.ID, Flow: row.FlowSlug, FlowVersion: row.FlowVersion, Step: SignupStep(row.Step), ExpiresAt: row.ExpiresAt, Email: opt(row.Mail)}
	switch row.Step {
	case StepCode:
		length, resend, expires := codeLength, row.pace().ResendAt(), row.MailAskedAt.Add(h.signups.Identity.Codes.Life())
		shown.CodeLength, shown.ResendAt, shown.CodeExpiresAt = &length, &resend, &expires
	case StepDetails:
		answers := Answers(row.Answers.V)
		shown.Answers, shown.SavedAt = &answers, row.SavedAt
	case StepRequest:
		if row.RequestID == nil {
			break // came back for a request that is not theirs
		}
		r, err := h.signups.Approvals.ByID(ctx, *row.RequestID)
		if err != nil {
			return Signup{}, err
		}
		path := statusPath(r.Reference)
		shown.Reference, shown.StatusUrl = &r.Reference, &path
	}
	return shown, nil
}

func statusPath(reference string) string { return "/requests/" + reference }
