package approval

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

func TestRequest_closedBy(t *testing.T) {
	t.Parallel()
	ends := at(2, "09:00")
	for _, tc := range []struct {
		name string // what the approver experiences
		r    Request
		at   time.Time
		want error
	}{
		{"waits: may be decided", Request{State: Pending, ExpiresAt: &ends}, ends.Add(-time.Hour), nil},
		{"asked: may be decided without waiting for the answer", Request{State: NeedsInfo, ExpiresAt: &ends}, ends.Add(-time.Hour), nil},
		{"the last instant still counts", Request{State: Pending, ExpiresAt: &ends}, ends, nil},
		{"one microsecond late, and the sweep has not come by", Request{State: Pending, ExpiresAt: &ends}, ends.Add(time.Microsecond), ErrClosed},
		{"asked, and nobody answered in time", Request{State: NeedsInfo, ExpiresAt: &ends}, ends.Add(time.Microsecond), ErrClosed},
		{"a flow without an end never lapses", Request{State: Pending}, ends.AddDate(9, 0, 0), nil},
		{"withdrawn stays withdrawn", Request{State: Withdrawn}, ends, ErrClosed},
		{"expired stays expired", Request{State: Expired}, ends, ErrClosed},
		{"approved: who was first is told", Request{State: Active, Decision: Approve}, ends, ErrAlreadyDecided},
		{"denied, and long over: who decided is told, not that time is over", Request{State: Denied, Decision: Deny, ExpiresAt: &ends}, ends.Add(time.Hour), ErrAlreadyDecided},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, tc.r.closedBy(tc.at), tc.want)
		})
	}
}

func TestRequest_StateAt_isExpiredBeforeTheSweep(t *testing.T) {
	t.Parallel()
	ends := at(2, "09:00")
	for _, state := range []State{Pending, NeedsInfo} {
		r := Request{State: state, ExpiresAt: &ends}
		require.Equal(t, state, r.StateAt(ends))
		require.Equal(t, Expired, r.StateAt(ends.Add(time.Microsecond)))
	}
	for _, state := range []State{Approved, Active, Denied, Expired, Withdrawn} {
		r := Request{State: state, ExpiresAt: &ends}
		require.Equal(t, state, r.StateAt(ends.AddDate(1, 0, 0)), "an end stays what it was")
	}
}

func TestRequest_accessEnd(t *testing.T) {
	t.Parallel()
	now, chosen := at(1, "10:30"), at(20, "00:00")
	require.Nil(t, (&Request{}).accessEnd(now), "a flow without an end")
	require.Equal(t, now.AddDate(0, 0, 7), *(&Request{EndsAfterDays: 7}).accessEnd(now))
	require.Equal(t, chosen, *(&Request{EndsAfterDays: 7, AccessUntil: &chosen}).accessEnd(now), "the approver's day wins")
	require.Equal(t, chosen, *(&Request{AccessUntil: &chosen}).accessEnd(now), "also where the flow has no end")
}

func TestDue_skipsWeekends(t *testing.T) {
	t.Parallel()
	// 1 March 2026 is a Sunday.
	for _, tc := range []struct {
		name string
		now  time.Time
		d    time.Duration
		want time.Time
	}{
		{"a working day", at(3, "15:04"), 24 * time.Hour, at(4, "15:04")},
		{"Thursday to Friday is no weekend", at(5, "15:04"), 24 * time.Hour, at(6, "15:04")},
		{"Friday's is due on Monday, at the same time of day", at(6, "15:04"), 24 * time.Hour, at(9, "15:04")},
		{"Saturday's too", at(7, "00:00"), 24 * time.Hour, at(9, "00:00")},
		{"Sunday's is due on Monday anyway", at(8, "15:04"), 24 * time.Hour, at(9, "15:04")},
		{"the last minute of Friday is Friday", at(6, "21:59"), 2 * time.Hour, at(6, "23:59")},
		{"the first minute of Saturday is Monday's", at(6, "22:00"), 2 * time.Hour, at(9, "00:00")},
		{"a week ahead lands where it lands", at(4, "08:00"), 7 * 24 * time.Hour, at(11, "08:00")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, *due(tc.now, tc.d))
		})
	}
	require.Nil(t, due(at(1, "09:00"), 0), "a stage without a time is due at no time")
	require.Nil(t, after(at(1, "09:00"), 0))
}

func TestSameMailbox(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, a, b string
		want       bool
	}{
		{"the very same", "e@contoso.com", "e@contoso.com", true},
		{"a tag is no other person", "e@contoso.com", "e+guest@contoso.com", true},
		{"two tags neither", "e+a@contoso.com", "e+b@contoso.com", true},
		{"everything behind the first plus is the tag", "e+a+b@contoso.com", "e@contoso.com", true},
		{"another domain is another mailbox", "e@contoso.com", "e@fabrikam.de", false},
		{"another local part too", "e@contoso.com", "ee@contoso.com", false},
		{"a key has no address, and so no own request", "", "e@contoso.com", false},
		{"two keys are not one person", "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, sameMailbox(tc.a, tc.b))
		})
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, given, want string }{
		{"words stay as they are", "Hall 3, “soon” – bis Mo. ٣", "Hall 3, “soon” – bis Mo. ٣"},
		{"line feeds stay: a reason may have paragraphs", "a\n\nb", "a\n\nb"},
		{"CRLF is a line feed", "a\r\nb", "a\nb"},
		{"a bare CR is none: terminals would overwrite the line", "a\rb", "ab"},
		{"NUL and escape sequences", "a\x00b\x1b[31mc", "ab[31mc"},
		{"C1 controls, which old terminals obey", "a\u009bb", "ab"},
		{"direction overrides turn what follows", "a\u202egnp.exe\u202c", "agnp.exe"},
		{"isolates and marks too", "\u2066a\u2069\u200f", "a"},
		{"the joiner that Persian words need stays", "می\u200cخواهم", "می\u200cخواهم"},
		{"blank is nothing", " \n\t ", ""},
		{"invisible is nothing: a denial must have a reason that can be read", "\u200b\u2060\ufeff", ""},
		{"a non-breaking space is blank", "\u00a0\u3000", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, plainText(tc.given))
		})
	}
}

func TestCleanText_countsCharacters(t *testing.T) {
	t.Parallel()
	kept, err := cleanText(strings.Repeat("ä", 500), 500)
	require.NoError(t, err, "500 characters, 1,000 bytes")
	require.Len(t, []rune(kept), 500)
	for given, code := range map[string]string{strings.Repeat("ä", 501): "text_too_long", " \u200b ": "text_missing", "": "text_missing"} {
		_, err := cleanText(given, 500)
		requireField(t, err, "/text", code)
	}
}

// requireField holds that err is a fault of exactly this field.
func requireField(t *testing.T, err error, pointer, code string) {
	t.Helper()
	f, ok := fault.From(err)
	require.True(t, ok, "%v", err)
	require.Len(t, f.Fields(), 1)
	require.Equal(t, pointer, f.Fields()[0].Pointer)
	require.Equal(t, code, f.Fields()[0].Code)
}
