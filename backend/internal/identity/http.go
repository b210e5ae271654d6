package identity

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// handler answers the room's operations of the contract.
type handler struct{ identity *Service }

var _ StrictServerInterface = handler{}

// Routes adds the room's operations to router.
func (s *Service) Routes(router gin.IRouter) {
	strict := NewStrictHandlerWithOptions(handler{s}, nil, StrictGinServerOptions{
		RequestErrorHandlerFunc: web.Problem, HandlerErrorFunc: web.Problem, ResponseErrorHandlerFunc: web.Problem,
	})
	RegisterHandlersWithOptions(router, strict, GinServerOptions{ErrorHandler: web.ParameterProblem})
}

// ginOf is the call's own context: the strict server hands it down as the handler's.
func ginOf(ctx context.Context) *gin.Context {
	c, ok := ctx.(*gin.Context)
	if !ok {
		panic("identity: a handler was called outside of gin")
	}
	return c
}

// StartSignin answers POST /api/v1/signin.
func (h handler) StartSignin(ctx context.Context, in StartSigninRequestObject) (StartSigninResponseObject, error) {
	c := ginOf(ctx)
	begun, err := h.identity.AskSignin(ctx, Asked{
		Email: in.Body.Email, ReturnTo: value(in.Body.ReturnTo), Locale: value(in.Body.Locale), Holds: h.identity.Cookies.holds(c),
	})
	if err != nil {
		return nil, err
	}
	if begun.Token != "" {
		h.identity.Cookies.Set(c, CookieSignin, begun.Token, signinLife)
	}
	length := CodeLength
	return StartSignin200JSONResponse{Next: SigninNextNextCode, CodeLength: &length, ExpiresAt: &begun.ExpiresAt, ResendAt: &begun.ResendAt}, nil
}

// FinishSignin answers POST /api/v1/signin/code.
func (h handler) FinishSignin(ctx context.Context, in FinishSigninRequestObject) (FinishSigninResponseObject, error) {
	c := ginOf(ctx)
	done, err := h.identity.FinishSignin(ctx, in.Body.Code, h.identity.Cookies.holds(c))
	if err != nil {
		return nil, err
	}
	me, err := h.welcome(c, done)
	return FinishSignin200JSONResponse{Next: done.Next, Me: me}, err
}

// FinishSigninByLink finishes a sign-in by the mailed link that this browser has opened, and gives it the session
// cookie; next is the path to go on to. POST /api/v1/link, which signup serves, calls it.
//
// It returns ErrLinkSpent; ErrOtherBrowser where the sign-in did not begin; ErrAccessEnded after proof.
func (s *Service) FinishSigninByLink(ctx context.Context, c *gin.Context, linkToken string) (next string, err error) {
	done, err := s.finishByLink(ctx, linkToken, s.Cookies.holds(c))
	if err != nil {
		return "", err
	}
	s.giveSession(c, done)
	s.Cookies.Clear(c, CookieLink)
	return done.Next, nil
}

// giveSession hands the new session to the browser, and takes away what led to it.
func (s *Service) giveSession(c *gin.Context, done Finished) {
	s.Cookies.Set(c, CookieSession, done.Token, sessionLife(done.Principal))
	if done.Device != "" {
		s.Cookies.Set(c, CookieDevice, done.Device, deviceLife)
	}
	s.Cookies.Clear(c, CookieSignin)
}

func (h handler) welcome(c *gin.Context, done Finished) (Me, error) {
	profile, err := h.identity.Profile(c.Request.Context(), done.Principal)
	if err != nil {
		return Me{}, err
	}
	h.identity.giveSession(c, done)
	return profile.shown(), nil
}

// SignOut answers POST /api/v1/signout.
func (h handler) SignOut(ctx context.Context, _ SignOutRequestObject) (SignOutResponseObject, error) {
	p, _ := PrincipalOf(ctx)
	if err := h.identity.SignOut(ctx, p); err != nil {
		return nil, err
	}
	h.identity.Cookies.forget(ginOf(ctx))
	return SignOut204Response{}, nil
}

// GetMe answers GET /api/v1/me.
func (h handler) GetMe(ctx context.Context, _ GetMeRequestObject) (GetMeResponseObject, error) {
	p, _ := PrincipalOf(ctx)
	profile, err := h.identity.Profile(ctx, p)
	if err != nil {
		return nil, err
	}
	return GetMe200JSONResponse(profile.shown()), nil
}

// CheckSetup answers POST /api/v1/setup/check.
func (h handler) CheckSetup(ctx context.Context, in CheckSetupRequestObject) (CheckSetupResponseObject, error) {
	until, err := h.identity.SetupOpen(ctx, in.Body.Token)
	if err != nil {
		return nil, err
	}
	return CheckSetup200JSONResponse{ExpiresAt: until}, nil
}

// FinishSetup answers POST /api/v1/setup.
func (h handler) FinishSetup(ctx context.Context, in FinishSetupRequestObject) (FinishSetupResponseObject, error) {
	c := ginOf(ctx)
	done, err := h.identity.SetUp(ctx, FirstAdmin{
		Token: in.Body.Token, Organisation: in.Body.Organisation, Name: in.Body.Name, Email: in.Body.Email, Locale: web.MetaOf(ctx).Locale,
	}, h.identity.Cookies.Get(c, CookieSession))
	if err != nil {
		return nil, err
	}
	me, err := h.welcome(c, done)
	return FinishSetup201JSONResponse{Next: done.Next, Me: me}, err
}

// shown is the profile in the contract's shape.
func (p Profile) shown() Me {
	me := Me{
		Id: p.UserID, Kind: MeKind(p.Kind), Name: p.Name, Email: p.Mail, GivenName: option(p.GivenName), Organisation: option(p.Organisation),
		Sponsor: option(p.Sponsor), EndsAt: utc(p.EndsAt), Locale: option(p.Locale), Roles: []MeRoles{}, Rights: []MeRights{},
	}
	for _, role := range p.Roles {
		me.Roles = append(me.Roles, MeRoles(role))
	}
	for _, right := range p.Rights() {
		me.Rights = append(me.Rights, MeRights(right))
	}
	return me
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// value is what an optional field of the contract holds; empty if it is not given.
func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// option is an optional field of the contract; empty text is left out.
func option(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
