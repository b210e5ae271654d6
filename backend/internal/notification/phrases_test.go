package notification_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/notification/mailtest"
)

// TestMustPhrases_FailsTheStart: a house with a broken mail does not open, and says what is wrong.
func TestMustPhrases_FailsTheStart(t *testing.T) {
	t.Parallel()
	type typed struct {
		Name string `mail:"name"`
	}
	type untagged struct{ Name string }
	for _, tc := range []struct {
		name  string
		lang  string
		old   string
		new   string
		kind  notification.Kind
		wants string
	}{
		{name: "a language lacks a key", lang: "de", old: `note: "{{.Title}}"`, wants: "mail/de.yaml: test.all: note is missing"},
		{name: "a language lacks a paragraph", lang: "ar", old: `    - "{{.Says}}"` + "\n", wants: "mail/ar.yaml: test.all: body.2 is missing"},
		{name: "a language has a key that English lacks", lang: "de", old: `button: "Look"`, new: "button: Look\n  link: Hier", wants: "mail/de.yaml: test.all: link is not in English"},
		{name: "a key is misspelt", lang: "de", old: "heading:", new: "headline:", wants: "headline"},
		{name: "a kind is missing", lang: "de", old: "test.all:", new: "test.other:", wants: "test.all is missing"},
		{name: "a kind nobody declared", lang: "en", old: "test.all:", new: "test.other:", wants: "test.other: no such kind"},
		{name: "a template does not parse", lang: "ar", old: "{{.Name}} waits.", new: "{{.Name waits.", wants: "mail/ar.yaml"},
		{name: "a template asks for what is not there", lang: "de", old: "{{.Name}} waits.", new: "{{.Nmae}} waits.", wants: "Nmae"},
		{name: "a template cannot do without an optional value", lang: "de", old: "{{.Name}} waits.", new: "{{.Due.Moment}} waits.", wants: "Moment"},
		{name: "Arabic needs six plural forms", lang: "ar", old: arabicPlural, new: `\"one: #\" \"other: #\"`, wants: "plural has 2 forms: ar needs zero"},
		{name: "a subject is empty", lang: "de", old: `subject: "{{.Name}} – {{.Title}} {{.Ref}} ({{.At.Short}})"`, new: `subject: ""`, wants: "subject is empty"},
		{name: "an invisible character in a text", lang: "de", old: "Next", new: "Ne\u202ext", wants: "invisible"},
		{name: "a mail to an unproven address must not hold what somebody typed", kind: notification.Kind{Name: "test.all", Sample: typed{}, Unproven: true}, wants: "a person typed"},
		{name: "nobody may forget to say what a text is", kind: notification.Kind{Name: "test.all", Sample: untagged{}}, wants: "mail tag"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			files := texts()
			if tc.old != "" {
				raw := string(files["mail/"+tc.lang+".yaml"].Data)
				require.Contains(t, raw, tc.old)
				files["mail/"+tc.lang+".yaml"].Data = []byte(strings.Replace(raw, tc.old, tc.new, 1))
			}
			if tc.kind.Name == "" {
				tc.kind = kindAll()
			}
			defer func() {
				require.Contains(t, fmt.Sprint(recover()), tc.wants)
			}()
			notification.MustPhrases(files, tc.kind)
			t.Error("the start went on")
		})
	}
}

func TestMustPhrases_FailsWithoutALanguage(t *testing.T) {
	t.Parallel()
	files := texts()
	delete(files, "mail/ar.yaml")
	require.Panics(t, func() { notification.MustPhrases(files, kindAll()) })
}

func TestLetter_SpeaksTheReadersLanguage(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]string{"de": "de", "de-AT": "de", "DE_de": "de", "ar-EG": "ar", "fr": "en", "": "en", "german": "en", "zh-Hant-TW": "en"} {
		l, err := phrases().Letter("test.all", locale, sampleData())
		require.NoError(t, err)
		require.Equal(t, want, l.Lang(), locale)
	}
}

// TestInstant shows every pattern in every language, with the zone named and Latin digits.
func TestInstant(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 16, 5, 0, 0, time.UTC)
	summer := time.Date(2027, 7, 4, 6, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		lang string
		at   time.Time
		zone string
		want [4]string // date, clock, moment, short
	}{
		{"en", at, "Europe/Berlin", [4]string{"20 November 2026", "17:05 CET", "Friday 20 November, 17:05 CET", "Fri 17:05"}},
		{"de", at, "Europe/Berlin", [4]string{"20. November 2026", "17:05 Uhr MEZ", "Freitag, 20. November, 17:05 Uhr MEZ", "Fr. 17:05 Uhr"}},
		{"ar", at, "Europe/Berlin", [4]string{"20 نوفمبر 2026", "17:05 CET", "الجمعة 20 نوفمبر، الساعة 17:05 CET", "الجمعة 17:05"}},
		{"en", summer, "Europe/Berlin", [4]string{"4 July 2027", "08:00 CEST", "Sunday 4 July 2027, 08:00 CEST", "4 July 2027"}},
		{"de", summer, "Europe/Berlin", [4]string{"4. Juli 2027", "08:00 Uhr MESZ", "Sonntag, 4. Juli 2027, 08:00 Uhr MESZ", "4. Juli 2027"}},
		{"en", at, "Asia/Dubai", [4]string{"20 November 2026", "20:05 UTC+4", "Friday 20 November, 20:05 UTC+4", "Fri 20:05"}},
		{"en", at, "Asia/Kathmandu", [4]string{"20 November 2026", "21:50 UTC+5:45", "Friday 20 November, 21:50 UTC+5:45", "Fri 21:50"}},
		{"en", at, "UTC", [4]string{"20 November 2026", "16:05 UTC", "Friday 20 November, 16:05 UTC", "Fri 16:05"}},
	} {
		zone, err := time.LoadLocation(tc.zone)
		require.NoError(t, err)
		p := mailtest.Previewer(t)
		p.House.Zone = zone
		d := sampleData()
		d.At, d.Due = tc.at, &tc.at
		m, err := p.Message(letter(t, tc.lang, d))
		require.NoError(t, err)
		text := strings.Join(strings.Fields(strings.NewReplacer("\u2068", "", "\u2069", "").Replace(m.Text)), " ")
		require.Contains(t, text, fmt.Sprintf("at %s, %s, %s", tc.want[1], tc.want[0], tc.want[2]))
		require.Contains(t, strings.NewReplacer("\u2068", "", "\u2069", "").Replace(m.Subject), "("+tc.want[3]+")")
	}
}
