package flow

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

func supplier(t testing.TB) Definition {
	t.Helper()
	sources, mistakes := Read(demoFiles(t)...)
	require.Empty(t, mistakes)
	return sources[0].Definition
}

// maria is what the demo's first applicant answers.
func maria() map[string]any {
	return map[string]any{
		"givenNames": "Maria", "familyName": "Lindqvist", "company": "Fabrikam GmbH", "jobTitle": "Service engineer", "country": "DE",
		"phone": "+49 40 5550 777", "why": "maintain", "site": "hamburg", "equipment": []string{"compressors", "cranes"},
		"purpose": "Compressor maintenance in hall 3.", "contact": "j.becker@contoso.com", "startDate": "2026-11-30", "people": 2,
		"website": "https://www.fabrikam.de", "insured": true,
	}
}

func TestAnswered_IsInTheReadersWordsAndThePagesOrder(t *testing.T) {
	t.Parallel()
	d := supplier(t)
	clean, fields := d.CheckFinal(maria(), []Consent{{"terms-of-use", "4"}})
	require.Empty(t, fields)
	raw, err := json.Marshal(clean)
	require.NoError(t, err)
	var kept map[string]any
	require.NoError(t, json.Unmarshal(raw, &kept), "as the database gives them back")
	got := map[string]Answered{}
	for _, a := range d.Answered(kept, "de") {
		got[a.Name] = a
	}
	require.Len(t, got, len(clean))
	require.Equal(t, Answered{"why", "Ihre Arbeit", "Wofür brauchen Sie den Zugang?", "choice", "maintain", "Ich warte Anlagen"}, got["why"])
	require.Equal(t, "Kompressoren, Krane und Hebezeuge", got["equipment"].Display)
	require.Equal(t, "Ja", got["insured"].Display)
	require.Equal(t, "2", got["people"].Display)
	require.Equal(t, "+49405550777", got["phone"].Display)
	require.Equal(t, "givenNames", d.Answered(kept, "ar")[0].Name)
	require.Equal(t, "الضواغط، الرافعات والمصاعد", func() string {
		for _, a := range d.Answered(kept, "ar") {
			if a.Name == "equipment" {
				return a.Display
			}
		}
		return ""
	}())
}

func TestProfile_ReadsThePerson(t *testing.T) {
	t.Parallel()
	d := supplier(t)
	p := d.Profile.Read(maria())
	require.Equal(t, "Maria Lindqvist", p.DisplayName())
	require.Equal(t, "Fabrikam GmbH", p.Organisation)
	require.Equal(t, "Compressor maintenance in hall 3.", p.Purpose)
	require.Equal(t, "j.becker@contoso.com", d.NamedSponsor(maria()))
	require.Empty(t, d.NamedSponsor(map[string]any{}))
	require.Equal(t, "Chiara Romano", Profile{Name: "n"}.Read(map[string]any{"n": "Chiara Romano"}).DisplayName())
	require.Empty(t, Profile{}.Read(map[string]any{"": "x", "n": 1}).DisplayName()+Profile{Name: "n"}.Read(map[string]any{"n": 1}).DisplayName())
}

func TestSpeaking_LabelsAreInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	_, fields := supplier(t).Speaking("de").CheckFinal(map[string]any{"why": "deliver", "country": "ZZ", "people": 0.0}, nil)
	var got []string
	for _, f := range fields {
		got = append(got, f.Pointer+" "+f.Sentence("de"))
	}
	require.Equal(t, []string{
		"/answers/givenNames Geben Sie Ihre Vornamen ein", "/answers/familyName Geben Sie Ihren Nachnamen ein",
		"/answers/company Geben Sie den Namen Ihrer Firma ein", "/answers/country Wählen Sie bei „Land, in dem Sie arbeiten“ ein Land aus der Liste",
		"/answers/purpose Sagen Sie in einem Satz, was Sie vorhaben", "/answers/people „Wie viele Sie sind“ muss mindestens 1 sein",
		"/consents/terms-of-use Bestätigen Sie „Nutzungsbedingungen“",
	}, got)
}

func TestDomains_DenyBeatsAllow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, address string
		domains       Domains
		want          bool
	}{
		{"everybody, if nothing is said", "sam@gmail.com", Domains{}, true},
		{"a disposable address", "x@mailinator.com", supplier(t).Domains, false},
		{"a disposable address below", "x@a.mailinator.com", supplier(t).Domains, false},
		{"a free address is looked at, not refused", "sam.okafor@gmail.com", supplier(t).Domains, true},
		{"not on the list", "a@evilcorp.com", Domains{Allow: []string{"corp.com"}}, false},
		{"below is another domain", "a@sub.corp.com", Domains{Allow: []string{"corp.com"}}, false},
		{"deny beats allow", "a@b.corp.com", Domains{Allow: []string{"*.corp.com"}, Deny: []string{"b.corp.com"}}, false},
		{"a rule that cannot be read accepts nobody", "a@corp.com", Domains{Allow: []string{"com"}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, err := email.Parse(tc.address)
			require.NoError(t, err)
			require.Equal(t, tc.want, tc.domains.Accepts(a))
		})
	}
}

func TestDuration_IsWrittenAsItIsRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"30m": "30m", "90m": "90m", "60m": "1h", "36h": "36h", "48h": "2d", "2d": "2d", "2w": "14d"} {
		d, err := ParseDuration(in)
		require.NoError(t, err)
		require.Equal(t, want, d.String())
	}
	for _, bad := range []string{"", "2", "d", "-1d", "1.5d", "1 d", "4000d", "9999999w", "1y", "0x1d"} {
		_, err := ParseDuration(bad)
		require.Error(t, err, bad)
	}
	require.Equal(t, 48*time.Hour, Duration(2*day).D())
	require.Equal(t, 365, Ends{AfterDays: 180, MaxDays: 365}.Longest())
	require.Equal(t, 7, Ends{AfterDays: 7}.Longest())
}

func TestText_FallsBack(t *testing.T) {
	t.Parallel()
	text := Text{"de": "Hallo", "en": "Hello", "pt-BR": "Oi"}
	for _, tc := range []struct{ lang, fallback, want string }{
		{"de", "", "Hallo"}, {"de-AT", "", "Hallo"}, {"pt-BR", "", "Oi"}, {"ar", "de", "Hallo"}, {"ar", "xx", "Hello"}, {"", "", "Hello"},
	} {
		require.Equal(t, tc.want, text.In(tc.lang, tc.fallback), tc.lang)
	}
	require.Equal(t, "Oi", Text{"pt-BR": "Oi"}.In("ar"))
	require.Empty(t, Text(nil).In("de"))
}
