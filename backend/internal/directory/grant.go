package directory

import (
	"time"

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
