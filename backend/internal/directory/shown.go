package directory

import (
	"context"
	"slices"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
)

// tenantShown is the contract's answer about the tenant.
func (d *Directory) tenantShown(t Tenant) TenantShown {
	shown := TenantShown{
		Name: t.Name, LegalName: t.LegalName, ContactEmail: text(t.ContactEmail), LogoUrl: text(t.Logo), Demo: t.Demo,
		Languages: append([]string{}, d.options.Languages...), MailFrom: d.options.MailFrom, Mailbox: d.options.Mailbox,
		Version: d.options.Version,
	}
	if t.SetUpAt.IsZero() {
		shown.SetupNeeded = ptr(true)
	}
	return shown
}

// summary is a guest's line in the list.
func (d *Directory) summary(r GuestRow) GuestSummary {
	return GuestSummary{
		Id: r.ID, Name: r.DisplayName, Email: r.Mail, State: r.State(d.db.Now()), Organisation: r.organisation(), Sponsor: r.sponsor(),
		Flow: text(r.FlowTitle), Apps: r.Apps, Groups: r.Groups, LastSignInAt: r.LastSignInAt, EndsAt: r.EndsAt, CreatedAt: r.CreatedAt,
	}
}

func (r GuestRow) organisation() *Named {
	if r.Organisation == nil {
		return nil
	}
	return &Named{Id: r.Organisation.ID, Name: r.Organisation.Name}
}

func (r GuestRow) sponsor() *Named {
	if r.Sponsor == nil {
		return nil
	}
	return &Named{Id: r.Sponsor.ID, Name: r.Sponsor.DisplayName}
}

// shown is a guest in full.
func (d *Directory) shown(ctx context.Context, r GuestRow) (Guest, error) {
	g := Guest{
		Id: r.ID, Name: r.DisplayName, GivenName: text(r.GivenName), Surname: text(r.Surname), Email: r.Mail, JobTitle: text(r.JobTitle),
		Phone: text(r.Phone), Country: text(r.Country), Locale: text(r.Locale), State: r.State(d.db.Now()),
		UserPrincipalName: r.UserPrincipalName, UserType: GuestUserType(r.UserType), CreationType: r.CreationType,
		ExternalUserState: text(r.ExternalUserState), Organisation: r.organisation(), Sponsor: r.sponsor(),
		LastSignInAt: r.LastSignInAt, EndsAt: r.EndsAt, CreatedAt: r.CreatedAt,
		Attributes: make([]AttributeShown, len(r.Attributes.V)), Requests: []EarlierRequest{},
	}
	for i, a := range r.Attributes.V {
		g.Attributes[i] = AttributeShown{Name: a.Name, Label: text(a.Label), Type: text(a.Type), Value: a.Value}
	}
	identities, err := identitiesOf(d.db.Read(ctx), r.ID)
	if err != nil {
		return g, err
	}
	g.Identities = make([]IdentityShown, len(identities))
	for i, identity := range identities {
		g.Identities[i] = IdentityShown{
			SignInType: identity.SignInType, Issuer: identity.Issuer, IssuerAssignedId: identity.IssuerAssignedID,
		}
	}
	if g.Grants, err = d.grantsShown(ctx, r.ID); err != nil {
		return g, err
	}
	requests, err := d.requests(ctx, r.User)
	g.Requests = append(g.Requests, requests...)
	return g, err
}

func (d *Directory) grantsShown(ctx context.Context, userID string) ([]GrantHeld, error) {
	grants, err := d.GrantsOf(ctx, userID)
	if err != nil {
		return nil, err
	}
	now, shown := d.db.Now(), make([]GrantHeld, len(grants))
	for i, g := range grants {
		shown[i] = GrantHeld{
			Id: g.ID, Kind: GrantHeldKind(g.Kind), TargetId: g.TargetID, Name: firstNonEmpty(g.Title, g.Name), LogoUrl: text(g.Logo),
			State: GrantHeldStateActive, Since: &g.Since, Until: g.Until, Via: text(g.Via),
		}
		if !g.Live(now) {
			shown[i].State = GrantHeldStateEnded
		}
	}
	return shown, nil
}

// plainFacts are those of an event's facts that every reader of a timeline may see. A new one is for auditors until it is
// added here.
var plainFacts = []string{
	"by", "creationType", "fields", "flow", "kind", "knownDevice", "mail", "method", "name", "reasonShared", "reference", "request",
	"sponsor", "stage", "target", "title", "tries", "until", "via", "was", "why",
}

// eventShown is an event in a timeline, as its reader may see it: where a call came from, and the reason of a decision
// that was not shared, are for those whose role is to read the audit (security.md T49).
func (d *Directory) eventShown(ctx context.Context, e audit.Entry) TimelineEvent {
	shown := TimelineEvent{
		Id: e.ID, At: e.At, Name: e.Name, Result: TimelineEventResult(e.Result), Target: text(e.Target), RequestId: text(e.RequestID),
		Actor: &Actor{Kind: ActorKind(e.Actor.Kind), Id: text(e.Actor.ID), Name: text(e.Actor.Name)},
	}
	facts := e.Data
	if d.options.ReadsAudit(ctx) {
		shown.Address = text(e.Address)
	} else {
		facts = plain(e)
	}
	if len(facts) > 0 {
		shown.Data = &facts
	}
	return shown
}

// plain are the event's facts for every reader. A mail server's reason is about a mail, not about a person.
func plain(e audit.Entry) map[string]any {
	facts := map[string]any{}
	for name, fact := range e.Data {
		shared := name == "reason" && (e.Data["reasonShared"] == true || e.Name == "notification.failed")
		if shared || slices.Contains(plainFacts, name) {
			facts[name] = fact
		}
	}
	return facts
}

func ptr[T any](v T) *T { return &v }

// text is nil for an empty text, which the contract leaves out.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
