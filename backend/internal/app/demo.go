package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vestibule-id/vestibule/backend/demo"
	"github.com/vestibule-id/vestibule/backend/internal/approval"
	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/flow"
	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/signup"
)

// ErrNotEmpty is returned by SeedDemo for a database that holds anything: the demo never mixes with real people.
var ErrNotEmpty = errors.New("this database holds something already; the demo company needs an empty one")

// SeedDemo fills an empty house with the demo company. It lives the company's year through the same services that
// serve people, on a clock of its own, so that every guest, decision and timeline is what the house would have made of
// it. No mail leaves: where the built-in mailbox is on it keeps them, elsewhere nobody does.
func SeedDemo(ctx context.Context, o Options) error {
	now := clock.System().Now()
	past := clock.NewFake(now.AddDate(-1, 0, 0))
	o.Clock, o.Mute = past, true
	house, err := Build(ctx, o)
	if err != nil {
		return err
	}
	defer house.Close()
	if err := house.Migrate(ctx); err != nil {
		return err
	}
	s := &seeder{House: house, ctx: ctx, clock: past, now: now, members: map[string]*directory.User{}}
	if err := s.empty(); err != nil {
		return err
	}
	for _, step := range []func() error{s.company, s.flows, s.guests, s.waiting} {
		if err := step(); err != nil {
			return fmt.Errorf("seed the demo: %w", err)
		}
	}
	return nil
}

type seeder struct {
	*House
	ctx     context.Context
	clock   *clock.Fake
	now     time.Time
	members map[string]*directory.User // by canonical address
}

func (s *seeder) empty() error {
	tenant, err := s.People.Tenant(s.ctx)
	if err != nil {
		return err
	}
	published, _, err := s.Flows.List(s.ctx, "", 1)
	if err != nil {
		return err
	}
	keys, err := s.Identity.APIKeys(s.ctx)
	if err != nil {
		return err
	}
	if !tenant.SetUpAt.IsZero() || len(published) > 0 || len(keys) > 0 {
		return ErrNotEmpty
	}
	return nil
}

// company makes the tenant, its people, groups and apps, and the partners.
func (s *seeder) company() error {
	return s.DB.InTx(s.ctx, func(tx *database.Tx) error {
		err := s.People.SetTenant(tx, directory.Tenant{
			Name: "Contoso", LegalName: "Contoso AG, Hafenstr. 1, Hamburg", ContactEmail: "partners@contoso.com", Logo: "/assets/orgs/org-contoso.svg", Demo: true,
		})
		if err != nil {
			return err
		}
		for _, g := range demoGroups {
			if _, err := s.People.PutGroup(tx, g); err != nil {
				return err
			}
		}
		for _, a := range demoApps {
			if _, err := s.People.PutApp(tx, a); err != nil {
				return err
			}
		}
		for _, o := range demoOrganisations {
			if _, err := s.People.PutOrganisation(tx, o); err != nil {
				return err
			}
		}
		for _, m := range demoMembers {
			user, err := s.People.AddMember(tx, m.member())
			if err != nil {
				return err
			}
			s.members[user.Address] = user
		}
		return nil
	})
}

func (s *seeder) flows() error {
	files, err := demoFiles()
	if err != nil {
		return err
	}
	_, err = s.Flows.Apply(s.ctx, files, audit.Actor{Kind: "operator", Name: "vestibule demo"})
	return err
}

// guests lets last year's people sign up, be approved and come back.
func (s *seeder) guests() error {
	for _, g := range demoGuests {
		s.clock.Set(s.atWork(g.daysAgo, g.minute))
		r, err := s.signUp(g.applicant)
		if err != nil {
			return err
		}
		if g.flow == "supplier" {
			s.clock.Advance(time.Duration(40+g.minute) * time.Minute)
			given := approval.Given{Decision: approval.Approve}
			if g.deny != "" {
				given = approval.Given{Decision: approval.Deny, Reason: g.deny, ShareReason: true}
			}
			if g.endsIn != 0 && g.deny == "" {
				until := s.now.AddDate(0, 0, g.endsIn)
				given.Until = &until
			}
			if _, err := s.Approvals.Decide(s.ctx, r.ID, s.decider(g.sponsor), given); err != nil {
				return fmt.Errorf("%s: %w", g.name, err)
			}
			if err := s.post(); err != nil {
				return err
			}
		}
		if g.deny == "" && g.seen > 0 {
			s.clock.Set(s.atWork(g.seen, g.minute+15))
			if err := s.signIn(g.mail); err != nil {
				return err
			}
		}
	}
	return nil
}

