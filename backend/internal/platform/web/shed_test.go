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
