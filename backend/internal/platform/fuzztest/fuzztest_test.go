package fuzztest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fuzztest"
)

func TestTape_ReadsAsManyBytesAsAThrowNeeds(t *testing.T) {
	t.Parallel()
	tape := fuzztest.NewTape([]byte{7, 1, 0, 3})
	require.Equal(t, 7, tape.IntN(20))
	require.Equal(t, 256, tape.IntN(1000), "two bytes")
	require.Zero(t, tape.IntN(1), "what can only be nought reads nothing")
	require.False(t, tape.Ended())
	require.Equal(t, 1, tape.IntN(2))
	require.True(t, tape.Ended())
	require.Zero(t, tape.IntN(20))
}
