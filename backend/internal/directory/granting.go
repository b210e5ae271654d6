package directory

import (
	"slices"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

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
