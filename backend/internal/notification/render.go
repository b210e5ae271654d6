package notification

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// MaxHTML is the largest HTML part, in bytes (ux.md §2.8). Gmail cuts a mail at about 102 kB.
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
