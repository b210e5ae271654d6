package directory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/email"
)

func TestUser_State(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { end := now.Add(d); return &end }
	for _, tc := range []struct {
		name   string
		user   User
		want   GuestState
		usable bool
	}{
		{"no end at all", User{AccountEnabled: true}, GuestStateActive, true},
		{"an end far away", User{AccountEnabled: true, EndsAt: at(SoonEnds + time.Microsecond)}, GuestStateActive, true},
		{"thirty days left: time to ask the sponsor", User{AccountEnabled: true, EndsAt: at(SoonEnds)}, GuestStateEndsSoon, true},
		{"the last microsecond still counts", User{AccountEnabled: true, EndsAt: at(time.Microsecond)}, GuestStateEndsSoon, true},
		{"the end itself is over", User{AccountEnabled: true, EndsAt: at(0)}, GuestStateEnded, false},
		{"invited and not yet come", User{AccountEnabled: true, ExternalUserState: StatePending}, GuestStateInvited, false},
		{"an invitation that ended is still an invitation", User{AccountEnabled: true, ExternalUserState: StatePending, EndsAt: at(-time.Hour)}, GuestStateInvited, false},
		{"disabled beats everything else", User{ExternalUserState: StatePending, EndsAt: at(-time.Hour)}, GuestStateDisabled, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, tc.user.State(now))
			require.Equal(t, tc.usable, tc.user.Usable(now))
		})
	}
}

func TestPrincipalName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, address, suffix, want string }{
		{"as Microsoft Entra writes it", "maria@fabrikam.de", "", "maria_fabrikam.de#EXT#@contoso.com"},
		{"case does not make another person", "Maria.L@Fabrikam.DE", "", "maria.l_fabrikam.de#EXT#@contoso.com"},
		{"plus addresses keep their plus", "maria+x@fabrikam.de", "", "maria+x_fabrikam.de#EXT#@contoso.com"},
		{"a clash is told apart before #EXT#", "maria@fabrikam.de", "4711", "maria_fabrikam.de_4711#EXT#@contoso.com"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			address, err := email.Parse(tc.address)
			require.NoError(t, err)
			require.Equal(t, tc.want, principalName(address, tc.suffix, "contoso.com"))
		})
	}
}

func TestLaterEnd_NeverShortens(t *testing.T) {
	t.Parallel()
	early, late := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name       string
		a, b, want *time.Time
	}{
		{"a later request extends", &early, &late, &late},
		{"an earlier end changes nothing", &late, &early, &late},
		{"no end stays no end", nil, &late, nil},
		{"a request without end takes the end away", &early, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, laterEnd(tc.a, tc.b))
		})
	}
}

func TestPersonalDomain(t *testing.T) {
	t.Parallel()
	require.True(t, PersonalDomain("gmail.com"))
	require.False(t, PersonalDomain("fabrikam.de"))
	require.False(t, PersonalDomain("mail.gmail.com"), "only the domain itself: below it may be anybody")
}

func TestSearchTerms(t *testing.T) {
	t.Parallel()
	text := searchText("Zoë Łukasz", "zoe@fabrikam.de", "100% Pumpen_Bau")
	require.Equal(t, "  zoe  lukasz  zoe@fabrikam.de  100%  pumpen_bau", text)
	for _, tc := range []struct {
		name, search string
		want         []string
		possible     bool
	}{
		{"nothing asked, everybody shown", "  ", nil, true},
		{"words in any order, folded", "Łukasz ZOË", []string{"lukasz", "zoe"}, true},
		{"two characters only where a word begins", "zo", []string{"  zo"}, true},
		{"one character too", "Z", []string{"  z"}, true},
		{"punctuation alone finds nobody", "% _ **", []string{"  %", "  _", "  **"}, false},
		{"punctuation beside a word is part of the search", "100%", []string{"100%"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			terms, possible := searchTerms(tc.search)
			require.Equal(t, tc.want, terms)
			require.Equal(t, tc.possible, possible)
		})
	}
}

func TestInLanguage(t *testing.T) {
	t.Parallel()
	texts := map[string]string{"en": "Plans", "de": "Pläne"}
	for _, tc := range []struct {
		name, lang, want string
		texts            map[string]string
	}{
		{"the reader's own", "de", "Pläne", texts},
		{"a region reads its language", "de-AT", "Pläne", texts},
		{"English for everybody else", "ar", "Plans", texts},
		{"any language rather than none", "ar", "Pläne", map[string]string{"de": "Pläne", "fr": "Plans"}},
		{"nothing to say", "en", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, inLanguage(tc.texts, tc.lang))
		})
	}
}
