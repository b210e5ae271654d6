package notification

import (
	"time"

	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// Previewer builds messages without sending them, for tests and for looking at mails.
type Previewer struct {
	BaseURL string
	From    Sender
	To      email.Address
	House   House
	Wrote   time.Time
}

// Message is the letter as it would be sent at p.Wrote.
func (p Previewer) Message(l *Letter) (*Message, error) {
	renderer, err := NewRenderer(p.BaseURL)
	if err != nil {
		return nil, err
	}
	rendered, err := renderer.Render(l, p.House, p.Wrote)
	if err != nil {
		return nil, err
	}
	return build(envelope{id: "mail_preview", host: hostName(renderer), from: p.From, to: p.To, letter: l, house: p.House, wrote: p.Wrote}, rendered)
}
