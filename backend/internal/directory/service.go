package directory

import (
	"context"
	"sync/atomic"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// Options of this room.
type Options struct {
	// TenantDomain ends every guest's userPrincipalName, such as "contoso.com". Needed.
	TenantDomain string
	// MailFrom, Mailbox, Languages and Version are shown in the answer about the tenant.
	MailFrom  string
	Mailbox   bool
	Languages []string
	Version   string
	// Caller is the id of the member who asks, for sponsor=me; empty if the caller is no person.
	Caller func(ctx context.Context) string
}

// Directory holds the use cases of the room. It is safe for concurrent use.
type Directory struct {
	db       *database.DB
	audit    *audit.Log
	ids      ids.Source
	options  Options
	requests func(context.Context, User) ([]EarlierRequest, error)
	tenant   atomic.Pointer[cachedTenant]
}

// New panics on a nil need: a half-built room never opens.
func New(db *database.DB, audits *audit.Log, source ids.Source, o Options) *Directory {
	if db == nil || audits == nil || source == nil || o.TenantDomain == "" {
		panic("directory.New: a need is nil, or there is no tenant domain")
	}
	if o.Caller == nil {
		o.Caller = func(context.Context) string { return "" }
	}
	none := func(context.Context, User) ([]EarlierRequest, error) { return nil, nil }
	return &Directory{db: db, audit: audits, ids: source, options: o, requests: none}
}

// OnRequests registers who knows a guest's requests, newest first. Call it once, while the house is wired.
func (d *Directory) OnRequests(fn func(context.Context, User) ([]EarlierRequest, error)) {
	d.requests = fn
}

// ByAddress finds the guest or member who has the canonical address; nil if nobody has. Inside an act (ctx from
// tx.Context) it sees what the act has written.
func (d *Directory) ByAddress(ctx context.Context, canonical string) (*User, error) {
	return findUser(d.db.Read(ctx), "address = ?", canonical)
}

// ByAddressTx is ByAddress within an act.
func (d *Directory) ByAddressTx(tx *database.Tx, canonical string) (*User, error) {
	return findUser(tx.DB, "address = ?", canonical)
}

// ByID finds a guest or member; nil if there is none.
func (d *Directory) ByID(ctx context.Context, id string) (*User, error) {
	return findUser(d.db.Read(ctx), "id = ?", id)
}

// ByIDs finds guests and members, in the order of their ids; unknown ids are left out.
func (d *Directory) ByIDs(ctx context.Context, userIDs []string) ([]User, error) {
	return usersByID(d.db.Read(ctx), userIDs)
}

// MembersByMail finds the members who have one of the addresses; what is no address is left out.
func (d *Directory) MembersByMail(ctx context.Context, addresses ...string) ([]User, error) {
	canonical := make([]string, 0, len(addresses))
	for _, address := range addresses {
		if parsed, err := email.Parse(address); err == nil {
			canonical = append(canonical, parsed.Canonical())
		}
	}
	return membersByAddress(d.db.Read(ctx), canonical)
}

// MembersOfGroups finds the members in any of the named groups, in the order of their ids.
func (d *Directory) MembersOfGroups(ctx context.Context, names []string) ([]User, error) {
	return membersOfGroups(d.db.Read(ctx), names, d.db.Now())
}

// MembersWithRole finds the members who have the role, in the order of their ids.
func (d *Directory) MembersWithRole(ctx context.Context, role string) ([]User, error) {
	return membersWithRole(d.db.Read(ctx), d.db.Dialect(), role)
}

// AppsByName finds apps; unknown names are left out.
func (d *Directory) AppsByName(ctx context.Context, names []string) ([]App, error) {
	return byName[App](d.db.Read(ctx), names)
}

// GroupsByName finds groups; unknown names are left out.
func (d *Directory) GroupsByName(ctx context.Context, names []string) ([]Group, error) {
	return byName[Group](d.db.Read(ctx), names)
}

// OrganisationByDomain finds the partner organisation of a domain; nil if there is none.
func (d *Directory) OrganisationByDomain(ctx context.Context, domain string) (*Organisation, error) {
	return findOrganisation(d.db.Read(ctx), "domain = ?", domain)
}

// OrganisationOf finds the organisation of a guest; nil if they have none.
func (d *Directory) OrganisationOf(ctx context.Context, u User) (*Organisation, error) {
	if u.OrganisationID == nil {
		return nil, nil
	}
	return findOrganisation(d.db.Read(ctx), "id = ?", *u.OrganisationID)
}

// maxColleagues is where ColleaguesActive stops counting.
const maxColleagues = 100

// ColleaguesActive counts the guests of the domain's organisation who may sign in now, at most 100.
func (d *Directory) ColleaguesActive(ctx context.Context, domain string) (int, error) {
	org, err := d.OrganisationByDomain(ctx, domain)
	if err != nil || org == nil {
		return 0, err
	}
	return countActive(d.db.Read(ctx), org.ID, d.db.Now())
}

// GrantsOf lists everything a person was ever granted, what holds first, then the newest, at most 1,000.
func (d *Directory) GrantsOf(ctx context.Context, userID string) ([]Grant, error) {
	return grantsOf(d.db.Read(ctx), userID)
}

// Assignment is an app that a person may open, and the grant that says so.
type Assignment struct {
	App   App
	Grant Grant
}

// AssignmentsOf lists the apps that the person may open now, by collection and title, at most 1,000.
func (d *Directory) AssignmentsOf(ctx context.Context, userID string) ([]Assignment, error) {
	return assignmentsOf(d.db.Read(ctx), userID, d.db.Now())
}

// SignedIn notes the instant of a person's sign-in. It is no event: the room that lets people in writes that.
func (d *Directory) SignedIn(tx *database.Tx, userID string) error {
	return updateUser(tx, userID, map[string]any{"last_sign_in_at": tx.Now})
}
