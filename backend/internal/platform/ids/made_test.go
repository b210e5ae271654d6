package ids_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// TestMade: an id says when it was made; what is no id says nothing.
func TestMade(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{time.UnixMilli(0), time.Date(2026, 3, 1, 9, 0, 0, 123e6, time.UTC), time.Date(2099, 12, 31, 23, 59, 59, 999e6, time.UTC)} {
		made, ok := ids.Made(ids.System(clock.NewFake(at)).New("req"))
		require.True(t, ok)
		require.Equal(t, at.UTC(), made)
	}
	for _, s := range []string{"", "req", "req_", "req_I0000000000000000000000000", "req_ZZZZZZZZZZZZZZZZZZZZZZZZZZ", "7KQ-42M-9"} {
		_, ok := ids.Made(s)
		require.False(t, ok, s)
	}
}
