package signup

import (
	"embed"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
)

//go:embed mail/*.yaml
var mailTexts embed.FS

// codeMail is what "signup.code" says. It goes to an address that nobody has proven: nothing an applicant typed is in it.
type codeMail struct {
	Code      string    `mail:"-"`
	FlowTitle string    `mail:"title"` // "" for somebody who comes back to a request
	ExpiresAt time.Time // of the code
	Link      string    `mail:"-"` // opens the page where they began, or shows the code elsewhere
	AskedAt   time.Time
	Origin    string `mail:"title"` // our words for browser and system, "Chrome on Android"; may be ""
}

// existsMail is what "signup.exists" says, in place of a code, to an address that has access already.
type existsMail struct {
	SigninURL string `mail:"-"`
}

// requestMail is what the mails about a request say to the applicant, whose address is proven. Each kind shows a part.
type requestMail struct {
	RequestID string     `mail:"-"` // ties the mails together
	Reference string     `mail:"ltr"`
	FlowTitle string     `mail:"title"`
	Team      string     `mail:"title"` // who decides, as the flow names them; may be ""
	GivenName string     `mail:"name"`  // request.approved; may be ""
	StatusURL string     `mail:"-"`     // the request's page
	DueAt     *time.Time // request.received: when an answer is usually there
	Question  string     `mail:"words"` // request.question: as the approver wrote it
	AnswerBy  *time.Time // request.question: when the request ends without an answer
	Apps      []string   `mail:"title"` // request.approved
	AppsURL   string     `mail:"-"`     // request.approved
	Until     *time.Time // request.approved: when access ends by itself
	Reason    string     `mail:"words"` // request.denied: only if the approver shared it
	DecidedAt *time.Time // request.denied
	AgainURL  string     `mail:"-"` // request.expired: the flow's page; "" leads to the request's page
}

// mails writes this room's letters.
type mails struct{ phrases *notification.Phrases }

// newMails panics when a text is missing or broken in any language.
func newMails() mails {
	example := exampleRequestMail()
	return mails{phrases: notification.MustPhrases(mailTexts,
		notification.Kind{Name: "signup.code", Sample: exampleCodeMail(), Unproven: true},
		notification.Kind{Name: "signup.exists", Sample: existsMail{}, Unproven: true},
		notification.Kind{Name: "request.received", Sample: example},
		notification.Kind{Name: "request.question", Sample: example},
		notification.Kind{Name: "request.approved", Sample: example},
		notification.Kind{Name: "request.denied", Sample: example},
		notification.Kind{Name: "request.expired", Sample: example},
		notification.Kind{Name: "request.withdrawn", Sample: example},
	)}
}

func (m mails) code(locale string, d codeMail) (*notification.Letter, error) {
	l, err := m.phrases.Letter("signup.code", locale, d)
	if err != nil {
		return nil, err
	}
	l.Code, l.Link = d.Code, d.Link
	return l, nil
}

func (m mails) exists(locale string, d existsMail) (*notification.Letter, error) {
	l, err := m.phrases.Letter("signup.exists", locale, d)
	if err != nil {
		return nil, err
	}
	l.Button = d.SigninURL
	return l, nil
}

// aboutRequest writes one of the request.* kinds.
func (m mails) aboutRequest(kind, locale string, d requestMail) (*notification.Letter, error) {
	l, err := m.phrases.Letter(kind, locale, d)
	if err != nil {
		return nil, err
	}
	l.Thread, l.Button = d.RequestID, d.StatusURL
	switch kind {
	case "request.question":
		l.Quote = d.Question
	case "request.approved":
		l.Button = d.AppsURL
	case "request.denied":
		l.Quote, l.NextFirst = d.Reason, true
	case "request.expired":
		if d.AgainURL != "" {
			l.Button = d.AgainURL
		}
	}
	return l, nil
}

// exampleCodeMail and exampleRequestMail are the day of the pictures: phrases are tried on them at start.
func exampleCodeMail() codeMail {
	at := time.Date(2026, 11, 19, 13, 2, 0, 0, time.UTC)
	return codeMail{Code: "482913", FlowTitle: "Supplier", ExpiresAt: at.Add(10 * time.Minute), AskedAt: at, Origin: "Chrome on Android"}
}

func exampleRequestMail() requestMail {
	due := time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)
	until := time.Date(2027, 5, 19, 15, 0, 0, 0, time.UTC)
	decided := time.Date(2026, 11, 19, 15, 40, 0, 0, time.UTC)
	return requestMail{
		RequestID: "req_example", Reference: "7KQ-42M-9", FlowTitle: "Supplier", Team: "Hamburg site team", GivenName: "Maria",
		DueAt: &due, AnswerBy: &due, Until: &until, DecidedAt: &decided,
		Apps:     []string{"Drawings library", "Ticket desk", "Supplier portal"},
		Question: "Which order is this for?", Reason: "Access for maintenance in hall 3 goes through your project lead this time.",
	}
}
