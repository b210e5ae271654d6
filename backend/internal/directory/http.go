package directory

import (
	"context"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// maxSearch is the contract's bound for search, in characters; maxFilter that for ids.
const maxSearch, maxFilter = 100, 64

// handler answers the room's operations of the contract.
type handler struct{ directory *Directory }

var _ StrictServerInterface = handler{}

// Routes adds the room's operations to router.
func (d *Directory) Routes(router gin.IRouter) {
	strict := NewStrictHandlerWithOptions(handler{d}, nil, StrictGinServerOptions{
		RequestErrorHandlerFunc: web.Problem, HandlerErrorFunc: web.Problem, ResponseErrorHandlerFunc: web.Problem,
	})
	RegisterHandlersWithOptions(router, strict, GinServerOptions{ErrorHandler: web.ParameterProblem})
}

// GetTenant answers GET /api/v1/tenant.
func (h handler) GetTenant(ctx context.Context, _ GetTenantRequestObject) (GetTenantResponseObject, error) {
	t, err := h.directory.Tenant(ctx)
	if err != nil {
		return nil, err
	}
	return GetTenant200JSONResponse(h.directory.tenantShown(t)), nil
}

// ListGuests answers GET /api/v1/guests.
func (h handler) ListGuests(ctx context.Context, r ListGuestsRequestObject) (ListGuestsResponseObject, error) {
	f, err := h.filter(ctx, r.Params)
	if err != nil {
		return nil, err
	}
	rows, hasMore, err := h.directory.Guests(ctx, f)
	if err != nil {
		return nil, err
	}
	answer := ListGuests200JSONResponse{Data: make([]GuestSummary, len(rows)), HasMore: hasMore}
	for i, row := range rows {
		answer.Data[i] = h.directory.summary(row)
	}
	if hasMore {
		answer.Next = ptr(web.EncodeCursor(rows[len(rows)-1].ID))
	}
	if r.Params.Count != nil {
		n, err := h.directory.EstimateGuests(ctx, f)
		if err != nil {
			return nil, err
		}
		answer.Estimate = &n
	}
	return answer, nil
}

// filter reads the query of the list of guests, within the contract's bounds.
func (h handler) filter(ctx context.Context, p ListGuestsParams) (f GuestFilter, err error) {
	if f.Limit, err = web.Limit(p.Limit); err != nil {
		return f, err
	}
	if f.After, err = afterID(p.After); err != nil {
		return f, err
	}
	f.Search, f.Organisation, f.Sponsor = value(p.Search), value(p.Organisation), value(p.Sponsor)
	if p.State != nil {
		f.State = *p.State
	}
	if f.Sponsor == "me" {
		if f.Sponsor = h.directory.options.Caller(ctx); f.Sponsor == "" {
			return f, ErrFilter.With("parameter", "sponsor") // a key is nobody's sponsor
		}
	}
	switch {
	case utf8.RuneCountInString(f.Search) > maxSearch:
		err = ErrFilter.With("parameter", "search")
	case f.State != "" && !f.State.Valid():
		err = ErrFilter.With("parameter", "state")
	case len(f.Organisation) > maxFilter:
		err = ErrFilter.With("parameter", "organisation")
	case len(f.Sponsor) > maxFilter:
		err = ErrFilter.With("parameter", "sponsor")
	case p.Count != nil && !p.Count.Valid():
		err = ErrFilter.With("parameter", "count")
	}
	return f, err
}

// GetGuest answers GET /api/v1/guests/{id}.
func (h handler) GetGuest(ctx context.Context, r GetGuestRequestObject) (GetGuestResponseObject, error) {
	row, err := h.directory.Guest(ctx, r.Id)
	if err != nil {
		return nil, err
	}
	guest, err := h.directory.shown(ctx, *row)
	return GetGuest200JSONResponse(guest), err
}

// ListGuestTimeline answers GET /api/v1/guests/{id}/timeline: what happened to the guest, to their requests, and to
// their address before there was a guest.
func (h handler) ListGuestTimeline(ctx context.Context, r ListGuestTimelineRequestObject) (ListGuestTimelineResponseObject, error) {
	limit, err := web.Limit(r.Params.Limit)
	if err != nil {
		return nil, err
	}
	after, err := afterID(r.Params.After)
	if err != nil {
		return nil, err
	}
	page, err := h.directory.Timeline(ctx, r.Id, after, limit)
	if err != nil {
		return nil, err
	}
	answer := ListGuestTimeline200JSONResponse{Data: make([]TimelineEvent, len(page.Entries)), HasMore: page.HasMore}
	for i, entry := range page.Entries {
		answer.Data[i] = h.directory.eventShown(ctx, entry)
	}
	if page.HasMore {
		answer.Next = ptr(web.EncodeCursor(page.Next))
	}
	return answer, nil
}

// maxRequests of one guest whose events their timeline follows by id; older ones are found by the address.
const maxRequests = 50

// Timeline reads a page of what happened around a guest, newest first. It returns ErrGuestUnknown.
func (d *Directory) Timeline(ctx context.Context, guestID, after string, limit int) (audit.Page, error) {
	row, err := d.Guest(ctx, guestID)
	if err != nil {
		return audit.Page{}, err
	}
	requests, err := d.requests(ctx, row.User)
	if err != nil {
		return audit.Page{}, err
	}
	targets := []string{row.ID}
	for i := range min(len(requests), maxRequests) {
		targets = append(targets, requests[i].Id)
	}
	return d.audit.Timeline(ctx, audit.Query{Targets: targets, Subject: d.audit.Subject(row.Address), After: after, Limit: limit})
}

// ListOrganisations answers GET /api/v1/organisations.
func (h handler) ListOrganisations(ctx context.Context, r ListOrganisationsRequestObject) (ListOrganisationsResponseObject, error) {
	answer, err := namedList(ctx, h.directory.Organisations, r.Params.Limit, r.Params.After)
	return ListOrganisations200JSONResponse(answer), err
}

// ListSponsors answers GET /api/v1/sponsors.
func (h handler) ListSponsors(ctx context.Context, r ListSponsorsRequestObject) (ListSponsorsResponseObject, error) {
	answer, err := namedList(ctx, h.directory.Sponsors, r.Params.Limit, r.Params.After)
	return ListSponsors200JSONResponse(answer), err
}

func namedList(
	ctx context.Context, read func(context.Context, NamePage) ([]Named, bool, error), limit *Limit, after *After,
) (answer NamedList, err error) {
	var page NamePage
	if page.Limit, err = web.Limit(limit); err != nil {
		return answer, err
	}
	if after != nil {
		var last [2]string
		if err := web.DecodeCursor(*after, &last); err != nil {
			return answer, err
		}
		page.AfterName, page.AfterID = last[0], last[1]
	}
	rows, hasMore, err := read(ctx, page)
	if err != nil {
		return answer, err
	}
	answer.Data, answer.HasMore = append([]Named{}, rows...), hasMore
	if hasMore {
		last := rows[len(rows)-1]
		answer.Next = ptr(web.EncodeCursor([2]string{last.Name, last.Id}))
	}
	return answer, nil
}

// afterID reads the cursor of a list that is ordered by id.
func afterID(after *After) (id string, err error) {
	if after == nil {
		return "", nil
	}
	err = web.DecodeCursor(*after, &id)
	return id, err
}
