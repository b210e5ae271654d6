package directory

import (
	"errors"
	"slices"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// Admission is an approved request as the directory needs it.
type Admission struct {
	RequestID    string // needed
	Mail         email.Address
	DisplayName  string
	GivenName    string
	Surname      string
	Organisation string // as typed; names the organisation of the address's domain if that is new
	JobTitle     string
	Phone        string
	Country      string
	Locale       string
	SponsorID    string // a member; empty for none
	FlowSlug     string
	FlowTitle    string
	Attributes   []Attribute
	EndsAt       *time.Time // end of the guest and of the grants; nil: none
	Apps         []string   // names
	Groups       []string   // names
	Issuer       string     // who proved the address; empty means IssuerMail
}

// maxNames is how often a taken userPrincipalName gets another suffix.
const maxNames = 8

var errNoName = errors.New("directory: no free userPrincipalName was found")

// AdmitGuest makes the guest of an approved request, in the transaction that approves it, and returns what the request
// grants. It takes effect exactly once per request, however often and from wherever it is called: unique indexes and the
// lock on the person's row decide. A person who is a guest already gets the grants and the later end, and what is empty
// in their profile is filled; access is never shortened. A disabled guest stays disabled.
//
// It returns ErrMemberAddress or ErrSponsorUnknown. An app or group that does not exist is left out and recorded. Writes
// audit "directory.guest_admitted" or "…guest_accepted", "…guest_extended", "…guest_updated", and "…grant_added",
// "…grant_extended", "…grant_missing"; a repeated call changes and writes nothing.
func (d *Directory) AdmitGuest(tx *database.Tx, a Admission) (*User, []Grant, error) {
	if a.RequestID == "" || a.Mail.IsZero() {
		return nil, nil, errors.New("directory: an admission needs its request and an address")
	}
	if err := d.checkSponsor(tx, a.SponsorID); err != nil {
		return nil, nil, err
	}
	guest, fresh, err := d.findOrMake(tx, a)
	if err != nil {
		return nil, nil, err
	}
	if !fresh {
		done, err := d.admitted(tx, guest, a.RequestID)
		if err != nil {
			return nil, nil, err
		}
		if done {
			grants, err := d.heldOf(tx, guest, a)
			return guest, grants, err
		}
		if err := d.readmit(tx, guest, a); err != nil {
			return nil, nil, err
		}
	}
	grants, err := d.grantAll(tx, guest, a)
	return guest, grants, err
}

// admitted tells whether the request has taken effect on the guest before: it made them, or one of their grants is its.
func (d *Directory) admitted(tx *database.Tx, u *User, requestID string) (bool, error) {
	if u.RequestID != nil && *u.RequestID == requestID {
		return true, nil
	}
	return hasGrantOf(tx, u.ID, requestID)
}

func (d *Directory) checkSponsor(tx *database.Tx, sponsorID string) error {
	if sponsorID == "" {
		return nil
	}
	sponsor, err := findUser(tx.DB, "id = ?", sponsorID)
	if err == nil && (sponsor == nil || sponsor.IsGuest()) {
		err = ErrSponsorUnknown
	}
	return err
}

// findOrMake returns the one guest of the request or the address. Another act that makes them at the same time is waited
// for by the insert (ON CONFLICT DO NOTHING waits for the other's commit), and found in the next round; if nobody is
// found then, it was the principal name that is taken.
func (d *Directory) findOrMake(tx *database.Tx, a Admission) (guest *User, fresh bool, err error) {
	suffix := ""
	for range maxNames {
		known, err := d.knownGuest(tx, a)
		if err != nil || known != nil {
			return known, false, err
		}
		guest, err := d.newGuest(tx, a, suffix)
		if err != nil {
			return nil, false, err
		}
		inserted, err := insertUser(tx, guest)
		if err != nil {
			return nil, false, err
		}
		if inserted {
			return guest, true, d.welcome(tx, guest, a)
		}
		suffix = d.ids.Digits(4)
	}
	return nil, false, errNoName
}

func (d *Directory) knownGuest(tx *database.Tx, a Admission) (*User, error) {
	known, err := lockUser(tx, "request_id = ?", a.RequestID)
	if err != nil || known != nil {
		return known, err
	}
	known, err = lockUser(tx, "address = ?", a.Mail.Canonical())
	if err == nil && known != nil && !known.IsGuest() {
		return nil, ErrMemberAddress
	}
	return known, err
}

func (d *Directory) newGuest(tx *database.Tx, a Admission, suffix string) (*User, error) {
	org, err := d.organisationFor(tx, a)
	if err != nil {
		return nil, err
	}
	requestID := a.RequestID
	u := &User{
		ID: d.ids.New("gst"), UserType: TypeGuest, CreationType: CreatedBySelfServiceSignUp, ExternalUserState: StateAccepted,
		UserPrincipalName: principalName(a.Mail, suffix, d.options.TenantDomain),
		DisplayName:       firstNonEmpty(a.DisplayName, joinName(a.GivenName, a.Surname), a.Mail.String()),
		GivenName:         a.GivenName, Surname: a.Surname, Mail: a.Mail.String(), Address: a.Mail.Canonical(),
		JobTitle: a.JobTitle, Phone: a.Phone, Country: a.Country, Locale: a.Locale,
		FlowSlug: a.FlowSlug, FlowTitle: a.FlowTitle, RequestID: &requestID,
		AccountEnabled: true, EndsAt: a.EndsAt, CreatedAt: tx.Now, UpdatedAt: tx.Now,
	}
	if a.SponsorID != "" {
		u.SponsorID = &a.SponsorID
	}
	u.Attributes.V, u.Roles.V = append([]Attribute{}, a.Attributes...), []string{}
	u.settle(org)
	return u, nil
}

// settle gives the person their organisation and the text they are found by.
func (u *User) settle(org *Organisation) {
	name := ""
	if org != nil {
		u.OrganisationID, name = &org.ID, org.Name
	}
	u.SearchText = searchText(u.DisplayName, u.GivenName, u.Surname, u.Mail, name)
}

// organisationFor finds or makes the organisation of the address's domain; nil for a personal domain.
func (d *Directory) organisationFor(tx *database.Tx, a Admission) (*Organisation, error) {
	if PersonalDomain(a.Mail.Domain) {
		return nil, nil
	}
	org, err := findOrganisation(tx.DB, "domain = ?", a.Mail.Domain)
	if err != nil || org != nil {
		return org, err
	}
	return d.PutOrganisation(tx, Organisation{Name: firstNonEmpty(a.Organisation, a.Mail.Domain), Domain: a.Mail.Domain})
}

// welcome writes what belongs to a guest just made.
func (d *Directory) welcome(tx *database.Tx, u *User, a Admission) error {
	if err := d.addIdentity(tx, u, a); err != nil {
		return err
	}
	return d.record(tx, "directory.guest_admitted", u, map[string]any{
		"request": a.RequestID, "flow": a.FlowTitle, "creationType": u.CreationType, "until": stamp(u.EndsAt), "sponsor": a.SponsorID,
	})
}

func (d *Directory) addIdentity(tx *database.Tx, u *User, a Admission) error {
	return insertIdentity(tx, &Identity{
		ID: d.ids.New("idn"), UserID: u.ID, SignInType: SignInFederated, Issuer: firstNonEmpty(a.Issuer, IssuerMail),
		IssuerAssignedID: u.Address, CreatedAt: tx.Now,
	})
}

// readmit brings a guest who exists up to what the request says. Each part writes an event only if it changed something.
func (d *Directory) readmit(tx *database.Tx, u *User, a Admission) error {
	before := *u
	org, err := d.organisationFor(tx, a)
	if err != nil {
		return err
	}
	filled := u.fill(a, org)
	u.EndsAt = laterEnd(u.EndsAt, a.EndsAt)
	accepted := u.ExternalUserState == StatePending
	if accepted {
		u.ExternalUserState = StateAccepted
		if err := d.addIdentity(tx, u, a); err != nil {
			return err
		}
	}
	extended := !sameEnd(before.EndsAt, u.EndsAt)
	if len(filled) == 0 && !accepted && !extended {
		return nil
	}
	if err := saveUser(tx, u); err != nil {
		return err
	}
	return d.recordReadmission(tx, u, readmission{
		request: a.RequestID, was: before.EndsAt, filled: filled, accepted: accepted, extended: extended,
	})
}

type readmission struct {
	request            string
	was                *time.Time
	filled             []string
	accepted, extended bool
}

func (d *Directory) recordReadmission(tx *database.Tx, u *User, r readmission) error {
	var errs []error
	if r.accepted {
		errs = append(errs, d.record(tx, "directory.guest_accepted", u, map[string]any{"request": r.request}))
	}
	if r.extended {
		errs = append(errs, d.record(tx, "directory.guest_extended", u, map[string]any{
			"request": r.request, "until": stamp(u.EndsAt), "was": stamp(r.was),
		}))
	}
	if len(r.filled) > 0 {
		errs = append(errs, d.record(tx, "directory.guest_updated", u, map[string]any{"request": r.request, "fields": r.filled}))
	}
	return errors.Join(errs...)
}

// fill writes a later request's answers where the profile is empty, and tells which.
func (u *User) fill(a Admission, org *Organisation) (filled []string) {
	for _, f := range []struct {
		name string
		at   *string
		with string
	}{
		{"givenName", &u.GivenName, a.GivenName},
		{"surname", &u.Surname, a.Surname},
		{"jobTitle", &u.JobTitle, a.JobTitle},
		{"phone", &u.Phone, a.Phone},
		{"country", &u.Country, a.Country},
		{"locale", &u.Locale, a.Locale},
	} {
		if *f.at == "" && f.with != "" {
			*f.at, filled = f.with, append(filled, f.name)
		}
	}
	if u.SponsorID == nil && a.SponsorID != "" {
		u.SponsorID, filled = &a.SponsorID, append(filled, "sponsor")
	}
	if u.OrganisationID == nil && org != nil {
		filled = append(filled, "organisation")
	}
	for _, attribute := range a.Attributes {
		known := func(has Attribute) bool { return has.Name == attribute.Name }
		if !slices.ContainsFunc(u.Attributes.V, known) {
			u.Attributes.V, filled = append(u.Attributes.V, attribute), append(filled, attribute.Name)
		}
	}
	if len(filled) > 0 {
		u.settle(org)
	}
	return filled
}

// record writes an event about a person.
func (d *Directory) record(tx *database.Tx, name string, u *User, data map[string]any) error {
	return d.audit.Record(tx, audit.Event{Name: name, Target: u.ID, Subject: d.audit.Subject(u.Address), Data: data})
}

// stamp writes an end for an event's data.
func stamp(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}
