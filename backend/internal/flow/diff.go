package flow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Difference is what applying a flow would change.
type Difference struct {
	Slug string
	// From is the published version; 0 if there is none.
	From int
	// Words says it for people, one change each; empty if nothing changes.
	Words []string
	// Lines is the unified difference of the canonical forms.
	Lines string
}

// Changes says whether applying would make a new version.
func (d Difference) Changes() bool { return d.Lines != "" }

// String is both, for a terminal.
func (d Difference) String() string {
	if !d.Changes() {
		return fmt.Sprintf("%s: unchanged, version %d\n", d.Slug, d.From)
	}
	head := fmt.Sprintf("%s: version %d becomes %d\n", d.Slug, d.From, d.From+1)
	if d.From == 0 {
		head = d.Slug + ": new\n"
	}
	for _, w := range d.Words {
		head += "  " + w + "\n"
	}
	return head + "\n" + d.Lines
}

// Diff says what Apply would change, and changes nothing. It returns [Mistakes] where Apply would.
func (s *Service) Diff(ctx context.Context, files []File) ([]Difference, error) {
	sources, err := s.sound(ctx, files)
	if err != nil {
		return nil, err
	}
	var out []Difference
	for _, source := range sources {
		published, err := s.Newest(ctx, source.Slug)
		switch {
		case errors.Is(err, ErrUnknown):
			out = append(out, Difference{
				Slug: source.Slug, Words: changes(Definition{}, source.Definition),
				Lines: unified("", string(Print(source.Slug, source.Definition))),
			})
		case err != nil:
			return nil, err
		default:
			out = append(out, compare(source.Slug, published.Number, published.Definition, source.Definition))
		}
	}
	return out, nil
}

func compare(slug string, from int, old, next Definition) Difference {
	d := Difference{Slug: slug, From: from}
	a, b := Print(slug, old), Print(slug, next)
	if !bytes.Equal(a, b) {
		d.Words, d.Lines = changes(old, next), unified(string(a), string(b))
	}
	return d
}

// changes says in words what became different.
func changes(old, next Definition) []string {
	w := words{old: old, next: next}
	w.top()
	w.list("Page", pageLines(old), pageLines(next))
	w.fields()
	w.list("Terms", termLines(old), termLines(next))
	w.list("Stage", stageLines(old), stageLines(next))
	w.set("app granted", old.Grants.Apps, next.Grants.Apps)
	w.set("group granted", old.Grants.Groups, next.Grants.Groups)
	w.set("language", old.Languages, next.Languages)
	return w.out
}

type words struct {
	old, next Definition
	out       []string
}

func (w *words) say(format string, args ...any) { w.out = append(w.out, fmt.Sprintf(format, args...)) }

// topNames are what is said about keys of spec as a whole.
var topNames = []struct{ key, name string }{
	{"title", "Title"}, {"description", "Description"}, {"audience", "Audience"}, {"needs", "What to have at hand"},
	{"answerTime", "Time until an answer"}, {"minutes", "Minutes it takes"}, {"emailHint", "Hint for the email"},
	{"privacy", "Privacy notice"}, {"contact", "Contact"}, {"closedReason", "Reason for being closed"}, {"opensAt", "Opening time"},
	{"identity", "Proof of identity"}, {"domains", "Accepted domains"}, {"limits", "Limits"}, {"profile", "What goes into the profile"},
	{"ends", "End of access"},
}

func (w *words) top() {
	old, next := reflect.ValueOf(w.old), reflect.ValueOf(w.next)
	at := fieldsOf(old.Type())
	if w.old.State != w.next.State {
		w.say("%s", map[bool]string{true: "The flow closes", false: "The flow opens"}[w.next.State == StateClosed])
	}
	for _, top := range topNames {
		a, b := old.Field(at[top.key]), next.Field(at[top.key])
		switch {
		case reflect.DeepEqual(a.Interface(), b.Interface()):
		case isEmpty(a):
			w.say("%s added", top.name)
		case isEmpty(b):
			w.say("%s removed", top.name)
		default:
			w.say("%s changed", top.name)
		}
	}
	if w.old.Approval.Automatic != w.next.Approval.Automatic {
		w.say("%s", map[bool]string{true: "Approves by itself", false: "People decide"}[w.next.Approval.Automatic])
	}
}

// named is a part of a flow with what to call it and what it says.
type named struct {
	id, title string
	says      any
}

func pageLines(d Definition) (out []named) {
	for _, p := range d.Pages {
		p.Fields = nil
		out = append(out, named{p.ID, p.Title.In(d.Default()), p})
	}
	return out
}

func termLines(d Definition) (out []named) {
	for _, t := range d.Terms {
		out = append(out, named{t.ID, t.Title.In(d.Default()) + ", version " + t.Version, t})
	}
	return out
}

func stageLines(d Definition) (out []named) {
	for _, s := range d.Approval.Stages {
		out = append(out, named{s.ID, s.Team.In(d.Default()), s})
	}
	return out
}

func (w *words) list(kind string, old, next []named) {
	find := func(list []named, id string) int {
		return slices.IndexFunc(list, func(n named) bool { return n.id == id })
	}
	for _, n := range next {
		if i := find(old, n.id); i < 0 {
			w.say("%s “%s” (%s) added", kind, n.title, n.id)
		} else if !reflect.DeepEqual(old[i].says, n.says) {
			w.say("%s “%s” (%s) changed", kind, n.title, n.id)
		}
	}
	for _, n := range old {
		if find(next, n.id) < 0 {
			w.say("%s “%s” (%s) removed", kind, n.title, n.id)
		}
	}
}

func (w *words) set(what string, old, next []string) {
	for _, name := range next {
		if !slices.Contains(old, name) {
			w.say("%s added: %s", upperFirst(what), name)
		}
	}
	for _, name := range old {
		if !slices.Contains(next, name) {
			w.say("%s removed: %s", upperFirst(what), name)
		}
	}
}

// fields says which questions were added, removed, moved and changed, and in what.
func (w *words) fields() {
	old, next := placed(w.old), placed(w.next)
	for _, n := range next {
		i := slices.IndexFunc(old, func(o place) bool { return o.field.Name == n.field.Name })
		label := n.field.Label.In(w.next.Default())
		if i < 0 {
			w.say("Question “%s” (%s) added on page %s", label, n.field.Name, n.page)
			continue
		}
		if old[i].page != n.page {
			w.say("Question “%s” (%s) moved from page %s to %s", label, n.field.Name, old[i].page, n.page)
		}
		if keys := changedKeys(old[i].field, n.field); len(keys) > 0 {
			w.say("Question “%s” (%s) changed: %s", label, n.field.Name, strings.Join(keys, ", "))
		}
	}
	for _, o := range old {
		if w.next.Field(o.field.Name) == nil {
			w.say("Question “%s” (%s) removed", o.field.Label.In(w.old.Default()), o.field.Name)
		}
	}
}

type place struct {
	page  string
	field Field
}

func placed(d Definition) (out []place) {
	for _, p := range d.Pages {
		for _, f := range p.Fields {
			out = append(out, place{p.ID, f})
		}
	}
	return out
}

// changedKeys lists the keys in which two structs of one type differ.
func changedKeys(a, b Field) (keys []string) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			keys = append(keys, keyOf(x.Type().Field(i)))
		}
	}
	return keys
}
