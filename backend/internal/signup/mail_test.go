package signup

import (
	"strings"
	"testing"

	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/notification/mailtest"
)

// TestMails holds every mail of the room, in every language, against what was last read and approved.
func TestMails(t *testing.T) {
	t.Parallel()
	m := newMails()
	code, request := exampleCodeMail(), exampleRequestMail()
	code.Link = mailtest.BaseURL + "/l/9hTq2Vw8"
	request.StatusURL, request.AppsURL = mailtest.BaseURL+"/requests/7KQ-42M-9", mailtest.BaseURL+"/apps"
	request.AgainURL = mailtest.BaseURL + "/join/supplier"
	mailtest.Golden(t, "signup.code", func(locale string) (*notification.Letter, error) { return m.code(locale, code) })
	mailtest.Golden(t, "signup.exists", func(locale string) (*notification.Letter, error) {
		return m.exists(locale, existsMail{SigninURL: mailtest.BaseURL + "/signin"})
	})
	for _, kind := range []string{"received", "question", "approved", "denied", "expired", "withdrawn"} {
		mailtest.Golden(t, "request."+kind, func(locale string) (*notification.Letter, error) {
			return m.aboutRequest("request."+kind, locale, request)
		})
	}
}

// TestMails_bare is the least that a flow may leave us with: no team, no times, no apps, no reason.
func TestMails_bare(t *testing.T) {
	t.Parallel()
	m := newMails()
	bare := requestMail{RequestID: "req_1", Reference: "7KQ-42M-9", FlowTitle: "Supplier", StatusURL: mailtest.BaseURL + "/requests/7KQ-42M-9", AppsURL: mailtest.BaseURL + "/apps"}
	for _, kind := range []string{"received", "question", "approved", "denied", "expired", "withdrawn"} {
		mailtest.Golden(t, "bare."+kind, func(locale string) (*notification.Letter, error) {
			return m.aboutRequest("request."+kind, locale, bare)
		})
	}
}

// TestMails_hostile puts attacks into everything that a person typed (security.md T59–T61).
func TestMails_hostile(t *testing.T) {
	t.Parallel()
	m := newMails()
	example := exampleRequestMail()
	example.StatusURL, example.AppsURL = mailtest.BaseURL+"/requests/7KQ-42M-9", mailtest.BaseURL+"/apps"
	for _, attack := range mailtest.Attacks {
		for _, kind := range []string{"question", "approved", "denied"} {
			d := example
			d.GivenName, d.Question, d.Reason, d.Team, d.FlowTitle = attack, attack, attack, attack, attack
			d.Apps = []string{attack, "Ticket desk", attack}
			mailtest.Harmless(t, attack, func(hostile bool) (*notification.Letter, error) {
				if hostile {
					return m.aboutRequest("request."+kind, "en", d)
				}
				return m.aboutRequest("request."+kind, "en", example)
			})
		}
	}
}

// TestMails_unproven: whatever an applicant may have typed, the mail that proves the address is the same.
func TestMails_unproven(t *testing.T) {
	t.Parallel()
	l, err := newMails().code("en", codeMail{Code: "482913", FlowTitle: "Supplier", Link: mailtest.BaseURL + "/l/x"})
	if err != nil {
		t.Fatal(err)
	}
	p := mailtest.Previewer(t)
	message, err := p.Message(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range mailtest.Headers(t, message.Source) {
		if header[0] == "In-Reply-To" || header[0] == "References" {
			t.Errorf("a code must not thread: %s", header[0])
		}
	}
	if !strings.HasPrefix(message.Subject, "482913 ") || !strings.HasPrefix(message.Text, "482913\n") {
		t.Error("the code must come first, in the subject and in the text")
	}
}

// FuzzUnproven is F10 for who is anonymous: of all that a stranger may send, the two mails that go to an address which
// nobody has proven tell the language, and the device in our words; nothing that was typed. There are so many of them,
// and no others.
func FuzzUnproven(f *testing.F) {
	for _, attack := range mailtest.Attacks {
		f.Add(attack, attack)
	}
	f.Add("de-AT", "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0 Pay now +1 800 555 0199")
	f.Add("ar", "Edg Android http://evil.test")
	m, known := newMails(), map[string]bool{}
	var origins []string
	for _, browser := range []string{"", "Edge", "Opera", "Samsung Internet", "Firefox", "Chrome", "Safari"} {
		for _, system := range []string{"", "iPhone", "iPad", "Android", "Windows", "Mac", "ChromeOS", "Linux"} {
			on := ""
			if browser != "" && system != "" {
				on = " on "
			}
			origins = append(origins, browser+on+system)
		}
	}
	p := mailtest.Previewer(f)
	written := func(t testing.TB, locale, origin string) string {
		code := exampleCodeMail()
		code.Link, code.Origin = mailtest.BaseURL+"/l/9hTq2Vw8", origin
		all := ""
		for _, write := range []func() (*notification.Letter, error){
			func() (*notification.Letter, error) { return m.code(locale, code) },
			func() (*notification.Letter, error) {
				return m.exists(locale, existsMail{SigninURL: mailtest.BaseURL + "/signin"})
			},
		} {
			l, err := write()
			if err != nil {
				t.Fatal(err)
			}
			message, err := p.Message(l)
			if err != nil {
				t.Fatal(err)
			}
			all += message.Subject + "\x00" + message.Text + "\x00" + message.HTML + "\x00"
		}
		return all
	}
	for _, lang := range notification.Languages {
		for _, origin := range origins {
			known[written(f, lang, origin)] = true
		}
	}
	f.Fuzz(func(t *testing.T, locale, agent string) {
		if !known[written(t, locale, identity.DescribeAgent(agent))] {
			t.Fatalf("asked for in %q by %q, the mail is none of ours", locale, agent)
		}
	})
}
