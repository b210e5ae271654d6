package directory

import (
	"context"
	"fmt"
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
	// ReadsAudit says whether the caller's role is to read the audit: timelines show them everything. Nobody's if it is nil.
	ReadsAudit func(ctx context.Context) bool
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
	if o.ReadsAudit == nil {
		o.ReadsAudit = func(context.Context) bool { return false }
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

// NewMember is an employee to be added.
type NewMember struct {
	Name      string
	GivenName string
	Surname   string
	Mail      email.Address
	JobTitle  string
	Locale    string
	Roles     []string // of settled.md §11: admin, flowDesigner, policyAdmin, guestInviter, auditor, operator
	Groups    []string // names of groups that exist
}

// AddMember adds an employee; their userPrincipalName is their address. It returns ErrMemberAddress or ErrAddressTaken
// when the address has somebody already. Writes audit "directory.member_added".
func (d *Directory) AddMember(tx *database.Tx, m NewMember) (*User, error) {
	u := &User{
		ID: d.ids.New("mem"), UserType: TypeMember, UserPrincipalName: m.Mail.Canonical(),
		DisplayName: firstNonEmpty(m.Name, joinName(m.GivenName, m.Surname), m.Mail.String()),
		GivenName:   m.GivenName, Surname: m.Surname, Mail: m.Mail.String(), Address: m.Mail.Canonical(), JobTitle: m.JobTitle,
		Locale: m.Locale, AccountEnabled: true, CreatedAt: tx.Now, UpdatedAt: tx.Now,
	}
	u.Attributes.V, u.Roles.V = []Attribute{}, append([]string{}, m.Roles...)
	u.settle(nil)
	inserted, err := insertUser(tx, u)
	if err != nil {
		return nil, err
	}
	if !inserted {
		return nil, d.whoseAddress(tx, u.Address)
	}
	if err := d.record(tx, "directory.member_added", u, map[string]any{"roles": u.Roles.V, "groups": m.Groups}); err != nil {
		return nil, err
	}
	return u, d.joinGroups(tx, u, m.Groups)
}

func (d *Directory) whoseAddress(tx *database.Tx, address string) error {
	holder, err := findUser(tx.DB, "address = ?", address)
	if err == nil && holder != nil && !holder.IsGuest() {
		return ErrMemberAddress
	}
	if err == nil {
		return ErrAddressTaken
	}
	return err
}

func (d *Directory) joinGroups(tx *database.Tx, u *User, names []string) error {
	groups, err := byName[Group](tx.DB, names)
	if err != nil {
		return err
	}
	if len(groups) < len(names) {
		return fmt.Errorf("directory: a group of %v does not exist", names)
	}
	for _, group := range groups {
		g := &Grant{ID: d.ids.New("grt"), UserID: u.ID, Kind: KindGroup, TargetID: group.ID, Since: tx.Now}
		if err := insertGrant(tx, g); err != nil {
			return err
		}
	}
	return nil
}

// PutApp adds an app, or changes the one of the same Name, and returns it with its id.
// Writes audit "directory.app_put".
func (d *Directory) PutApp(tx *database.Tx, a App) (*App, error) {
	a.ID, a.CreatedAt = d.ids.New("app"), tx.Now
	if a.Description.V == nil {
		a.Description.V = map[string]string{}
	}
	app, err := put(tx, &a, a.Name, "title", "description", "launch_url", "logo", "collection", "owner")
	if err != nil {
		return nil, err
	}
	return app, d.recordThing(tx, "directory.app_put", app.ID, app.Name)
}

// PutGroup adds a group, or changes the one of the same Name, and returns it with its id.
// Writes audit "directory.group_put".
func (d *Directory) PutGroup(tx *database.Tx, g Group) (*Group, error) {
	g.ID, g.CreatedAt = d.ids.New("grp"), tx.Now
	group, err := put(tx, &g, g.Name, "title", "description")
	if err != nil {
		return nil, err
	}
	return group, d.recordThing(tx, "directory.group_put", group.ID, group.Name)
}

// PutOrganisation adds a partner organisation and returns it, or the one that the domain has already.
func (d *Directory) PutOrganisation(tx *database.Tx, o Organisation) (*Organisation, error) {
	o.ID, o.CreatedAt = d.ids.New("org"), tx.Now
	if err := insertOrganisation(tx, &o); err != nil {
		return nil, err
	}
	org, err := findOrganisation(tx.DB, "domain = ?", o.Domain)
	if err == nil && org == nil {
		err = fmt.Errorf("directory: the organisation of %s was neither found nor made", o.Domain)
	}
	return org, err
}
