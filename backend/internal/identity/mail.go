package identity

import (
	"embed"
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
)

//go:embed mail/*.yaml
var mailTexts embed.FS

// codeMail is what "signin.code" says. Whoever asked has proven nothing yet: nothing that anybody typed is in it.
type codeMail struct {
	Code      string    `mail:"-"`
	ExpiresAt time.Time // of the code
	Link      string    `mail:"-"` // opens the page where they began, or shows the code elsewhere
	AskedAt   time.Time
	Origin    string `mail:"title"` // our words for browser and system, "Chrome on Android"; may be ""
}

// unknownMail is what "signin.unknown" says to an address that has no access.
type unknownMail struct {
	AskURL  string `mail:"-"` // the page that lists what one can ask for
	AskedAt time.Time
}

// endedMail is what "signin.ended" says to an address whose access has ended.
type endedMail struct {
	AskURL  string `mail:"-"`
	EndedAt *time.Time
	AskedAt time.Time
}

// warningMail is what "signin.warning" says to a person whose address strangers try codes for. The address is theirs,
// but what happened is a stranger's doing: nothing that anybody typed is in it.
type warningMail struct {
	At time.Time // of the try that was one too many
}

// mails writes this room's letters.
type mails struct{ phrases *notification.Phrases }

// newMails panics when a text is missing or broken in any language.
func newMails() mails {
	asked := time.Date(2026, 11, 19, 13, 2, 0, 0, time.UTC)
	ended := time.Date(2026, 10, 31, 22, 0, 0, 0, time.UTC)
	return mails{phrases: notification.MustPhrases(mailTexts,
		notification.Kind{Name: "signin.code", Unproven: true, Sample: codeMail{Code: "739204", ExpiresAt: asked.Add(10 * time.Minute), AskedAt: asked, Origin: "Chrome on Android"}},
		notification.Kind{Name: "signin.unknown", Unproven: true, Sample: unknownMail{AskedAt: asked}},
		notification.Kind{Name: "signin.ended", Unproven: true, Sample: endedMail{EndedAt: &ended, AskedAt: asked}},
		notification.Kind{Name: kindWarning, Unproven: true, Sample: warningMail{At: asked}},
	)}
}

func (m mails) code(locale string, d codeMail) (*notification.Letter, error) {
	l, err := m.phrases.Letter("signin.code", locale, d)
	if err != nil {
		return nil, err
	}
	l.Code, l.Link = d.Code, d.Link
	return l, nil
}

func (m mails) unknown(locale string, d unknownMail) (*notification.Letter, error) {
	l, err := m.phrases.Letter("signin.unknown", locale, d)
	if err != nil {
		return nil, err
	}
	l.Button, l.NextFirst = d.AskURL, true
	return l, nil
}

// warning has no button: who is warned must not have to press anything.
func (m mails) warning(locale string, d warningMail) (*notification.Letter, error) {
	return m.phrases.Letter(kindWarning, locale, d)
}

func (m mails) ended(locale string, d endedMail) (*notification.Letter, error) {
	l, err := m.phrases.Letter("signin.ended", locale, d)
	if err != nil {
		return nil, err
	}
	l.Button, l.NextFirst = d.AskURL, true
	return l, nil
}
