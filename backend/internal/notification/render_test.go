package notification_test

import (
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/notification/mailtest"
)

var _ = flag.Bool("update", false, "write the golden files anew")

// allData has a field of every sort that a kind may have.
type allData struct {
	Name  string   `mail:"name"`
	Says  string   `mail:"words"`
	Title string   `mail:"title"`
	Ref   string   `mail:"ltr"`
	State string   `mail:"word"`
	Link  string   `mail:"-"`
	List  []string `mail:"title"`
	Rows  []row
	At    time.Time
	Due   *time.Time
	Count int
	On    bool
}

type row struct {
	Name string `mail:"name"`
}

func sampleData() allData {
	due := time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)
	return allData{
		Name: "Maria Lindqvist", Says: "Hello.\nSecond line.", Title: "Supplier", Ref: "7KQ-42M-9", State: "open", Link: mailtest.BaseURL + "/l/abc",
		List: []string{"Drawings library", "Ticket desk"}, Rows: []row{{"Ana Ruiz"}}, At: due.Add(-26 * time.Hour), Due: &due, Count: 3, On: true,
	}
}

func hostile(attack string) allData {
	d := sampleData()
	d.Name, d.Says, d.Title, d.Ref, d.State = attack, attack, attack, attack, attack
	d.List, d.Rows = []string{attack, attack}, []row{{attack}}
	return d
}

const allText = `
test.all:
  subject: "{{.Name}} – {{.Title}} {{.Ref}} ({{.At.Short}})"
  preheader: "{{.Name}} on {{.Host}}"
  heading: "{{.Name}} and {{.Title}}"
  body:
    - "{{.Says}}"
    - "{{if eq .State \"open\"}}Open{{else}}Closed{{end}}, {{plural .Count %s}}, at {{.At.Clock}}, {{.At.Date}}{{with .Due}}, {{.Moment}}{{end}}"
    - "{{if .On}}On for {{strong .Org}}.{{end}}"
  facts:
    - { label: "List", text: "{{list .List}}" }
    - { label: "Lines", text: "{{lines .List}}" }
    - { label: "Rows", text: "{{range .Rows}}{{.Name}}\n{{end}}" }
    - { label: "Reference", text: "{{.Ref}}" }
  button: "Look"
  next_heading: "Next"
  next: ["{{.Name}} waits."]
  note: "{{.Title}}"
  why: "of {{.Title}}."
`

const arabicPlural = `\"zero: #\" \"one: #\" \"two: #\" \"few: #\" \"many: #\" \"other: #\"`

func texts() fstest.MapFS {
	latin := fmt.Sprintf(allText, `\"one: # thing\" \"other: # things\"`)
	return fstest.MapFS{
		"mail/en.yaml": {Data: []byte(latin)}, "mail/de.yaml": {Data: []byte(latin)},
		"mail/ar.yaml": {Data: []byte(fmt.Sprintf(allText, arabicPlural))},
	}
}

func kindAll() notification.Kind {
	return notification.Kind{Name: "test.all", Sample: sampleData(), Staff: true}
}

func letter(t testing.TB, locale string, d allData) *notification.Letter {
	t.Helper()
	l, err := phrases().Letter("test.all", locale, d)
	require.NoError(t, err)
	l.Button, l.Thread, l.Quote = mailtest.BaseURL+"/decide/abc", "req_1", d.Says
	return l
}

var phrases = func() func() *notification.Phrases {
	p := notification.MustPhrases(texts(), kindAll())
	return func() *notification.Phrases { return p }
}()

func TestRender_Golden(t *testing.T) {
	t.Parallel()
	mailtest.Golden(t, "test.all", func(locale string) (*notification.Letter, error) { return letter(t, locale, sampleData()), nil })
}

// TestRender_Hostile: an attack in every variable, in every language, is text and nothing else (security.md T59–T61).
func TestRender_Hostile(t *testing.T) {
	t.Parallel()
	for _, lang := range notification.Languages {
		for _, attack := range mailtest.Attacks {
			mailtest.Harmless(t, attack, func(bad bool) (*notification.Letter, error) {
				if bad {
					return letter(t, lang, hostile(attack)), nil
				}
				d := hostile("Maria") // as many words in as many places, so that the shapes compare
				return letter(t, lang, d), nil
			})
		}
	}
}

func TestRender_TakesNoLinkToElsewhere(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"https://evil.test/decide/abc", "https://partners.example.com.evil.test/", "https://partners.example.com@evil.test/",
		"https://partners.example.com", "http://partners.example.com/x", "javascript:alert(1)", "//partners.example.com/x",
		mailtest.BaseURL + "/x y", mailtest.BaseURL + "/x\r\nBcc: e", mailtest.BaseURL + `/\evil.test`, mailtest.BaseURL + "/#\"onclick", mailtest.BaseURL + "/é",
	} {
		l := letter(t, "en", sampleData())
		l.Button = address
		_, err := mailtest.Previewer(t).Message(l)
		require.Error(t, err, address)
	}
}

// TestRender_CodesDoNotThread: a mail program that folds codes into one conversation hides the newest.
func TestRender_CodesDoNotThread(t *testing.T) {
	t.Parallel()
	l := letter(t, "en", sampleData())
	l.Code = "482913"
	m, err := mailtest.Previewer(t).Message(l)
	require.NoError(t, err)
	for _, h := range mailtest.Headers(t, m.Source) {
		require.NotContains(t, []string{"In-Reply-To", "References"}, h[0])
	}
	require.True(t, strings.HasPrefix(m.Text, "482913\n"))
}

// FuzzRender is security.md F10: whatever is typed, the mail parses, has the header fields and the elements it always
// has, leads nowhere but home, says the same in both parts, and is the same twice.
func FuzzRender(f *testing.F) {
	for _, attack := range mailtest.Attacks {
		f.Add(attack)
	}
	usual := map[string][]string{}              // the elements with a name, and with nothing typed at all
	lines := regexp.MustCompile(`(br\n)+bdi\n`) // how many a text has is its own affair
	elements := func(t *testing.T, page string) string { return lines.ReplaceAllString(mailtest.Shape(t, page), "") }
	f.Fuzz(func(t *testing.T, typed string) {
		for _, lang := range notification.Languages {
			m := message(t, letter(t, lang, hostile(typed)))
			mailtest.Gates(t, m)
			again := message(t, letter(t, lang, hostile(typed)))
			require.Equal(t, string(m.Source), string(again.Source))
			if usual[lang] == nil {
				usual[lang] = []string{elements(t, message(t, letter(t, lang, hostile("Maria"))).HTML), elements(t, message(t, letter(t, lang, hostile(""))).HTML)}
			}
			require.Contains(t, usual[lang], elements(t, m.HTML))
		}
	})
}
