package directory

import (
	"fmt"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

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
