package signup

import (
	"context"

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
func (s *Service) describeLink(ctx context.Context, linkToken, signupToken string) (openLink, error) {
	info, err := s.Identity.Codes.Describe(ctx, linkToken)
	if err != nil || info.Purpose != identity.PurposeSignup {
		return openLink{info: info}, err
	}
	row, err := s.byID(ctx, info.SubjectID)
	if err != nil {
		return openLink{info: identity.LinkInfo{State: identity.LinkExpired, Purpose: info.Purpose}}, ignoreGone(err)
	}
	held, err := s.ByToken(ctx, signupToken)
	return openLink{info: info, row: row, sameBrowser: err == nil && held.ID == row.ID}, ignoreGone(err)
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
	return row, fresh, err
}
