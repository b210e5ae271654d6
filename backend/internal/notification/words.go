package notification

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"time"
)

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
