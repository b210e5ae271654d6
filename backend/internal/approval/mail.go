package approval

import (
	"embed"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
)

//go:embed mail/*.yaml
var mailTexts embed.FS

// maxEvidence is how many lines of evidence a mail shows; the page behind it shows all.
const maxEvidence = 5

// neededMail is what "approval.needed" says to an approver. The applicant's address is proven.
type neededMail struct {
	RequestID string         `mail:"-"` // ties the mails together
	Name      string         `mail:"name"`
	Mail      string         `mail:"ltr"`  // shown where there is no name
	JobTitle  string         `mail:"name"` // may be ""
	Company   string         `mail:"name"` // may be ""
	Purpose   string         `mail:"words"`
	FlowTitle string         `mail:"title"`
	Grants    []string       `mail:"title"` // names of apps and groups
	EndsAfter int            // days; 0 means no end
	Evidence  []evidenceLine // at most maxEvidence: see evidenceLines
	DueAt     *time.Time
	Reference string `mail:"ltr"`
	DecideURL string `mail:"-"`
}

// evidenceLine is one fact. What the applicant typed stands in Typed, what we know in Value.
type evidenceLine struct {
	Code  string `mail:"word"`
	Value string `mail:"ltr"`
	Typed string `mail:"name"`
	Count int
	At    *time.Time
}

// evidenceLines turns the evidence of a request into lines of the mail, the first maxEvidence of them.
func evidenceLines(facts []Fact) []evidenceLine {
	var out []evidenceLine
	for _, f := range facts[:min(len(facts), maxEvidence)] {
		line := evidenceLine{Code: f.Code, Value: f.Value, Count: f.Count, At: f.At}
		if f.Code == "named_other" {
			line.Value, line.Typed = "", f.Value
		}
		out = append(out, line)
	}
	return out
}

// mails writes this room's letters.
type mails struct{ phrases *notification.Phrases }

// newMails panics when a text is missing or broken in any language.
func newMails() mails {
	return mails{phrases: notification.MustPhrases(mailTexts,
		notification.Kind{Name: "approval.needed", Sample: exampleNeededMail(), Staff: true},
	)}
}

func (m mails) needed(locale string, d neededMail) (*notification.Letter, error) {
	l, err := m.phrases.Letter("approval.needed", locale, d)
	if err != nil {
		return nil, err
	}
	l.Thread, l.Button = d.RequestID, d.DecideURL
	return l, nil
}

// exampleNeededMail is the day of the pictures: phrases are tried on it at start, with every kind of evidence.
func exampleNeededMail() neededMail {
	at := time.Date(2026, 2, 3, 9, 0, 0, 0, time.UTC)
	due := time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)
	d := neededMail{
		RequestID: "req_example", Name: "Maria Lindqvist", Mail: "maria.lindqvist@fabrikam.de", JobTitle: "Service engineer", Company: "Fabrikam GmbH",
		Purpose:   "Compressor maintenance in hall 3. We start on 30 November and need the current drawings.",
		FlowTitle: "Supplier", Grants: []string{"Drawings library", "Ticket desk", "Supplier portal"}, EndsAfter: 180,
		DueAt: &due, Reference: "7KQ-42M-9",
	}
	for _, code := range []string{"address_proved", "colleagues_active", "named_you", "named_other", "first_request", "earlier_approved", "earlier_denied", "personal_domain", "new_organisation"} {
		d.Evidence = append(d.Evidence, evidenceLine{Code: code, Value: "fabrikam.de", Typed: "j.becker@contoso.com", Count: 14, At: &at})
	}
	return d
}
