package identity

import (
	"testing"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/notification/mailtest"
)

// TestMails holds every mail of the room, in every language, against what was last read and approved.
func TestMails(t *testing.T) {
	t.Parallel()
	m := newMails()
	asked := m.phrases.Sample("signin.code").(codeMail)
	asked.Link = mailtest.BaseURL + "/l/9hTq2Vw8"
	unknown, ended := m.phrases.Sample("signin.unknown").(unknownMail), m.phrases.Sample("signin.ended").(endedMail)
	unknown.AskURL, ended.AskURL = mailtest.BaseURL+"/", mailtest.BaseURL+"/"
	mailtest.Golden(t, "signin.code", func(locale string) (*notification.Letter, error) { return m.code(locale, asked) })
	mailtest.Golden(t, "signin.unknown", func(locale string) (*notification.Letter, error) { return m.unknown(locale, unknown) })
	warning := m.phrases.Sample(kindWarning).(warningMail)
	mailtest.Golden(t, kindWarning, func(locale string) (*notification.Letter, error) { return m.warning(locale, warning) })
	mailtest.Golden(t, "signin.ended", func(locale string) (*notification.Letter, error) { return m.ended(locale, ended) })
}
