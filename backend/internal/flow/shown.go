package flow

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"

	"github.com/vestibule-id/vestibule/backend/internal/directory"
)

// Catalogue knows what can be granted. The directory is one.
type Catalogue interface {
	// AppsByName returns those of the named apps that exist, in any order.
	AppsByName(ctx context.Context, names []string) ([]directory.App, error)
	// GroupsByName returns those of the named groups that exist, in any order.
	GroupsByName(ctx context.Context, names []string) ([]directory.Group, error)
}

// Best is the language of d for what a reader asks for: tags in the order of preference, header an Accept-Language. The
// flow's first language if it has none of them.
func (d Definition) Best(header string, tags ...string) string {
	matcher := matcherFor(d.Languages)
	for _, tag := range tags {
		if wanted, err := language.Parse(tag); err == nil {
			if _, i, sure := matcher.Match(wanted); sure >= language.Low {
				return d.Languages[i]
			}
		}
	}
	if len(header) <= maxHeader {
		if wanted, _, err := language.ParseAcceptLanguage(header); err == nil && len(wanted) > 0 {
			_, i, _ := matcher.Match(wanted...)
			return d.Languages[i]
		}
	}
	return d.Default()
}

// matchers by the languages they choose from: making one is slow, and flows have few different sets of languages.
var matchers sync.Map

func matcherFor(languages []string) language.Matcher {
	key := strings.Join(languages, " ")
	if m, ok := matchers.Load(key); ok {
		return m.(language.Matcher)
	}
	supported := make([]language.Tag, len(languages))
	for i, name := range languages {
		supported[i] = language.Make(name)
	}
	m := language.NewMatcher(supported)
	matchers.Store(key, m)
	return m
}

// maxHeader is the longest Accept-Language that is read, in bytes.
const maxHeader = 512

// shownFresh is how long a flow is shown with the titles and logos that its grants had.
const shownFresh = 10 * time.Second

type shownKey struct {
	versionKey
	lang string
}

type shownFlow struct {
	flow  Flow
	until time.Time
}

// Shown is v as an applicant may see it, in the best language for lang. Who decides is named by team only. What is
// granted has its title from the catalogue; what does not exist any more is left out. The caller must not change what
// the answer points to: it is made once per version and language, and again when shownFresh is over.
func (s *Service) Shown(ctx context.Context, v *Version, lang string) (Flow, error) {
	key, now := shownKey{versionKey{v.Slug, v.Number}, v.Best("", lang)}, s.clock.Now()
	s.mu.Lock()
	known, ok := s.shown[key]
	s.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.flow, nil
	}
	grants, err := s.grants(ctx, v, key.lang)
	if err != nil {
		return Flow{}, err
	}
	out := show(v, key.lang, grants)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.shown) >= maxVersions {
		s.shown = map[shownKey]shownFlow{}
	}
	s.shown[key] = shownFlow{out, now.Add(shownFresh)}
	return out, nil
}

func show(v *Version, lang string, grants []GrantShown) Flow {
	t := texts{lang: lang, fallback: v.Default()}
	out := Flow{
		Slug: v.Slug, Version: v.Number, Language: lang, Languages: v.Languages, Title: t.in(v.Title), Description: t.in(v.Description),
		Audience: t.opt(v.Audience), AnswerTime: t.opt(v.AnswerTime), Minutes: v.Minutes, EmailHint: t.opt(v.EmailHint), Privacy: t.opt(v.Privacy),
		IdentityMethods: []FlowIdentityMethods{FlowIdentityMethodsEmail}, Pages: []FlowPage{}, Terms: []Terms{}, Grants: grants,
		Decision: DecisionShown{Automatic: v.Approval.Automatic}, EndsAfterDays: opt(v.Ends.AfterDays), Contact: t.contact(v.Contact),
	}
	if out.Minutes == 0 {
		out.Minutes = defaultMinutes
	}
	if len(v.Approval.Stages) > 0 {
		out.Decision.Team = t.opt(v.Approval.Stages[0].Team)
	}
	var needs []string
	for _, need := range v.Needs {
		needs = append(needs, t.in(need))
	}
	out.Needs = optList(needs)
	for _, p := range v.Pages {
		out.Pages = append(out.Pages, t.page(p))
	}
	for _, terms := range v.Terms {
		out.Terms = append(out.Terms, Terms{
			Id: terms.ID, Version: terms.Version, Date: terms.Date, Title: t.in(terms.Title), Statement: t.in(terms.Statement),
			Text: t.opt(terms.Text), Url: t.opt(terms.URL),
		})
	}
	return out
}

