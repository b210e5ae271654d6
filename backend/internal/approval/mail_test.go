package approval

import (
	"strings"
	"testing"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/notification/mailtest"
)

func exampleMail() neededMail {
	d := exampleNeededMail()
	d.DecideURL = mailtest.BaseURL + "/decide/Xk3mR7pd"
	d.Evidence = d.Evidence[:3]
	return d
}

// TestMails holds the mail to approvers, in every language, against what was last read and approved.
func TestMails(t *testing.T) {
	t.Parallel()
	m := newMails()
	bare := neededMail{RequestID: "req_1", Mail: "maria.lindqvist@fabrikam.de", FlowTitle: "Supplier", Reference: "7KQ-42M-9", DecideURL: mailtest.BaseURL + "/decide/x"}
	every := exampleNeededMail()
	every.DecideURL = mailtest.BaseURL + "/decide/x"
	mailtest.Golden(t, "approval.needed", func(locale string) (*notification.Letter, error) { return m.needed(locale, exampleMail()) })
	mailtest.Golden(t, "bare.needed", func(locale string) (*notification.Letter, error) { return m.needed(locale, bare) })
	mailtest.Golden(t, "every_evidence.needed", func(locale string) (*notification.Letter, error) { return m.needed(locale, every) })
}

// TestMails_hostile puts attacks into everything that the applicant typed (security.md T59–T61).
func TestMails_hostile(t *testing.T) {
	t.Parallel()
	m := newMails()
	for _, attack := range mailtest.Attacks {
		d := exampleMail()
		d.Name, d.JobTitle, d.Company, d.Purpose, d.FlowTitle = attack, attack, attack, attack, attack
		d.Grants = []string{attack, attack, attack}
		mailtest.Harmless(t, attack, func(hostile bool) (*notification.Letter, error) {
			if hostile {
				return m.needed("en", d)
			}
			return m.needed("en", exampleMail())
		})
	}
}

// TestMails_disarmed: a mail program must not make a link of what an applicant typed.
func TestMails_disarmed(t *testing.T) {
	t.Parallel()
	d := exampleMail()
	d.Name, d.Company = "evil.test/login", "www.evil.test"
	d.Purpose = "See https://evil.test/a and http://EVIL.test or write to boss@evil.test. We start on 30.11.2026, e.g. in hall 3.\nTel. 12"
	l, err := newMails().needed("en", d)
	if err != nil {
		t.Fatal(err)
	}
	message, err := mailtest.Previewer(t).Message(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{message.Subject, message.Text, message.HTML} {
		if strings.Contains(part, "evil.test") || strings.Contains(part, "//EVIL") && !strings.Contains(part, "hxxp://EVIL[.]test") {
			t.Errorf("a link is left in %q", part)
		}
	}
	for _, kept := range []string{"30.11.2026, e.g. in hall 3.", "hxxps://evil[.]test/a", "boss@evil[.]test."} {
		if !strings.Contains(message.HTML, kept) {
			t.Errorf("%q is missing: what is harmless stays readable", kept)
		}
	}
}

// TestEvidenceLines: what the applicant typed is never shown as a fact of ours.
func TestEvidenceLines(t *testing.T) {
	t.Parallel()
	facts := []Fact{{Code: "named_other", Value: "x@evil.test"}, {Code: "address_proved", Value: "a@b.test"}, {}, {}, {}, {}, {}}
	got := evidenceLines(facts)
	if len(got) != maxEvidence || got[0].Value != "" || got[0].Typed != "x@evil.test" || got[1].Value != "a@b.test" {
		t.Errorf("got %+v", got)
	}
}
