package notification

import "time"

// Letter is a mail before it is put into words and into the frame. A room's mail.go makes it with [Phrases.Letter] and
// sets what the kind needs; every address in it must be on our own host, or the letter is refused when it is rendered.
type Letter struct {
	// Code is a one-time code: it stands alone in a box. A letter with a code never threads.
	Code string
	// Link is an address for "or open this": shown as text under the code, with no button.
	Link string
	// Button is where the one button leads; its address stands under it as text too.
	Button string
	// Quote is what somebody wrote, in a box of its own: up to 1,000 characters, cleaned.
	Quote string
	// NextFirst puts "what you can do" above the button, for letters whose news wants an answer before a press.
	NextFirst bool
	// Thread ties letters about one thing together in a mail program: the id of the request, or "".
	Thread string
	// ReplyTo is the address of a person who answers, or "" for the house's contact.
	ReplyTo string

	kind *kind
	lang string
	data any
}

// Lang is the language the letter is written in: en, de or ar.
func (l *Letter) Lang() string { return l.lang }

// House is what every mail says about its sender. It is read when a mail is written, because it may change.
type House struct {
	// Org is what people call it: "Contoso".
	Org string
	// Legal is name and address for the footer: "Contoso AG, Hafenstr. 1, Hamburg".
	Legal string
	// Contact is the mail address of a person who helps, or "".
	Contact string
	// Logo is the address of the square mark on our own host, or "". PNG or GIF: many mail programs show no SVG.
	Logo string
	// Privacy is the address of the privacy page on our own host, or "".
	Privacy string
	// Zone is the zone in which times are written; nil means UTC.
	Zone *time.Location
}
