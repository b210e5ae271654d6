package timetest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/timetest"
)

// works is what a processor does in about a millisecond.
func works() {
	sum := 0
	for i := range 500_000 {
		sum += i * i
	}
	if sum == 1 {
		panic("cannot be")
	}
}

func lags(d time.Duration) func() {
	return func() {
		works()
		<-time.After(d)
	}
}

// TestAlike_seesFiveMilliseconds: a deliberate wait on one side fails, whichever side it is; equal acts pass.
func TestAlike_seesFiveMilliseconds(t *testing.T) {
	t.Parallel()
	require.NoError(t, timetest.Alike(timetest.Act{Name: "unknown", Do: works}, timetest.Act{Name: "known", Do: works}))
	require.ErrorContains(t, timetest.Alike(
		timetest.Act{Name: "unknown", Do: works}, timetest.Act{Name: "known", Do: lags(5 * time.Millisecond)},
	), `"known" takes longer than "unknown"`)
	require.ErrorContains(t, timetest.Alike(
		timetest.Act{Name: "unknown", Do: lags(5 * time.Millisecond)}, timetest.Act{Name: "known", Do: works},
	), `"unknown" takes longer than "known"`)
}
