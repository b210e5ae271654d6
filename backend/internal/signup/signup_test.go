package signup

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/identity"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

func TestPace_waitsLongerEachTime(t *testing.T) {
	t.Parallel()
	var p identity.Pace
	now := dbtest.Start
	ask := func(after time.Duration) error {
		now = now.Add(after)
		return p.Ask(now)
	}
	for i, wait := range []time.Duration{0, 30 * time.Second, 60 * time.Second, 120 * time.Second, 120 * time.Second} {
		if wait > 0 {
			before := p
			require.ErrorIs(t, ask(wait-time.Microsecond), identity.ErrTooSoon, "too early for code %d", i+1)
			require.Equal(t, before, p, "asking too early does not make the wait longer")
			wait = time.Microsecond
		}
		require.NoError(t, ask(wait), "code %d, at the very instant", i+1)
		require.Equal(t, now, *p.Last)
	}
	err := ask(2 * time.Minute)
	require.ErrorIs(t, err, identity.ErrTooSoon, "five an hour")
	f, _ := fault.From(err)
	require.Equal(t, 58*time.Minute, f.Wait())
	require.Equal(t, "3480", f.Members()["seconds"])
	require.ErrorIs(t, ask(58*time.Minute-time.Microsecond), identity.ErrTooSoon)
	require.NoError(t, ask(time.Microsecond), "an hour after the fifth the count begins anew")
	require.NoError(t, ask(30*time.Second), "with the short wait")
}

func TestSignup_changeAddress_takesNothingAlong(t *testing.T) {
	t.Parallel()
	at := dbtest.Start
	s := signup{Mail: "Victim@x.test", Address: "victim@x.test", ProvedAt: &at, SavedAt: &at}
	s.Answers.V = map[string]any{"fullName": "typed by somebody"}
	s.changeAddress("New@y.test", "new@y.test")
	require.Equal(t, "New@y.test", s.Mail)
	require.Equal(t, "new@y.test", s.Address)
	require.False(t, s.proved(), "proof is of an address, not of a browser (security.md T14)")
	require.Nil(t, s.SavedAt)
	require.Empty(t, s.Answers.V)
}

func TestSignup_alive_toTheLastInstant(t *testing.T) {
	t.Parallel()
	s := signup{ExpiresAt: dbtest.Start}
	require.True(t, s.alive(dbtest.Start.Add(-time.Second)))
	require.True(t, s.alive(dbtest.Start))
	require.False(t, s.alive(dbtest.Start.Add(time.Microsecond)))
}

func TestSignup_nextPath(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/join/supplier", (&signup{FlowSlug: "supplier"}).nextPath())
	require.Equal(t, "/requests/7KQ-42M-9", (&signup{AskedReference: "7KQ-42M-9"}).nextPath(), "who came back for a request goes there")
}

func TestMasked_showsEnoughToRecogniseOnesOwn(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"maria@fabrikam.de": "m•••@fabrikam.de", "m@fabrikam.de": "m•••@fabrikam.de", "": "", "no address": "",
	} {
		require.Equal(t, want, masked(given))
	}
}
