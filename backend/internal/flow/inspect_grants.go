package flow

import (
	"regexp"
	"slices"
)

func (i *inspection) approval() {
	a := &i.d.Approval
	switch {
	case a.Automatic && len(a.Stages) > 0:
		i.reportAt("spec.approval", "a flow is decided automatically or in stages; keep one of the two")
	case !a.Automatic && len(a.Stages) == 0:
		i.reportAt("spec.approval", "say who decides: write stages, or automatic: true if nobody has to")
	case len(a.Stages) > maxStages:
		i.reportAt("spec.approval.stages", "keep to %d stages", maxStages)
	}
	seen := map[string]bool{}
	for n := range a.Stages {
		s, path := &a.Stages[n], index("spec.approval.stages", n)
		i.id(s.ID, join(path, "id"), seen)
		i.need(s.Team, join(path, "team"), "how applicants read of those who decide")
		i.approvers(&s.Approvers, join(path, "approvers"))
		if s.DueAfter > 0 && s.ExpireAfter > 0 && s.DueAfter > s.ExpireAfter {
			i.reportAt(join(path, "dueAfter"), "the decision would be due after %s, when the request has expired after %s; make it earlier", s.DueAfter, s.ExpireAfter)
		}
	}
}

func (i *inspection) approvers(a *Approvers, path string) {
	if len(a.People) == 0 && len(a.Groups) == 0 {
		what := "name people or groups who decide"
		if a.NamedIn != "" {
			what = "name people or groups who decide when the applicant names nobody of ours"
		}
		i.reportAt(path, "%s", what)
	}
	if a.NamedIn != "" {
		if f := i.field[a.NamedIn]; f == nil || f.Type != TypeSponsor {
			i.reportAt(join(path, "namedIn"), "%q is no field of type sponsor; name one", cut(a.NamedIn))
		}
	}
	for n := range a.People {
		i.address(&a.People[n], index(join(path, "people"), n))
	}
	i.names(a.People, join(path, "people"), nil)
	i.names(a.Groups, join(path, "groups"), nameForm)
}

// names holds a list of names to a form, and refuses doubled ones.
func (i *inspection) names(list []string, path string, form *regexp.Regexp) {
	if len(list) > maxNames {
		i.reportAt(path, "keep to %d entries", maxNames)
	}
	for n, name := range list {
		if form != nil && !form.MatchString(name) {
			i.reportAt(index(path, n), "%q is no name; write small letters, digits and hyphens", cut(name))
		} else if slices.Index(list, name) < n {
			i.reportAt(index(path, n), "%s is here twice; keep one", cut(name))
		}
	}
}

func (i *inspection) grants() {
	i.names(i.d.Grants.Apps, "spec.grants.apps", nameForm)
	i.names(i.d.Grants.Groups, "spec.grants.groups", nameForm)
	ends := i.d.Ends
	i.within(ends.AfterDays, 0, maxDays, "spec.ends.afterDays")
	i.within(ends.MaxDays, 0, maxDays, "spec.ends.maxDays")
	if ends.MaxDays > 0 && (ends.AfterDays == 0 || ends.MaxDays < ends.AfterDays) {
		i.reportAt("spec.ends.maxDays", "maxDays is the most that an approver may give; make it no less than afterDays")
	}
}