// atWork is a moment in the working hours of some day before today.
func (s *seeder) atWork(daysAgo, minute int) time.Time {
	day := s.now.AddDate(0, 0, -daysAgo)
	return time.Date(day.Year(), day.Month(), day.Day(), 8+minute%7, minute%60, minute%50, 0, time.UTC)
}

// waiting leaves requests in the inbox, one of them asked, and one that Maria has answered.
func (s *seeder) waiting() error {
	for _, w := range demoWaiting {
		s.clock.Set(s.now.Add(-w.ago))
		r, err := s.signUp(w.applicant)
		if err != nil {
			return err
		}
		if w.ask == "" {
			continue
		}
		s.clock.Advance(46 * time.Minute)
		if _, err := s.Approvals.Ask(s.ctx, r.ID, s.decider(w.contact), w.ask); err != nil {
			return err
		}
		if err := s.post(); err != nil {
			return err
		}
		if w.answer != "" {
			s.clock.Advance(18 * time.Minute)
			if _, err := s.Approvals.Reply(s.ctx, r.ID, audit.Actor{Kind: "applicant"}, w.answer); err != nil {
				return err
			}
			if err := s.post(); err != nil {
				return err
			}
		}
	}
	return nil
}

// signIn leaves the trace of a visit.
func (s *seeder) signIn(mail string) error {
	return s.DB.InTx(s.ctx, func(tx *database.Tx) error {
		guest, err := s.People.ByAddressTx(tx, mustAddress(mail).Canonical())
		if err != nil {
			return err
		}
		if err := s.People.SignedIn(tx, guest.ID); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{
			Name: "identity.signed_in", Actor: audit.Actor{Kind: audit.KindGuest, ID: guest.ID, Name: guest.DisplayName}, Target: guest.ID,
			Subject: s.Audit.Subject(guest.Address), Data: map[string]any{"method": "code"},
		})
	})
}

// signUp walks one person through a flow as their browser would.
func (s *seeder) signUp(a applicant) (*approval.Request, error) {
	row, token, err := s.Signups.Start(s.ctx, a.flow, "", a.locale, "Chrome on Android")
	if err != nil {
		return nil, err
	}
	s.clock.Advance(20 * time.Second)
	if _, err := s.Signups.GiveEmail(s.ctx, signup.HolderOf(row.ID, token), a.mail, a.locale); err != nil {
		return nil, err
	}
	var made identity.Made
	if err := s.DB.InTx(s.ctx, func(tx *database.Tx) (err error) {
		made, err = s.Identity.Codes.Make(tx, identity.PurposeSignup, row.ID)
		return err
	}); err != nil {
		return nil, err
	}
	s.clock.Advance(45 * time.Second)
	if _, _, err := s.Signups.Prove(s.ctx, row.ID, signup.Typed{Code: made.Code, Token: token}); err != nil {
		return nil, err
	}
	s.clock.Advance(80 * time.Second)
	version, err := s.Flows.Published(s.ctx, a.flow)
	if err != nil {
		return nil, err
	}
	var consents []flow.Consent
	for _, terms := range version.Terms {
		consents = append(consents, flow.Consent{Terms: terms.ID, Version: terms.Version})
	}
	r, err := s.Signups.Submit(s.ctx, row.ID, a.answers(version), consents)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.mail, err)
	}
	return r, s.post()
}

// post delivers what was ordered, at the time of the story: into the built-in mailbox, or nowhere.
func (s *seeder) post() error {
	_, err := s.Jobs.Drain(s.ctx)
	return err
}

func (s *seeder) decider(address string) approval.Decider {
	m := s.members[address]
	return approval.Decider{ID: m.ID, Name: m.DisplayName, Address: m.Address, Actor: audit.Actor{Kind: "member", ID: m.ID, Name: m.DisplayName}, Channel: "session"}
}

func mustAddress(s string) email.Address {
	a, err := email.Parse(s)
	if err != nil {
		panic("demo address " + s + ": " + err.Error())
	}
	return a
}

// split takes a display name apart where its last word begins.
func split(name string) (given, family string) {
	i := strings.LastIndexByte(name, ' ')
	return name[:i], name[i+1:]
}

func demoFiles() ([]flow.File, error) {
	var files []flow.File
	entries, err := demo.Flows.ReadDir("flows")
	for _, e := range entries {
		text, err := demo.Flows.ReadFile("flows/" + e.Name())
		if err != nil {
			return nil, err
		}
		files = append(files, flow.File{Name: e.Name(), Data: text})
	}
	return files, err
}
