package signup

import (
	"context"
	"strconv"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// mine is the request that this browser may see, with the sign-up that shows it.
func (h *handler) mine(ctx context.Context, reference string) (*signup, *approval.Request, error) {
	row, err := h.signups.ByToken(ctx, h.cookie(ctx, identity.CookieSignup))
	if err != nil {
		return nil, nil, err
	}
	r, err := h.signups.mine(ctx, row, reference)
	return row, r, err
}

// GetRequest is GET /api/v1/requests/{reference}.
func (h *handler) GetRequest(ctx context.Context, in GetRequestRequestObject) (GetRequestResponseObject, error) {
	_, r, err := h.mine(ctx, in.Reference)
	if err != nil {
		return nil, err
	}
	view, err := h.signups.view(ctx, r)
	return GetRequest200JSONResponse(view), err
}

// WithdrawRequest is POST /api/v1/requests/{reference}/withdraw.
func (h *handler) WithdrawRequest(ctx context.Context, in WithdrawRequestRequestObject) (WithdrawRequestResponseObject, error) {
	row, _, err := h.mine(ctx, in.Reference)
	if err != nil {
		return nil, err
	}
	r, err := h.signups.Withdraw(ctx, row, in.Reference)
	if err != nil {
		return nil, err
	}
	view, err := h.signups.view(ctx, r)
	return WithdrawRequest200JSONResponse(view), err
}

// ReplyToQuestion is POST /api/v1/requests/{reference}/reply.
func (h *handler) ReplyToQuestion(ctx context.Context, in ReplyToQuestionRequestObject) (ReplyToQuestionResponseObject, error) {
	row, _, err := h.mine(ctx, in.Reference)
	if err != nil {
		return nil, err
	}
	r, err := h.signups.Reply(ctx, row, in.Reference, in.Body.Text)
	if err != nil {
		return nil, err
	}
	view, err := h.signups.view(ctx, r)
	return ReplyToQuestion200JSONResponse(view), err
}

// FollowRequest is GET /api/v1/requests/{reference}/events.
func (h *handler) FollowRequest(ctx context.Context, in FollowRequestRequestObject) (FollowRequestResponseObject, error) {
	_, r, err := h.mine(ctx, in.Reference)
	if err != nil {
		return nil, err
	}
	seen, _ := strconv.Atoi(web.LastEventID(ctx))
	return &liveRequest{
		ctx: ctx, signups: h.signups, id: r.ID, seen: seen, token: h.cookie(ctx, identity.CookieSignup), reference: in.Reference, askEvery: askEvery,
	}, nil
}

// GetLink is GET /api/v1/link. It changes nothing: mail scanners open links.
func (h *handler) GetLink(ctx context.Context, _ GetLinkRequestObject) (GetLinkResponseObject, error) {
	token := h.cookie(ctx, identity.CookieLink)
	if token == "" {
		return GetLink200JSONResponse{State: LinkStateNone}, nil
	}
	link, err := h.signups.describeLink(ctx, token, h.cookie(ctx, identity.CookieSignup))
	if err != nil {
		return nil, err
	}
	if link.info.Purpose == identity.PurposeSignin {
		return h.showSigninLink(ctx, link.info)
	}
	shown := Link{State: LinkState(link.info.State), SameBrowser: &link.sameBrowser}
	purpose := LinkPurposeSignup
	shown.Purpose = &purpose
	if link.row == nil {
		return GetLink200JSONResponse(shown), nil
	}
	shown.Flow, shown.AskedAt, shown.AskedFrom, shown.Email = opt(link.row.FlowSlug), link.row.MailAskedAt, opt(link.row.Origin), opt(masked(link.row.Mail))
	if link.info.State == identity.LinkReady {
		shown.ExpiresAt = &link.info.ExpiresAt
		if !link.sameBrowser {
			shown.Code = &link.info.Code
		}
	}
	if link.row.FlowSlug != "" {
		version, err := h.signups.Flows.Version(ctx, link.row.FlowSlug, link.row.FlowVersion)
		if err != nil {
			return nil, err
		}
		shown.FlowTitle = opt(version.Title.In(web.MetaOf(ctx).Locale, version.Default()))
	}
	return GetLink200JSONResponse(shown), nil
}

func (h *handler) showSigninLink(ctx context.Context, info identity.LinkInfo) (GetLinkResponseObject, error) {
	purpose := LinkPurposeSignin
	shown := Link{State: LinkState(info.State), Purpose: &purpose}
	signin, err := h.signups.Identity.DescribeSignin(ctx, info.SubjectID, h.cookie(ctx, identity.CookieSignin))
	if err != nil {
		return nil, err
	}
	shown.SameBrowser, shown.Email = &signin.SameBrowser, opt(masked(signin.Mail))
	shown.AskedFrom, shown.AskedAt = opt(signin.Origin), signin.AskedAt
	if info.State == identity.LinkReady {
		shown.ExpiresAt = &info.ExpiresAt
		if !signin.SameBrowser {
			shown.Code = &info.Code
		}
	}
	return GetLink200JSONResponse(shown), nil
}

// PressLink is POST /api/v1/link.
func (h *handler) PressLink(ctx context.Context, _ PressLinkRequestObject) (PressLinkResponseObject, error) {
	token := h.cookie(ctx, identity.CookieLink)
	info, err := h.signups.Identity.Codes.Describe(ctx, token)
	if err != nil {
		return nil, err
	}
	if info.Purpose == identity.PurposeSignin {
		next, err := h.signups.Identity.FinishSigninByLink(ctx, browser(ctx), token)
		return PressLink200JSONResponse{Purpose: LinkPressedPurposeSignin, Next: next}, err
	}
	row, fresh, err := h.signups.pressLink(ctx, token, h.cookie(ctx, identity.CookieSignup))
	if err != nil {
		return nil, err
	}
	h.keep(ctx, fresh, row)
	h.signups.Identity.Cookies.Clear(browser(ctx), identity.CookieLink)
	return PressLink200JSONResponse{Purpose: LinkPressedPurposeSignup, Next: row.nextPath()}, nil
}

// nextPath is the page where a proved sign-up goes on: the form, or the request that the person came back for.
func (s *signup) nextPath() string {
	if s.FlowSlug == "" {
		return statusPath(s.AskedReference)
	}
	return "/join/" + s.FlowSlug
}

// masked keeps enough of an address to recognise one's own: "m•••@fabrikam.de".
func masked(address string) string {
	parsed, err := email.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Local[:1] + "•••@" + parsed.Domain
}
