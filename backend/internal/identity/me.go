package identity

import (
	"context"
	"time"
)

// Profile is what a person is told about themselves.
type Profile struct {
	Principal
	GivenName    string
	Organisation string     // of a guest; for a member, the tenant's name
	Sponsor      string     // the name of a guest's sponsor
	EndsAt       *time.Time // when a guest's access ends; nil: never
	Locale       string
}

// Profile reads who the principal is. It returns ErrNotSignedIn if they are gone.
func (s *Service) Profile(ctx context.Context, p Principal) (Profile, error) {
	user, err := s.people.ByID(ctx, p.UserID)
	if err != nil {
		return Profile{}, err
	}
	if user == nil {
		return Profile{}, ErrNotSignedIn
	}
	profile := Profile{Principal: p, GivenName: user.GivenName, EndsAt: user.EndsAt, Locale: user.Locale}
	if p.Kind != KindGuest {
		tenant, err := s.people.Tenant(ctx)
		profile.Organisation = tenant.Name
		return profile, err
	}
	organisation, err := s.people.OrganisationOf(ctx, *user)
	if err != nil {
		return Profile{}, err
	}
	if organisation != nil {
		profile.Organisation = organisation.Name
	}
	if user.SponsorID == nil {
		return profile, nil
	}
	sponsor, err := s.people.ByID(ctx, *user.SponsorID)
	if err == nil && sponsor != nil {
		profile.Sponsor = sponsor.DisplayName
	}
	return profile, err
}
