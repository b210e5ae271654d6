package notification

import (
	_ "embed"
	"html/template"
	"strings"
)

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
