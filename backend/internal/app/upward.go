package app

import (
	"context"
	"slices"

	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/catalog"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
)

// callerID is the person who asks, for rooms below identity.
func callerID(ctx context.Context) string {
	p, _ := identity.PrincipalOf(ctx)
	return p.UserID
}

// readsAudit says whether it is the role of whoever asks to read the audit.
func readsAudit(ctx context.Context) bool {
	p, _ := identity.PrincipalOf(ctx)
	return p.Has(identity.WhoAudit)
}

func caller(ctx context.Context) catalog.Caller {
	p, _ := identity.PrincipalOf(ctx)
	return catalog.Caller{UserID: p.UserID, Address: p.Address}
}

// requestsOf are a guest's requests, for their page.
func (h *House) requestsOf(ctx context.Context, u directory.User) ([]directory.EarlierRequest, error) {
	found, err := h.Approvals.Earlier(ctx, u.Address)
	var shown []directory.EarlierRequest
	for _, r := range found {
		shown = append(shown, directory.EarlierRequest{
			Id: r.ID, Reference: r.Reference, State: directory.RequestState(r.State), SubmittedAt: r.SubmittedAt, FlowTitle: r.FlowTitle,
		})
	}
	return shown, err
}

// waitingFor are a person's own open requests, for My apps.
func (h *House) waitingFor(ctx context.Context, who catalog.Caller) ([]catalog.WaitingAccess, error) {
	found, err := h.Approvals.Earlier(ctx, who.Address)
	var waiting []catalog.WaitingAccess
	for _, r := range found {
		if r.State == approval.Pending || r.State == approval.NeedsInfo {
			waiting = append(waiting, catalog.WaitingAccess{Reference: r.Reference, Title: r.FlowTitle, SubmittedAt: r.SubmittedAt})
		}
	}
	return waiting, err
}

// askPath is the page that lists what one can ask for, while anything is open.
func (h *House) askPath(ctx context.Context) (string, error) {
	flows, _, err := h.Flows.List(ctx, "", 100)
	if err != nil || !slices.ContainsFunc(flows, func(f flow.FlowSummary) bool { return f.State == flow.FlowSummaryStateOpen }) {
		return "", err
	}
	return "/", nil
}