// texts writes texts in one language.
type texts struct{ lang, fallback string }

func (t texts) in(x Text) string { return x.In(t.lang, t.fallback) }

func (t texts) opt(x Text) *string { return opt(t.in(x)) }

func (t texts) contact(c ContactPoint) *Contact {
	shown := Contact{Name: t.opt(c.Name), Email: opt(c.Email), Phone: opt(c.Phone)}
	if shown == (Contact{}) {
		return nil
	}
	return &shown
}

func (t texts) page(p Page) FlowPage {
	out := FlowPage{Id: p.ID, Title: t.in(p.Title), Description: t.opt(p.Description), Fields: []FlowField{}}
	for _, f := range p.Fields {
		out.Fields = append(out.Fields, t.field(f))
	}
	return out
}

func (t texts) field(f Field) FlowField {
	out := FlowField{
		Name: f.Name, Type: FlowFieldType(f.Type), Label: t.in(f.Label), Hint: t.opt(f.Hint), Required: f.Required, Missing: t.opt(f.Missing),
		Autocomplete: opt(f.Autocomplete), MinLength: opt(f.MinLength), Min: f.Min, Max: f.Max, MinDate: opt(f.MinDate), MaxDate: opt(f.MaxDate),
		WholeNumber: opt(f.WholeNumber),
	}
	if f.Type == TypeText || f.Type == TypeLongText {
		out.MaxLength = opt(f.longest())
	}
	var options []FlowOption
	for _, o := range f.Options {
		options = append(options, FlowOption{Value: o.Value, Label: t.in(o.Label), Hint: t.opt(o.Hint)})
	}
	out.Options = optList(options)
	if f.When != nil {
		when := showWhen(*f.When)
		out.When = &when
	}
	return out
}

func showWhen(c Condition) When {
	out := When{Field: opt(c.Field), Is: c.Is, IsNot: c.IsNot, Answered: c.Answered, In: optList(c.In)}
	for key, list := range map[**[]When][]Condition{&out.All: c.All, &out.Any: c.Any} {
		var inner []When
		for _, one := range list {
			inner = append(inner, showWhen(one))
		}
		*key = optList(inner)
	}
	return out
}

// opt is nil for what was not given.
func opt[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func optList[T any](list []T) *[]T {
	if len(list) == 0 {
		return nil
	}
	return &list
}

// grants are what v gives, in the flow's order, as the catalogue calls them.
func (s *Service) grants(ctx context.Context, v *Version, lang string) ([]GrantShown, error) {
	apps, err := s.catalogue.AppsByName(ctx, v.Grants.Apps)
	if err != nil {
		return nil, err
	}
	groups, err := s.catalogue.GroupsByName(ctx, v.Grants.Groups)
	if err != nil {
		return nil, err
	}
	out := []GrantShown{}
	for _, name := range v.Grants.Apps {
		if i := slices.IndexFunc(apps, func(a directory.App) bool { return a.Name == name }); i >= 0 {
			app := apps[i]
			out = append(out, GrantShown{Kind: GrantShownKindApp, Name: app.Title, Description: opt(app.DescriptionIn(lang)), LogoUrl: opt(app.Logo)})
		}
	}
	for _, name := range v.Grants.Groups {
		if i := slices.IndexFunc(groups, func(g directory.Group) bool { return g.Name == name }); i >= 0 {
			group := groups[i]
			out = append(out, GrantShown{Kind: GrantShownKindGroup, Name: group.Title, Description: opt(group.Description)})
		}
	}
	return out, nil
}
