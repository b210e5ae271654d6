package notification

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"
)

// MaxHTML is the largest HTML part, in bytes. Gmail cuts a mail at about 102 kB.
const MaxHTML = 30_000

// errForeignLink means that a letter leads to somewhere else than our own host.
var errForeignLink = errors.New("a mail must not lead to an address outside this house")

// Rendered is a letter as it is sent: subject, and the same words twice.
type Rendered struct {
	Lang    string
	Subject string // one line
	Text    string // lines of at most 72 columns, but for addresses; ends in a line end
	HTML    string
}

// Renderer puts letters into words and into the frame. It is safe for concurrent use.
type Renderer struct {
	base string // without a slash at its end
	host string // as people read it
}

// NewRenderer makes a renderer for the house at baseURL, the only place that its mails may lead to.
func NewRenderer(baseURL string) (*Renderer, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("base address %q: want https://host, without a query", baseURL)
	}
	return &Renderer{base: strings.TrimRight(baseURL, "/"), host: u.Host}, nil
}

// Render writes the letter as of wrote. The same letter, house and instant give the same bytes.
//
// An error is a mistake in our own house: a link to elsewhere, a phrase that does not run, a mail too large.
func (r *Renderer) Render(l *Letter, h House, wrote time.Time) (*Rendered, error) {
	p, err := l.words(h, r.host, wrote)
	if err != nil {
		return nil, fmt.Errorf("mail %s in %s: %w", l.kind.Name, l.lang, err)
	}
	for _, address := range []string{l.Link, l.Button, h.Logo, h.Privacy} {
		if address != "" && !r.ours(address) {
			return nil, fmt.Errorf("mail %s: %w", l.kind.Name, errForeignLink)
		}
	}
	if (p.Button == "") != (p.ButtonWords == "") || (p.Link == "") != (p.LinkWords == "") {
		return nil, fmt.Errorf("mail %s in %s: a link and its words go together", l.kind.Name, l.lang)
	}
	var html bytes.Buffer
	if err := frames[l.lang].Execute(&html, newFrame(p, h, l.lang)); err != nil {
		return nil, fmt.Errorf("mail %s in %s: %w", l.kind.Name, l.lang, err)
	}
	if html.Len() > MaxHTML {
		return nil, fmt.Errorf("mail %s in %s: %d bytes of HTML, at most %d", l.kind.Name, l.lang, html.Len(), MaxHTML)
	}
	return &Rendered{Lang: l.lang, Subject: subject(p, l.lang), Text: textFrame(p, h, l.lang), HTML: html.String()}, nil
}

// subject is one line of at most 200 characters; where it is cut, no isolate stays open.
func subject(p *page, lang string) string {
	s := plain(p.Subject, rtl(lang))
	if r := []rune(s); len(r) > 200 {
		return cut(bare(p.Subject), 200)
	}
	return s
}

func rtl(lang string) bool { return lang == "ar" }

// ours says whether address lies on our own host. It reads it as the strictest mail program would: the base, a slash,
// and then only characters that no reader takes for anything else.
func (r *Renderer) ours(address string) bool {
	path, ok := strings.CutPrefix(address, r.base+"/")
	if !ok {
		return false
	}
	return !strings.ContainsFunc(path, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("/-_.~?=&%", c))
	})
}

//go:embed frame/mail.html
var frameSource string

// frames are the HTML frame, once per language, with the sizes and sides of its script filled in. Mail programs know no
// logical properties, so sides are swapped here.
var frames = func() map[string]*template.Template {
	found := map[string]*template.Template{}
	for _, lang := range Languages {
		sizes := frameLTR
		if rtl(lang) {
			sizes = frameRTL
		}
		found[lang] = template.Must(template.New("mail").Parse(strings.NewReplacer(sizes...).Replace(frameSource)))
	}
	return found
}()

// maxPreheader is how much of a mail a list of mails shows, in characters.
const maxPreheader = 110

