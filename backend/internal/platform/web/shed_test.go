package web

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShed_TheUrgentGoFirst(t *testing.T) {
	t.Parallel()
	s := newShed(1, nil)
	first, ok := s.take(t.Context(), false)
	require.True(t, ok)
	got := make(chan *place)
	go func() {
		p, ok := s.take(t.Context(), true)
		require.True(t, ok)
		got <- p
	}()
	waiting := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.queue[true])
	}
	require.Eventually(t, func() bool { return waiting() == 1 }, urgentWait, maxWait/100)
	_, ok = s.take(t.Context(), false)
	require.False(t, ok, "a newcomer does not even wait while an urgent one does")
	first.leave()
	first.leave() // a second time gives nothing more
	(<-got).leave()

	p, ok := s.take(t.Context(), false)
	require.True(t, ok, "then it is the newcomers' turn again")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok = s.take(gone, true)
	require.False(t, ok)
	require.Zero(t, waiting(), "who has gone waits no longer")
	p.leave()
	require.Zero(t, s.taken+s.newcomer)
}

// TestShed_NobodyWaitsInVain: who would not get a place in time is told so at once.
func TestShed_NobodyWaitsInVain(t *testing.T) {
	t.Parallel()
	s := newShed(1, nil)
	first, ok := s.take(t.Context(), false)
	require.True(t, ok)
	s.pace = maxWait * 2 / 3 // as measured: one place in that time
	second := make(chan bool)
	go func() { p, ok := s.take(t.Context(), false); p.leaveIf(ok); second <- ok }()
	waiting := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.queue[false])
	}
	require.Eventually(t, func() bool { return waiting() == 1 }, maxWait, maxWait/100)
	_, ok = s.take(t.Context(), false)
	require.False(t, ok)
	require.Equal(t, 1, waiting(), "and the one before still waits")
	first.leave()
	require.True(t, <-second)
}

func (p *place) leaveIf(ok bool) {
	if ok {
		p.leave()
	}
}

// TestShed_LearnsItsPaceOnlyWhileItIsFull: an idle house that is suddenly full keeps nobody out for having been idle.
func TestShed_LearnsItsPaceOnlyWhileItIsFull(t *testing.T) {
	t.Parallel()
	s := newShed(10, nil)
	for range 50 {
		p, ok := s.take(t.Context(), false)
		require.True(t, ok)
		p.leave()
	}
	require.Zero(t, s.pace)
	var all []*place
	for range 8 { // four fifths
		p, ok := s.take(t.Context(), false)
		require.True(t, ok)
		all = append(all, p)
	}
	for _, p := range all {
		p.leave()
	}
	require.Positive(t, s.pace, "one of them left while it was full")
}

// TestShed_room: who gets a place, by who has them and who waits.
func TestShed_room(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                       string
		urgent, newcomers          int // that have a place of 32
		urgentWaits, newcomerWaits int
		urgentMay, newcomerMay     bool
	}{
		{"an empty house is open to all", 0, 0, 0, 0, true, true},
		{"newcomers leave a fifth to those who are in the middle of something", 0, 26, 0, 0, true, false},
		{"those may take all that nobody wants", 31, 0, 0, 0, true, true},
		{"a full house is full for everybody", 30, 2, 0, 0, false, false},
		{"who is in the middle of something goes first", 10, 10, 3, 3, true, false},
		{"one place in sixteen is the newcomers' whoever waits: the door is never shut", 10, 1, 3, 3, true, true},
		{"and is kept for them while they wait", 30, 0, 3, 3, false, true},
		{"one of the two at least", 30, 1, 3, 3, false, true},
		{"places were taken away meanwhile: nobody else comes before they are free", 30, 10, 0, 0, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newShed(32, nil)
			s.taken, s.newcomer = tc.urgent+tc.newcomers, tc.newcomers
			s.queue[true], s.queue[false] = make([]*waiter, tc.urgentWaits), make([]*waiter, tc.newcomerWaits)
			require.Equal(t, tc.urgentMay, s.room(true), "urgent")
			require.Equal(t, tc.newcomerMay, s.room(false), "newcomer")
		})
	}
}

// TestPressure: places follow what the machine can do, and come back.
func TestPressure(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	judges := func(p *pressure, tardy int) (more bool) {
		for i := range judged {
			now = now.Add(time.Millisecond)
			by := late
			if i < tardy {
				by++
			}
			more = p.feels(by, now)
		}
		return more
	}
	p := newPressure(128)
	require.False(t, judges(&p, judged/seldom), "one in a hundred may be late")
	require.Equal(t, 128, p.places, "and there are never more than were set")
	require.False(t, judges(&p, judged/seldom+1))
	require.Equal(t, 96, p.places)
	for range 20 {
		judges(&p, judged)
	}
	require.Equal(t, leastPlaces, p.places)
	require.True(t, judges(&p, 0), "who waits is told of new places")
	require.Equal(t, leastPlaces+1, p.places)
	for range 100 {
		judges(&p, 0)
	}
	require.Equal(t, 128, p.places)

	for range 10 * judged {
		p.feels(time.Second, now) // a thousand at one moment are one moment
	}
	require.Equal(t, 128, p.places)
	few := newPressure(4)
	judges(&few, judged)
	require.Equal(t, 4, few.places, "a bound below the least is kept")
}

// TestShed_PlacesThatComeBackAreHandedOn: who waits does not wait for somebody else to leave.
func TestShed_PlacesThatComeBackAreHandedOn(t *testing.T) {
	t.Parallel()
	s := newShed(32, nil)
	s.pressure.places, s.pressure.seen, s.pressure.began = 16, judged, time.Unix(0, 0)
	for range 16 {
		_, ok := s.take(t.Context(), true)
		require.True(t, ok)
	}
	gone, cancel := context.WithCancel(t.Context())
	got := make(chan bool)
	go func() { _, ok := s.take(t.Context(), true); got <- ok }()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.queue[true]) == 1
	}, urgentWait, maxWait/100)
	cancel()
	_, ok := s.take(gone, false)
	require.False(t, ok, "who has gone tells nothing of the machine")
	_, ok = s.take(t.Context(), false) // waits in vain, and is the one who ends the judgement
	require.False(t, ok)
	require.True(t, <-got)
}
