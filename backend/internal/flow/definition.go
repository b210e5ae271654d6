package flow

import (
	"slices"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// Definition is what a version of a flow says. Only [Read] makes one that may be published; it never changes after.
// The yaml tags are the keys of the file in canonical order; the form is described in docs/flows.md.
type Definition struct {
	// Languages are BCP 47 tags; every text is there in all of them. The first is the default.
	Languages   []string `yaml:"languages" json:"languages"`
	Title       Text     `yaml:"title" json:"title"`
	Description Text     `yaml:"description,omitempty" json:"description,omitempty"`
	// Audience is whom it is for, one line.
	Audience Text `yaml:"audience,omitempty" json:"audience,omitempty"`
	// Needs is what to have at hand before beginning.
	Needs []Text `yaml:"needs,omitempty" json:"needs,omitempty"`
	// AnswerTime is how long an answer usually takes, in words.
	AnswerTime Text `yaml:"answerTime,omitempty" json:"answerTime,omitempty"`
	// Minutes is how long it takes to fill in, 1–120; 3 if it is left out.
	Minutes int `yaml:"minutes,omitempty" json:"minutes,omitempty"`
	// EmailHint stands beside the field for the applicant's own address.
	EmailHint Text         `yaml:"emailHint,omitempty" json:"emailHint,omitempty"`
	Privacy   Text         `yaml:"privacy,omitempty" json:"privacy,omitempty"`
	Contact   ContactPoint `yaml:"contact,omitempty" json:"contact,omitzero"`

	// State is StateOpen or StateClosed; open if it is left out.
	State        string     `yaml:"state,omitempty" json:"state,omitempty"`
	ClosedReason Text       `yaml:"closedReason,omitempty" json:"closedReason,omitempty"`
	OpensAt      *time.Time `yaml:"opensAt,omitempty" json:"opensAt,omitempty"`

	// Identity lists how applicants prove who they are; [email] if it is left out.
	Identity []string `yaml:"identity,omitempty" json:"identity,omitempty"`
	Domains  Domains  `yaml:"domains,omitempty" json:"domains,omitzero"`
	Limits   Limits   `yaml:"limits,omitempty" json:"limits,omitzero"`

	Pages   []Page         `yaml:"pages" json:"pages"`
	Profile Profile        `yaml:"profile,omitempty" json:"profile,omitzero"`
	Terms   []TermsVersion `yaml:"terms,omitempty" json:"terms,omitempty"`

	Approval Approval `yaml:"approval" json:"approval"`
	Grants   Grants   `yaml:"grants,omitempty" json:"grants,omitzero"`
	Ends     Ends     `yaml:"ends,omitempty" json:"ends,omitzero"`

	speaks string // language of the labels in field errors; see Speaking
}

// States of a flow.
const (
	StateOpen   = "open"
	StateClosed = "closed"
)

// IdentityEmail is proof by a code mailed to the address.
const IdentityEmail = "email"

// defaultMinutes is how long a flow says to take if it does not say.
const defaultMinutes = 3

// ContactPoint is whom an applicant may call or write to.
type ContactPoint struct {
	Name  Text   `yaml:"name,omitempty" json:"name,omitempty"`
	Email string `yaml:"email,omitempty" json:"email,omitempty"`
	Phone string `yaml:"phone,omitempty" json:"phone,omitempty"`
}

// Domains says whose addresses may sign up. Deny beats Allow; an empty Allow accepts every domain.
type Domains struct {
	Allow []string `yaml:"allow,omitempty" json:"allow,omitempty"`
	Deny  []string `yaml:"deny,omitempty" json:"deny,omitempty"`
}

// Accepts says whether a may sign up. A rule that cannot be read accepts nobody; Read lets none through.
func (d Domains) Accepts(a email.Address) bool {
	rules, _, err := email.ParseRules(d.Allow, d.Deny)
	return err == nil && rules.Accept(a.Domain)
}

// Limits keep a flow from being flooded.
type Limits struct {
	// MaxRequestsPerDay is how many requests are taken in 24 hours; 0 means any number.
	MaxRequestsPerDay int `yaml:"maxRequestsPerDay,omitempty" json:"maxRequestsPerDay,omitempty"`
}

// Page is what is asked together.
type Page struct {
	ID          string  `yaml:"id" json:"id"`
	Title       Text    `yaml:"title" json:"title"`
	Description Text    `yaml:"description,omitempty" json:"description,omitempty"`
	Fields      []Field `yaml:"fields" json:"fields"`
}

// Types of fields.
const (
	TypeText     = "text"
	TypeLongText = "longText"
	TypeEmail    = "email"
	TypePhone    = "phone"
	TypeCountry  = "country"
	TypeChoice   = "choice"
	TypeChoices  = "choices"
	TypeCheckbox = "checkbox"
	TypeDate     = "date"
	TypeNumber   = "number"
	TypeURL      = "url"
	// TypeSponsor is the exact e-mail address of an employee. It never searches the directory.
	TypeSponsor = "sponsor"
)

// Types lists all types of fields.
var Types = []string{
	TypeText, TypeLongText, TypeEmail, TypePhone, TypeCountry, TypeChoice, TypeChoices, TypeCheckbox, TypeDate, TypeNumber,
	TypeURL, TypeSponsor,
}

// Field is one question.
type Field struct {
	// Name is the key of the answer: a small letter, then letters and digits, at most 40, unique in the flow.
	Name     string `yaml:"name" json:"name"`
	Type     string `yaml:"type" json:"type"`
	Label    Text   `yaml:"label" json:"label"`
	Hint     Text   `yaml:"hint,omitempty" json:"hint,omitempty"`
	Required bool   `yaml:"required,omitempty" json:"required,omitempty"`
	// Missing is the sentence when a required answer is not there; one made of the label if it is left out.
	Missing      Text   `yaml:"missing,omitempty" json:"missing,omitempty"`
	Autocomplete string `yaml:"autocomplete,omitempty" json:"autocomplete,omitempty"`
	// MinLength and MaxLength are in characters, for text and longText.
	MinLength int `yaml:"minLength,omitempty" json:"minLength,omitempty"`
	MaxLength int `yaml:"maxLength,omitempty" json:"maxLength,omitempty"`
	// Min and Max are inclusive, for number.
	Min         *float64 `yaml:"min,omitempty" json:"min,omitempty"`
	Max         *float64 `yaml:"max,omitempty" json:"max,omitempty"`
	WholeNumber bool     `yaml:"wholeNumber,omitempty" json:"wholeNumber,omitempty"`
	// MinDate and MaxDate are inclusive, YYYY-MM-DD, for date.
	MinDate string     `yaml:"minDate,omitempty" json:"minDate,omitempty"`
	MaxDate string     `yaml:"maxDate,omitempty" json:"maxDate,omitempty"`
	Options []Option   `yaml:"options,omitempty" json:"options,omitempty"`
	When    *Condition `yaml:"when,omitempty" json:"when,omitempty"`
}

// Option is one answer to choose.
type Option struct {
	Value string `yaml:"value" json:"value"`
	Label Text   `yaml:"label" json:"label"`
	Hint  Text   `yaml:"hint,omitempty" json:"hint,omitempty"`
}

// Condition decides whether a field is shown: Field with one of Is, IsNot, In, Answered; or All, or Any, of conditions.
// Values are strings, float64 or booleans.
type Condition struct {
	Field    string      `yaml:"field,omitempty" json:"field,omitempty"`
	Is       any         `yaml:"is,omitempty" json:"is,omitempty"`
	IsNot    any         `yaml:"isNot,omitempty" json:"isNot,omitempty"`
	In       []any       `yaml:"in,omitempty" json:"in,omitempty"`
	Answered *bool       `yaml:"answered,omitempty" json:"answered,omitempty"`
	All      []Condition `yaml:"all,omitempty" json:"all,omitempty"`
	Any      []Condition `yaml:"any,omitempty" json:"any,omitempty"`
}

// Profile says which answer is what in the directory. Each is the name of a field, or empty.
type Profile struct {
	Name         string `yaml:"name,omitempty" json:"name,omitempty"`
	GivenName    string `yaml:"givenName,omitempty" json:"givenName,omitempty"`
	Surname      string `yaml:"surname,omitempty" json:"surname,omitempty"`
	Organisation string `yaml:"organisation,omitempty" json:"organisation,omitempty"`
	JobTitle     string `yaml:"jobTitle,omitempty" json:"jobTitle,omitempty"`
	Phone        string `yaml:"phone,omitempty" json:"phone,omitempty"`
	Country      string `yaml:"country,omitempty" json:"country,omitempty"`
	Purpose      string `yaml:"purpose,omitempty" json:"purpose,omitempty"`
}

// TermsVersion is one version of terms that an applicant agrees to.
type TermsVersion struct {
	ID      string `yaml:"id" json:"id"`
	Version string `yaml:"version" json:"version"`
	Date    string `yaml:"date" json:"date"` // YYYY-MM-DD
	Title   Text   `yaml:"title" json:"title"`
	// Statement stands beside the tick box.
	Statement Text `yaml:"statement" json:"statement"`
	Text      Text `yaml:"text,omitempty" json:"text,omitempty"`
	URL       Text `yaml:"url,omitempty" json:"url,omitempty"`
}

// Approval says who decides: nobody (Automatic), or one to three stages after each other.
type Approval struct {
	Automatic bool    `yaml:"automatic,omitempty" json:"automatic,omitempty"`
	Stages    []Stage `yaml:"stages,omitempty" json:"stages,omitempty"`
}

// Stage is one decision.
type Stage struct {
	ID string `yaml:"id" json:"id"`
	// Team is how applicants read of those who decide.
	Team      Text      `yaml:"team" json:"team"`
	Approvers Approvers `yaml:"approvers" json:"approvers"`
	// DueAfter is when the decision is due; 0 means at no time.
	DueAfter Duration `yaml:"dueAfter,omitempty" json:"dueAfter,omitempty"`
	// ExpireAfter is when an undecided request ends by itself; 0 means never.
	ExpireAfter Duration `yaml:"expireAfter,omitempty" json:"expireAfter,omitempty"`
}

// Approvers may decide a stage. If NamedIn names a field of type sponsor and its answer is one of our members, that
// member decides; People and Groups decide otherwise.
type Approvers struct {
	NamedIn string   `yaml:"namedIn,omitempty" json:"namedIn,omitempty"`
	People  []string `yaml:"people,omitempty" json:"people,omitempty"` // addresses
	Groups  []string `yaml:"groups,omitempty" json:"groups,omitempty"` // names
}

// Grants are what an approved guest gets, by name.
type Grants struct {
	Apps   []string `yaml:"apps,omitempty" json:"apps,omitempty"`
	Groups []string `yaml:"groups,omitempty" json:"groups,omitempty"`
}

// Ends says when access ends by itself, in days from approval; 0 means at no time.
type Ends struct {
	AfterDays int `yaml:"afterDays,omitempty" json:"afterDays,omitempty"`
	// MaxDays is the most that an approver may give; AfterDays if it is left out.
	MaxDays int `yaml:"maxDays,omitempty" json:"maxDays,omitempty"`
}

// Longest is the most days that access may last; 0 means without end.
func (e Ends) Longest() int { return max(e.AfterDays, e.MaxDays) }

// Default is the language to fall back to.
func (d Definition) Default() string {
	if len(d.Languages) == 0 {
		return "en"
	}
	return d.Languages[0]
}

// IsOpen says whether sign-ups may begin and be sent at now. A closed flow that says when it opens opens by itself.
func (d Definition) IsOpen(now time.Time) bool {
	return d.State != StateClosed || d.OpensAt != nil && !now.Before(*d.OpensAt)
}

// Field finds a field by name, or nil.
func (d Definition) Field(name string) *Field {
	for p := range d.Pages {
		if i := slices.IndexFunc(d.Pages[p].Fields, func(f Field) bool { return f.Name == name }); i >= 0 {
			return &d.Pages[p].Fields[i]
		}
	}
	return nil
}
