package directory

import (
	"slices"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// Kinds of people, states of an invitation and origins of guests, as Microsoft Graph writes them.
const (
	TypeGuest  = "Guest"
	TypeMember = "Member"

	StateAccepted = "Accepted"
	StatePending  = "PendingAcceptance"

	CreatedBySelfServiceSignUp = "SelfServiceSignUp"
	CreatedByInvitation        = "Invitation"
)

// SoonEnds is how long before the end a guest's state is ends_soon.
const SoonEnds = 30 * 24 * time.Hour

// User is a guest or a member: one row of directory_users.
type User struct {
	ID                string
	UserType          string // TypeGuest or TypeMember
	UserPrincipalName string
	CreationType      string // empty for members
	ExternalUserState string // empty for members
	DisplayName       string
	GivenName         string
	Surname           string
	Mail              string // as written, to write to
	Address           string // canonical, to identify
	JobTitle          string
	Phone             string
	Country           string
	Locale            string
	OrganisationID    *string
	SponsorID         *string
	FlowSlug          string
	FlowTitle         string
	RequestID         *string // the request that made the guest
	Attributes        database.JSON[[]Attribute]
	Roles             database.JSON[[]string]
	AccountEnabled    bool
	EndsAt            *time.Time // the access ends at this instant; nil: never
	LastSignInAt      *time.Time
	SearchText        string
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// TableName of the model.
func (User) TableName() string { return "directory_users" }

// Attribute is one answer that the flow keeps with the guest.
type Attribute struct {
	Name  string `json:"name"`
	Label string `json:"label,omitempty"`
	Type  string `json:"type,omitempty"` // of the flow's question, for readers: a country's code has a name in their language
	Value string `json:"value"`
}

// IsGuest tells a guest from a member.
func (u User) IsGuest() bool { return u.UserType == TypeGuest }

// HasRole tells whether the member has the role.
func (u User) HasRole(role string) bool { return slices.Contains(u.Roles.V, role) }

// Usable tells whether the person may sign in at this instant: enabled, not ended, not merely invited.
func (u User) Usable(now time.Time) bool {
	return u.AccountEnabled && u.ExternalUserState != StatePending && !u.ended(now)
}

// State is the one word for where the person stands at this instant.
func (u User) State(now time.Time) GuestState {
	switch {
	case !u.AccountEnabled:
		return GuestStateDisabled
	case u.ExternalUserState == StatePending:
		return GuestStateInvited
	case u.ended(now):
		return GuestStateEnded
	case u.EndsAt != nil && !u.EndsAt.After(now.Add(SoonEnds)):
		return GuestStateEndsSoon
	default:
		return GuestStateActive
	}
}

// ended: the last instant of access is the one before EndsAt.
func (u User) ended(now time.Time) bool { return u.EndsAt != nil && !u.EndsAt.After(now) }

// principalName is Graph's name of a guest: the address with "_" for "@", then #EXT# and the tenant's domain. suffix is
// empty unless the plain name is taken.
func principalName(a email.Address, suffix, tenantDomain string) string {
	name := strings.Replace(a.Canonical(), "@", "_", 1)
	if suffix != "" {
		name += "_" + suffix
	}
	return name + "#EXT#@" + tenantDomain
}

// laterEnd is the later of two ends; nil, no end, is the latest of all.
func laterEnd(a, b *time.Time) *time.Time {
	if a == nil || b == nil {
		return nil
	}
	if b.After(*a) {
		return b
	}
	return a
}

func sameEnd(a, b *time.Time) bool {
	return a == b || a != nil && b != nil && a.Equal(*b)
}

// personal are domains where anyone gets a mailbox: an address there tells nothing of an employer.
var personal = []string{
	"163.com", "126.com", "aol.com", "bigpond.com", "bluewin.ch", "fastmail.com", "free.fr", "gmail.com", "gmx.at",
	"gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hey.com", "hotmail.co.uk", "hotmail.com", "hotmail.de",
	"hotmail.es", "hotmail.fr", "hotmail.it", "icloud.com", "interia.pl", "laposte.net", "libero.it", "live.com", "live.fr",
	"live.nl", "mac.com", "mail.com", "mail.ru", "mailbox.org", "me.com", "msn.com", "naver.com", "o2.pl", "orange.fr",
	"outlook.com", "outlook.de", "outlook.es", "outlook.fr", "pm.me", "posteo.de", "proton.me", "protonmail.com", "qq.com",
	"rambler.ru", "rediffmail.com", "rocketmail.com", "seznam.cz", "sfr.fr", "t-online.de", "tuta.com", "tutanota.com",
	"uol.com.br", "virgilio.it", "wanadoo.fr", "web.de", "wp.pl", "yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com",
	"yahoo.com.br", "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.it", "yandex.com", "yandex.ru", "ymail.com", "zoho.com",
}

// PersonalDomain tells whether anyone may have a mailbox at domain (lower-case A-labels, as email.Address has them).
func PersonalDomain(domain string) bool { return slices.Contains(personal, domain) }

func firstNonEmpty(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func joinName(given, surname string) string {
	if given == "" || surname == "" {
		return given + surname
	}
	return given + " " + surname
}
