package notification

import (
	"bytes"
	"fmt"
	netmail "net/mail"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

// Sender is who every mail comes from. It never changes with the letter: people learn to know it.
type Sender struct {
	Name    string // may be ""
	Address email.Address
}

func (s Sender) header() *netmail.Address {
	return &netmail.Address{Name: clean(s.Name, maxTitle), Address: s.Address.String()}
}

// Message is a mail as it is handed over.
type Message struct {
	ID      string // stable over every attempt; the Message-ID is made from it
	Kind    string
	From    Sender
	To      email.Address // the one recipient
	Subject string
	Text    string
	HTML    string
	Source  []byte // RFC 5322, lines ended by CRLF
}

// envelope is what a message needs besides its words.
type envelope struct {
	id     string
	host   string // of the Message-ID
	from   Sender
	to     email.Address
	letter *Letter
	house  House
	wrote  time.Time
}

// replyTo is who answers: the letter's person, else the house's contact, else the sender.
func (e envelope) replyTo() (email.Address, error) {
	for _, given := range []string{e.letter.ReplyTo, e.house.Contact} {
		if given == "" {
			continue
		}
		a, err := email.Parse(given)
		if err != nil {
			return email.Address{}, fmt.Errorf("reply-to: %w", err)
		}
		return a, nil
	}
	return e.from.Address, nil
}

// build makes the message: text first, then HTML, quoted-printable UTF-8. The same input gives the same bytes.
func build(e envelope, r *Rendered) (*Message, error) {
	m := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingQP),
		mail.WithBoundary("part-"+e.id), mail.WithNoDefaultUserAgent())
	m.FromMailAddress(e.from.header())
	m.ToMailAddress(&netmail.Address{Address: e.to.String()})
	if answers, err := e.replyTo(); err != nil {
		return nil, err
	} else if answers != e.from.Address {
		m.ReplyToMailAddress(&netmail.Address{Address: answers.String()})
	}
	m.Subject(r.Subject)
	m.SetDateWithValue(e.wrote)
	m.SetMessageIDWithValue(e.id + "@" + e.host)
	m.SetGenHeader("Content-Language", r.Lang)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: no automatic answers, please
	m.SetGenHeader("X-Auto-Response-Suppress", "All")  // the same for Exchange
	if e.letter.Thread != "" && e.letter.Code == "" {
		root := "<" + e.letter.Thread + "@" + e.host + ">"
		m.SetGenHeader(mail.HeaderInReplyTo, root)
		m.SetGenHeader(mail.HeaderReferences, root)
	}
	m.SetBodyString(mail.TypeTextPlain, r.Text)
	m.AddAlternativeString(mail.TypeTextHTML, r.HTML)
	var source bytes.Buffer
	if _, err := m.WriteTo(&source); err != nil {
		return nil, fmt.Errorf("build mail: %w", err)
	}
	return &Message{
		ID: e.id, Kind: e.letter.kind.Name, From: e.from, To: e.to, Subject: r.Subject, Text: r.Text, HTML: r.HTML, Source: source.Bytes(),
	}, nil
}

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
