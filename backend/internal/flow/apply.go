package flow

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// Mistakes is the error of Apply and Diff when the files are not fit to be published.
type Mistakes []Mistake

// Error lists them, one a line.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, one := range m {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Outcomes of applying a flow.
const (
	Created   = "created"
	Changed   = "changed"
	Unchanged = "unchanged"
)

// Applied is what became of one flow.
type Applied struct {
	Slug    string
	Version int
	Outcome string // Created, Changed or Unchanged
}

// String is a line for people.
func (a Applied) String() string {
	return fmt.Sprintf("%s %s, version %d", a.Slug, a.Outcome, a.Version)
}

// Validate reports every mistake in the files, and apps and groups that they name and that do not exist.
func (s *Service) Validate(ctx context.Context, files []File) ([]Mistake, error) {
	_, mistakes, err := s.readAll(ctx, files)
	return mistakes, err
}

// Apply publishes the flows of the files: all of them or, with any mistake, none. A flow that says what its published
// version says stays as it is. It returns [Mistakes], or ErrChanged. Writes audit "flow.published" for each new version,
// and "flow.closed" where it closes an open flow.
func (s *Service) Apply(ctx context.Context, files []File, actor audit.Actor) ([]Applied, error) {
	sources, err := s.sound(ctx, files)
	if err != nil {
		return nil, err
	}
	var applied []Applied
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		applied = make([]Applied, 0, len(sources))
		for _, source := range sources {
			one, err := s.applyOne(tx, source, actor)
			if err != nil {
				return err
			}
			applied = append(applied, one)
		}
		return nil
	})
	return applied, err
}

// Export prints the newest version in canonical form. It returns ErrUnknown.
func (s *Service) Export(ctx context.Context, slug string) ([]byte, error) {
	v, err := s.Newest(ctx, slug)
	if err != nil {
		return nil, err
	}
	return Print(v.Slug, v.Definition), nil
}

func (s *Service) applyOne(tx *database.Tx, source Source, actor audit.Actor) (Applied, error) {
	out := Applied{Slug: source.Slug, Version: 1, Outcome: Created}
	row, err := locked(tx, source.Slug)
	if err != nil {
		return out, err
	}
	wasOpen, sum := true, digest(source.Slug, source.Definition)
	if row == nil {
		row = &flowRow{ID: s.ids.New("flw"), Slug: source.Slug, Version: 1, CreatedAt: tx.Now, PublishedAt: tx.Now}
		err = insertFlow(tx, row)
	} else {
		now, e := versionOf(tx.DB, row.Slug, row.Version)
		if e != nil {
			return out, e
		}
		if now.Digest == sum {
			return Applied{Slug: row.Slug, Version: row.Version, Outcome: Unchanged}, nil
		}
		wasOpen = now.IsOpen(tx.Now)
		out.Version, out.Outcome = row.Version+1, Changed
		err = publish(tx, row, out.Version)
	}
	if err != nil {
		return out, err
	}
	version := versionRow{
		ID: s.ids.New("flv"), FlowID: row.ID, Version: out.Version, Digest: sum, PublishedBy: actor.Name, PublishedAt: tx.Now,
	}
	version.Definition.V = source.Definition
	if err := insertVersion(tx, &version); err != nil {
		return out, err
	}
	tx.AfterCommit(func() { s.believe(out.Slug, out.Version, s.clock.Now()) })
	return out, s.record(tx, row.ID, out, actor, wasOpen && !source.Definition.IsOpen(tx.Now))
}

func (s *Service) record(tx *database.Tx, id string, a Applied, actor audit.Actor, closes bool) error {
	event := audit.Event{Name: "flow.published", Actor: actor, Target: id, Data: map[string]any{"flow": a.Slug, "version": a.Version}}
	if err := s.audit.Record(tx, event); err != nil || !closes {
		return err
	}
	event.Name = "flow.closed"
	return s.audit.Record(tx, event)
}

// sound reads the files and returns [Mistakes] if there are any.
func (s *Service) sound(ctx context.Context, files []File) ([]Source, error) {
	sources, mistakes, err := s.readAll(ctx, files)
	if err == nil && len(mistakes) > 0 {
		err = Mistakes(mistakes)
	}
	return sources, err
}

// readAll is Read, and the look into the catalogue for what is granted and who decides.
func (s *Service) readAll(ctx context.Context, files []File) ([]Source, []Mistake, error) {
	sources, mistakes := Read(files...)
	for _, source := range sources {
		r := &reader{file: source.File, at: source.at}
		d := source.Definition
		apps, err := s.catalogue.AppsByName(ctx, d.Grants.Apps)
		if err != nil {
			return nil, nil, err
		}
		var known []string
		for _, app := range apps {
			known = append(known, app.Name)
		}
		r.exist(d.Grants.Apps, known, "spec.grants.apps", "app")
		lists := map[string][]string{"spec.grants.groups": d.Grants.Groups}
		for i, stage := range d.Approval.Stages {
			lists[index("spec.approval.stages", i)+".approvers.groups"] = stage.Approvers.Groups
		}
		if err := s.groupsExist(ctx, r, lists); err != nil {
			return nil, nil, err
		}
		slices.SortStableFunc(r.mistakes, func(a, b Mistake) int { return a.Line - b.Line })
		mistakes = append(mistakes, r.mistakes...)
	}
	return sources, mistakes, nil
}

func (s *Service) groupsExist(ctx context.Context, r *reader, lists map[string][]string) error {
	var wanted, known []string
	for _, list := range lists {
		wanted = append(wanted, list...)
	}
	groups, err := s.catalogue.GroupsByName(ctx, wanted)
	if err != nil {
		return err
	}
	for _, g := range groups {
		known = append(known, g.Name)
	}
	for path, list := range lists {
		r.exist(list, known, path, "group")
	}
	return nil
}

// exist reports names that are not known.
func (r *reader) exist(names, known []string, path, kind string) {
	for i, name := range names {
		if nameForm.MatchString(name) && !slices.Contains(known, name) {
			r.reportAt(index(path, i), "there is no %s %q; make it first, or correct the name", kind, name)
		}
	}
}

var _ Catalogue = (*directory.Directory)(nil)
