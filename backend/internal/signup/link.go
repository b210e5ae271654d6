package signup

import (
	"context"
	"errors"

	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// openLink is what a mailed link is for, seen from a browser. Looking changes nothing.
type openLink struct {
	info        identity.LinkInfo
	row         *signup // of a sign-up's link, or nil
	sameBrowser bool
}

// describeLink reads the link that this browser has opened. signupToken is the browser's sign-up cookie.
//
// Whose browser it is comes first: the press that uses the link up also changes the cookie, and whoever comes just after
// it is told that the link is used, not that they are somebody else.
func (s *Service) describeLink(ctx context.Context, linkToken, signupToken string) (openLink, error) {
	held, err := s.ByToken(ctx, signupToken)
	if ignoreGone(err) != nil {
		return openLink{}, err
	}
	info, err := s.Identity.Codes.Describe(ctx, linkToken)
	if err != nil || info.Purpose != identity.PurposeSignup {
		return openLink{info: info}, err
	}
	row, err := s.byID(ctx, info.SubjectID)
	if err != nil {
		return openLink{info: identity.LinkInfo{State: identity.LinkExpired, Purpose: info.Purpose}}, ignoreGone(err)
	}
	return openLink{info: info, row: row, sameBrowser: held != nil && held.ID == row.ID}, nil
}

// pressLink proves the address by the mailed link, in the browser that began. It returns ErrOtherBrowser elsewhere, and
// ErrLinkUsedUp for links that no longer work.
func (s *Service) pressLink(ctx context.Context, linkToken, signupToken string) (*signup, string, error) {
	link, err := s.describeLink(ctx, linkToken, signupToken)
	switch {
	case err != nil:
		return nil, "", err
	case link.info.State != identity.LinkReady || link.row == nil:
		return nil, "", ErrLinkUsedUp
	case !link.sameBrowser:
		return nil, "", ErrOtherBrowser
	}
	fresh := s.Identity.Codes.Successor(signupToken, link.row.ID)
	row, err := s.prove(ctx, link.row.ID, fresh, func(tx *database.Tx) error {
		return s.Identity.Codes.ConsumeLink(tx, linkToken, identity.PurposeSignup, link.row.ID)
	})
	if errors.Is(err, identity.ErrLinkSpent) { // another press came first
		err = ErrLinkUsedUp
	}
	return row, fresh, err
}
