package notification

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"time"
)

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
	// Zone is the zone in which times are written, and which they name; nil means the machine's (TZ).
	Zone *time.Location
}

// page is a letter in words. Every string may hold marks; Code and the addresses do not.
type page struct {
	Subject, Preheader, Heading string
	Body                        []string
	Facts                       []fact
	Quote                       string
	Code, LinkWords, Link       string
	ButtonWords, Button         string
	NextHeading                 string
	Next                        []string
	NextFirst                   bool
	Note, Why                   string
}

type fact struct{ Label, Text string }

// words runs the letter's phrases. Paragraphs and facts that come out empty are left out.
func (l *Letter) words(h House, host string, wrote time.Time) (*page, error) {
	v := viewer{lang: l.lang, staff: l.kind.Staff, wrote: wrote, zone: h.Zone}
	data, _ := v.view(reflect.ValueOf(l.data), "").(map[string]any)
	data["Org"], data["Host"], data["Code"] = v.text(h.Org, asTitle), v.text(host, asLTR), l.Code
	w := &wording{texts: l.kind.texts[l.lang], data: data}
	p := &page{
		Subject: w.line("subject"), Preheader: w.line("preheader"), Heading: w.line("heading"),
		Code: l.Code, Link: l.Link, LinkWords: w.line("link"), Button: l.Button, ButtonWords: w.line("button"),
		NextHeading: w.line("next_heading"), NextFirst: l.NextFirst, Note: w.text("note"), Why: w.text("why"),
		Quote: v.text(l.Quote, asWords),
	}
	for i := range w.texts.Body {
		p.Body = appendText(p.Body, w.text(fmt.Sprintf("body.%d", i)))
	}
	for i := range w.texts.Next {
		p.Next = appendText(p.Next, w.text(fmt.Sprintf("next.%d", i)))
	}
	for i := range w.texts.Facts {
		if text := w.text(fmt.Sprintf("facts.%d.text", i)); text != "" {
			p.Facts = append(p.Facts, fact{Label: w.line(fmt.Sprintf("facts.%d.label", i)), Text: text})
		}
	}
	return p, w.err
}

func appendText(list []string, text string) []string {
	if text == "" {
		return list
	}
	return append(list, text)
}

// wording runs phrases until one fails.
type wording struct {
	texts *entry
	data  map[string]any
	err   error
}

// text is the phrase at place: white space at line ends and empty lines taken out, so that YAML may be laid out freely.
func (w *wording) text(place string) string {
	t, ok := w.texts.parsed[place]
	if !ok || w.err != nil {
		return ""
	}
	var b bytes.Buffer
	if err := t.Execute(&b, w.data); err != nil {
		w.err = err
		return ""
	}
	var kept []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// line is text in one line.
func (w *wording) line(place string) string { return strings.ReplaceAll(w.text(place), "\n", " ") }