const (
	latinFont  = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
	arabicFont = "font-family:system-ui,-apple-system,'Segoe UI','Noto Sans Arabic','Geeza Pro',Tahoma,Arial,sans-serif"
)

var frameLTR = []string{
	"§dir§", "ltr", "§font§", latinFont,
	"§h1§", "font-size:24px;line-height:31px;font-weight:700;letter-spacing:-.017em",
	"§p§", "font-size:16px;line-height:24px", "§small§", "font-size:14px;line-height:20px",
	"§key§", "padding:12px 16px 12px 0", "§quote§", "border-left:3px solid #98a1af;padding:2px 0 2px 17px",
	"§plate§", "padding:4px 14px 4px 6px", "§mark§", "padding:0 9px 0 0",
}

// Arabic is one pixel larger, has more air between lines, and no tracking.
var frameRTL = []string{
	"§dir§", "rtl", "§font§", arabicFont,
	"§h1§", "font-size:25px;line-height:38px;font-weight:700",
	"§p§", "font-size:17px;line-height:28px", "§small§", "font-size:15px;line-height:24px",
	"§key§", "padding:12px 0 12px 16px", "§quote§", "border-right:3px solid #98a1af;padding:2px 17px 2px 0",
	"§plate§", "padding:4px 6px 4px 14px", "§mark§", "padding:0 0 0 9px",
}

// frameWords are the frame's own words.
type frameWords struct{ Copy, Why, Privacy string }

var wordsOfFrame = map[string]frameWords{
	"en": {Copy: "Or copy this address:", Why: "Why you get this:", Privacy: "Privacy"},
	"de": {Copy: "Oder diese Adresse kopieren:", Why: "Warum Sie diese Mail bekommen:", Privacy: "Datenschutz"},
	"ar": {Copy: "أو انسخ هذا العنوان:", Why: "سبب وصول هذه الرسالة إليك:", Privacy: "الخصوصية"},
}

// frame is what the HTML template sees: lines of runs, which html/template escapes, and addresses that are ours.
type frame struct {
	frameWords
	Lang, Subject, Preheader string
	Org, Legal, Contact      string
	Logo, PrivacyURL         string
	Heading                  [][]run
	Body, Next               [][][]run
	Quote                    [][]run
	Facts                    []frameFact
	Code, Spoken             string
	LinkWords                [][]run
	Link, Button             string
	ButtonWords              string
	NextHeading              [][]run
	Note, WhyText            [][]run
	NextFirst, NextLast      bool
}

type frameFact struct{ Label, Text [][]run }

func newFrame(p *page, h House, lang string) frame {
	f := frame{
		frameWords: wordsOfFrame[lang], Lang: lang, Subject: subject(p, lang), Preheader: clean(bare(p.Preheader), maxPreheader),
		Org: clean(h.Org, maxTitle), Legal: clean(h.Legal, maxTitle), Contact: clean(h.Contact, maxLTR), Logo: h.Logo, PrivacyURL: h.Privacy,
		Heading: lines(p.Heading), Quote: linesOrNone(p.Quote), Code: p.Code, Spoken: strings.Join(strings.Split(p.Code, ""), " "),
		LinkWords: lines(p.LinkWords), Link: p.Link, Button: p.Button, ButtonWords: bare(p.ButtonWords),
		NextHeading: linesOrNone(p.NextHeading), Note: linesOrNone(p.Note), WhyText: lines(p.Why),
		NextFirst: p.NextFirst && len(p.Next) > 0, NextLast: !p.NextFirst && len(p.Next) > 0,
	}
	for _, s := range p.Body {
		f.Body = append(f.Body, lines(s))
	}
	for _, s := range p.Next {
		f.Next = append(f.Next, lines(s))
	}
	for _, fact := range p.Facts {
		f.Facts = append(f.Facts, frameFact{Label: lines(fact.Label), Text: lines(fact.Text)})
	}
	return f
}

func linesOrNone(s string) [][]run {
	if s == "" {
		return nil
	}
	return lines(s)
}
