package clock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

func TestSystem_IsUTCAndKeepsNoMoreThanTheDatabaseDoes(t *testing.T) {
	t.Parallel()
	now := clock.System().Now()
	require.Equal(t, time.UTC, now.Location())
	require.Zero(t, now.Nanosecond()%1000)
}

func TestFake_MovesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CET", 3600)
	f := clock.NewFake(time.Date(2026, 3, 1, 10, 0, 0, 1234, berlin))
	require.Equal(t, time.Date(2026, 3, 1, 9, 0, 0, 1000, time.UTC), f.Now(), "UTC, whole microseconds")
	require.Equal(t, f.Now(), f.Now())

	f.Advance(90 * time.Second)
	require.Equal(t, time.Date(2026, 3, 1, 9, 1, 30, 1000, time.UTC), f.Now())

	f.Set(time.Date(2026, 1, 1, 1, 0, 0, 999, berlin))
	require.Equal(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), f.Now())
}
