package directory_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

// house is a directory on a database of its own, with the demo's sponsor and what the demo's flow grants.
type house struct {
	*directory.Directory
	t       *testing.T
	db      *database.DB
	clk     *clock.Fake
	log     *audit.Log
	sponsor *directory.User
	caller  string
	auditor bool // whoever asks reads the audit
}

func open(t *testing.T, db *database.DB, clk *clock.Fake) *house {
	t.Helper()
	keys, err := secret.NewKeys(secret.New("kJ8s2Lq9Xw4Zr7Tn1Vb6Ym3Pc5Hd0Gf2"))
	require.NoError(t, err)
	source := ids.NewSequence(clk)
	h := &house{t: t, db: db, clk: clk, log: audit.New(db, source, keys)}
	h.Directory = directory.New(db, h.log, source, directory.Options{
		TenantDomain: "contoso.com", MailFrom: "guests@contoso.com", Mailbox: true, Languages: []string{"en", "de", "ar"}, Version: "test",
		Caller:     func(context.Context) string { return h.caller },
		ReadsAudit: func(context.Context) bool { return h.auditor },
	})
	h.act(func(tx *database.Tx) error {
		for _, app := range []directory.App{
			{Name: "drawings", Title: "Drawings library", LaunchURL: "https://drawings.contoso.com/", Logo: "/assets/apps/app-drawings.svg",
				Collection: "Hamburg project", Owner: "Ana Ruiz"},
			{Name: "tickets", Title: "Ticket desk", LaunchURL: "https://tickets.contoso.com/"},
		} {
			app.Description.V = map[string]string{"en": "About " + app.Title, "de": "Über " + app.Title}
			if _, err := h.PutApp(tx, app); err != nil {
				return err
			}
		}
		if _, err := h.PutGroup(tx, directory.Group{Name: "hamburg", Title: "Hamburg site team"}); err != nil {
			return err
		}
		h.sponsor, err = h.AddMember(tx, directory.NewMember{
			Name: "Jonas Becker", GivenName: "Jonas", Surname: "Becker", Mail: address(t, "j.becker@contoso.com"),
			Roles: []string{"admin"}, Groups: []string{"hamburg"},
		})
		return err
	})
	return h
}

func (h *house) act(fn func(tx *database.Tx) error) {
	h.t.Helper()
	require.NoError(h.t, h.db.InTx(h.t.Context(), fn))
}

func address(t *testing.T, s string) email.Address {
	t.Helper()
	a, err := email.Parse(s)
	require.NoError(t, err)
	return a
}

// maria is the demo's first request, approved.
func (h *house) maria() directory.Admission {
	end := h.clk.Now().AddDate(0, 6, 0)
	return directory.Admission{
		RequestID: "req_maria", Mail: address(h.t, "Maria.Lindqvist@fabrikam.de"), GivenName: "Maria", Surname: "Lindqvist",
		Organisation: "Fabrikam GmbH", JobTitle: "Site engineer", Locale: "de", SponsorID: h.sponsor.ID,
		FlowSlug: "supplier", FlowTitle: "Supplier", EndsAt: &end, Apps: []string{"drawings", "tickets"}, Groups: []string{"hamburg"},
		Attributes: []directory.Attribute{{Name: "project", Label: "Project", Value: "Hall 3"}},
	}
}

// person is a short request of somebody else.
func (h *house) person(id, name, mail string) directory.Admission {
	return directory.Admission{RequestID: id, DisplayName: name, Mail: address(h.t, mail), FlowSlug: "visitor", FlowTitle: "Visitor"}
}

func (h *house) admit(a directory.Admission) (*directory.User, []directory.Grant) {
	h.t.Helper()
	var guest *directory.User
	var grants []directory.Grant
	h.act(func(tx *database.Tx) (err error) {
		guest, grants, err = h.AdmitGuest(tx, a)
		return err
	})
	return guest, grants
}

// events are the names of what was recorded about a target, oldest first.
func (h *house) events(target string) []string {
	h.t.Helper()
	page, err := h.log.Timeline(h.t.Context(), audit.Query{Targets: []string{target}, Limit: 100})
	require.NoError(h.t, err)
	names := []string{}
	for i := len(page.Entries) - 1; i >= 0; i-- {
		names = append(names, page.Entries[i].Name)
	}
	return names
}

// set changes a person as rooms that are not built yet will.
func (h *house) set(userID, column string, value any) {
	h.t.Helper()
	h.act(func(tx *database.Tx) error {
		return tx.Model(&directory.User{}).Where("id = ?", userID).Update(column, value).Error
	})
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
