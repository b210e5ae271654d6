package directory

import (
	"slices"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Kinds of grants.
const (
	KindApp   = "app"
	KindGroup = "group"
)

// Identity is a way in which a person proves who they are; issuer and assigned id together belong to one person.
type Identity struct {
	ID               string
	UserID           string
	SignInType       string // "federated" for all that is proved elsewhere, one-time codes by mail included
	Issuer           string // "mail" for one-time codes, as Microsoft Graph has it
	IssuerAssignedID string
	CreatedAt        time.Time
}

// TableName of the model.
func (Identity) TableName() string { return "directory_identities" }

// Identities made here, as Microsoft Graph writes them.
const (
	SignInFederated = "federated"
	IssuerMail      = "mail"
)

// Organisation is a partner company, known by its domain.
type Organisation struct {
	ID        string
	Name      string
	Domain    string // lower-case A-labels
	CreatedAt time.Time
}

// TableName of the model.
func (Organisation) TableName() string { return "directory_organisations" }

// Group of people. Name is what flows refer to, Title what people read.
type Group struct {
	ID          string
	Name        string
	Title       string
	Description string
	CreatedAt   time.Time
}

// TableName of the model.
func (Group) TableName() string { return "directory_groups" }

// App that people may be assigned to. Name is what flows refer to, Title what people read.
type App struct {
	ID          string
	Name        string
	Title       string
	Description database.JSON[map[string]string] // by language, such as {"en": "Plans and sections"}
	LaunchURL   string
	Logo        string // path of a static file of this house; empty for none
	Collection  string
	Owner       string
	CreatedAt   time.Time
}

// TableName of the model.
func (App) TableName() string { return "directory_apps" }

// DescriptionIn is the description in the language of the reader, else in English, else in any; empty if there is none.
func (a App) DescriptionIn(lang string) string { return inLanguage(a.Description.V, lang) }

// Grant is membership of a group or assignment to an app, with an end.
type Grant struct {
	ID        string
	UserID    string
	Kind      string // KindApp or KindGroup
	TargetID  string
	Via       string // where it comes from: the flow's title
	RequestID *string
	Since     time.Time
	Until     *time.Time // nil: no end
	EndedAt   *time.Time // ended before Until, or noticed to have ended

	// Name, Title and Logo of the app or group.
	Name  string `gorm:"-:migration;->"`
	Title string `gorm:"-:migration;->"`
	Logo  string `gorm:"-:migration;->"`
}

// TableName of the model.
func (Grant) TableName() string { return "directory_grants" }

// Live tells whether the grant holds at this instant.
func (g Grant) Live(now time.Time) bool {
	return g.EndedAt == nil && (g.Until == nil || g.Until.After(now))
}

// target is an app or a group as a grant needs it.
type target struct{ kind, id, name, title, logo string }

// grantAll gives the person everything the request grants and returns those grants, apps first. The caller holds the
// person's row, so that nobody else changes their grants meanwhile.
func (d *Directory) grantAll(tx *database.Tx, u *User, a Admission) ([]Grant, error) {
	targets, missing, err := d.targets(tx, a)
	if err != nil {
		return nil, err
	}
	for _, m := range missing {
		err := d.audit.Record(tx, audit.Event{
			Name: "directory.grant_missing", Result: audit.Refused, Target: u.ID, Subject: d.audit.Subject(u.Address),
			Data: map[string]any{"kind": m.kind, "name": m.name, "request": a.RequestID},
		})
		if err != nil {
			return nil, err
		}
	}
	grants := make([]Grant, 0, len(targets))
	for _, t := range targets {
		g, err := d.grantOne(tx, u, t, a)
		if err != nil {
			return nil, err
		}
		g.Name, g.Title, g.Logo = t.name, t.title, t.logo
		grants = append(grants, *g)
	}
	return grants, nil
}

// heldOf lists what the request grants as the person holds it now, for a request that has taken effect before.
func (d *Directory) heldOf(tx *database.Tx, u *User, a Admission) ([]Grant, error) {
	all, err := grantsOf(tx.DB, u.ID)
	return slices.DeleteFunc(all, func(g Grant) bool {
		names := a.Apps
		if g.Kind == KindGroup {
			names = a.Groups
		}
		return !g.Live(tx.Now) || !slices.Contains(names, g.Name)
	}), err
}

// targets finds what the request names, and which names mean nothing.
func (d *Directory) targets(tx *database.Tx, a Admission) (targets, missing []target, err error) {
	apps, err := byName[App](tx.DB, a.Apps)
	if err != nil {
		return nil, nil, err
	}
	groups, err := byName[Group](tx.DB, a.Groups)
	if err != nil {
		return nil, nil, err
	}
	known := map[[2]string]target{}
	for _, app := range apps {
		known[[2]string{KindApp, app.Name}] = target{KindApp, app.ID, app.Name, app.Title, app.Logo}
	}
	for _, group := range groups {
		known[[2]string{KindGroup, group.Name}] = target{KindGroup, group.ID, group.Name, group.Title, ""}
	}
	pick := func(kind string, names []string) {
		seen := map[string]bool{}
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			if t, ok := known[[2]string{kind, name}]; ok {
				targets = append(targets, t)
			} else {
				missing = append(missing, target{kind: kind, name: name})
			}
		}
	}
	pick(KindApp, a.Apps)
	pick(KindGroup, a.Groups)
	return targets, missing, nil
}

// grantOne gives one app or group until a.EndsAt, or lets a grant that is held last until then.
func (d *Directory) grantOne(tx *database.Tx, u *User, t target, a Admission) (*Grant, error) {
	held, err := liveGrant(tx, u.ID, t.kind, t.id)
	if err != nil {
		return nil, err
	}
	if held != nil && held.Live(tx.Now) {
		return held, d.lengthen(tx, u, held, t, a)
	}
	if held != nil { // its time is over: history, not to be revived
		if err := updateGrant(tx, held.ID, map[string]any{"ended_at": *held.Until}); err != nil {
			return nil, err
		}
	}
	g := &Grant{
		ID: d.ids.New("grt"), UserID: u.ID, Kind: t.kind, TargetID: t.id, Via: a.FlowTitle, Since: tx.Now, Until: a.EndsAt,
		RequestID: &a.RequestID,
	}
	if err := insertGrant(tx, g); err != nil {
		return nil, err
	}
	return g, d.record(tx, "directory.grant_added", u, grantFacts(t, a, g.Until))
}

func (d *Directory) lengthen(tx *database.Tx, u *User, held *Grant, t target, a Admission) error {
	until := laterEnd(held.Until, a.EndsAt)
	if sameEnd(until, held.Until) {
		return nil
	}
	held.Until = until
	if err := updateGrant(tx, held.ID, map[string]any{"until": until, "request_id": a.RequestID}); err != nil {
		return err
	}
	return d.record(tx, "directory.grant_extended", u, grantFacts(t, a, until))
}

func grantFacts(t target, a Admission, until *time.Time) map[string]any {
	return map[string]any{
		"kind": t.kind, "target": t.id, "name": t.name, "title": t.title, "via": a.FlowTitle, "request": a.RequestID, "until": stamp(until),
	}
}
