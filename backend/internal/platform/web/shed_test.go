package web

import (
	"context"
	"testing"

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
	for range s.ordinary {
		p, ok := s.take(t.Context(), false)
		require.True(t, ok)
		all = append(all, p)
	}
	for _, p := range all {
		p.leave()
	}
	require.Positive(t, s.pace, "one of them left while it was full")
}
