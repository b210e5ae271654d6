package identity

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// Who may call a route: the words of x-who in the contract.
type Who string

// The words. Operations that need a right take an API key too, if they name a scope and the key has it.
const (
	WhoPublic     Who = "public"     // anyone
	WhoApplicant  Who = "applicant"  // the browser that holds a sign-up cookie; signup says whose it is
	WhoSignedIn   Who = "signedin"   // a guest or member
	WhoStaff      Who = "staff"      // a member
	WhoApprover   Who = "approver"   // a member; approval says what they may decide
	WhoDirectory  Who = "directory"  // a member who is not only an operator
	WhoFlows      Who = "flows"      // admin, flowDesigner, auditor
	WhoOperations Who = "operations" // admin, operator
	WhoMailbox    Who = "mailbox"    // anyone, where mail stays in the house
	// WhoAudit is no word of the contract: it opens fields within answers, not routes. admin, auditor; no key.
	WhoAudit Who = "audit"
)

// Route is the entry of the contract that says who may call it.
type Route struct {
	Who   Who
	Scope string // of API keys; empty: no key will do
}

// rights are those that navigation shows, in the order of the contract.
var rights = []Who{WhoApprover, WhoDirectory, WhoFlows, WhoOperations}

// Roles that members have (settled.md §11).
const (
	RoleAdmin        = "admin"
	RoleFlowDesigner = "flowDesigner"
	RoleAuditor      = "auditor"
	RoleOperator     = "operator"
)

// Has says whether a person of these roles has the right. It is the one place that knows.
func (p Principal) Has(right Who) bool {
	member := p.Kind == KindMember
	switch right {
	case WhoSignedIn:
		return member || p.Kind == KindGuest
	case WhoStaff, WhoApprover:
		return member
	case WhoDirectory:
		return member && (len(p.Roles) == 0 || slices.ContainsFunc(p.Roles, func(r string) bool { return r != RoleOperator }))
	case WhoFlows:
		return member && hasAny(p.Roles, RoleAdmin, RoleFlowDesigner, RoleAuditor)
	case WhoOperations:
		return member && hasAny(p.Roles, RoleAdmin, RoleOperator)
	case WhoAudit:
		return member && hasAny(p.Roles, RoleAdmin, RoleAuditor)
	default:
		return false
	}
}

// Rights are those of approver, directory, flows and operations that the person has.
func (p Principal) Rights() []string {
	has := []string{}
	for _, right := range rights {
		if p.Has(right) {
			has = append(has, string(right))
		}
	}
	return has
}

func hasAny(roles []string, wanted ...string) bool {
	return slices.ContainsFunc(wanted, func(r string) bool { return slices.Contains(roles, r) })
}

// may is nil if the principal may call the route, and else the fault that says what is missing.
func (r Route) may(p Principal) error {
	if p.Kind == KindAPIKey {
		if r.Scope != "" && slices.Contains(p.Scopes, r.Scope) {
			return nil
		}
		return ErrNotAllowed.With("needs", firstOf(r.Scope, "a person"))
	}
	if p.Has(r.Who) {
		return nil
	}
	return ErrNotAllowed.With("needs", string(r.Who))
}

// Guard lets a request through if its route's entry says so, and says who it is: PrincipalOf and audit.ActorOf find the
// caller in the request's context. routes is by "GET /api/v1/guests/:id". What has no entry is closed.
//
// 401 not_signed_in or api_key_invalid; 403 not_allowed; 400 two_identities; 404 route_closed.
func (s *Service) Guard(routes map[string]Route) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.FullPath() == "" {
			return // no route: web answers, with a page or 404
		}
		route, known := routes[c.Request.Method+" "+c.FullPath()]
		if !known {
			web.Problem(c, ErrClosedRoute)
			return
		}
		switch route.Who {
		case WhoPublic:
		case WhoMailbox:
			if !s.mailbox {
				web.Problem(c, ErrClosedRoute)
			}
		case WhoApplicant:
			if s.Cookies.Get(c, CookieSignup) == "" {
				web.Problem(c, s.noSignup)
			}
		default:
			s.admit(c, route)
		}
	}
}

func (s *Service) admit(c *gin.Context, route Route) {
	p, err := s.identify(c)
	if err == nil {
		err = route.may(p)
	}
	if err != nil {
		web.Problem(c, err)
		return
	}
	c.Request = c.Request.WithContext(WithPrincipal(c.Request.Context(), p))
}

// identify is the one place where a caller is recognised.
func (s *Service) identify(c *gin.Context) (Principal, error) {
	cookie, header := s.Cookies.Get(c, CookieSession), c.Request.Header.Values("Authorization")
	if len(header) == 0 {
		return s.Session(c.Request.Context(), cookie)
	}
	if cookie != "" || len(header) > 1 {
		return Principal{}, ErrTwoIdentities
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "Bearer") { // RFC 9110 §11.1: the scheme is case-insensitive
		return Principal{}, ErrKeyInvalid
	}
	return s.Key(c.Request.Context(), token)
}

// CheckRoutes compares the engine's routes with the entries: a route without one, or with a word that nobody knows,
// makes the server refuse to start (security.md T50).
func CheckRoutes(engine gin.RoutesInfo, routes map[string]Route) error {
	known := append([]Who{WhoPublic, WhoApplicant, WhoSignedIn, WhoStaff, WhoMailbox}, rights...)
	for _, r := range engine {
		entry, found := routes[r.Method+" "+r.Path]
		if !found {
			return fmt.Errorf("the route %s %s does not say who may call it: add x-who to the contract, or a line to api/doors.yaml, and run make gen", r.Method, r.Path)
		}
		if !slices.Contains(known, entry.Who) {
			return fmt.Errorf("the route %s %s is for %q, and nobody is that", r.Method, r.Path, entry.Who)
		}
	}
	return nil
}
