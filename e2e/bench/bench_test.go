package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuantile_IsTheLeastWaitThatTheShareDidNotExceed(t *testing.T) {
	t.Parallel()
	var o outcome
	require.Zero(t, o.quantile(.5))
	for n := range 100 {
		o.waits = append(o.waits, time.Duration(n+1))
	}
	require.EqualValues(t, 50, o.quantile(.5))
	require.EqualValues(t, 99, o.quantile(.99))
	require.EqualValues(t, 100, o.quantile(1))
}

func TestRawSQLite_WorksInAnyFolder(t *testing.T) {
	t.Chdir(t.TempDir()) // as the bench starts it
	require.NoError(t, rawSQLite(16))
}

func TestClosed_CountsFailuresAndEndsWithItsOperations(t *testing.T) {
	t.Parallel()
	ouch := errors.New("ouch")
	o := closed(t.Context(), 4, 100, time.Minute, func(_ context.Context, _ int, n int64) error {
		if n%10 == 0 {
			return ouch
		}
		return nil
	})
	require.Equal(t, 90, o.accepted)
	require.Equal(t, 10, o.failed)
	require.ErrorIs(t, o.whole(), ouch)
}

func TestOpen_CountsFromTheMomentAnOperationFellDue(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	time.AfterFunc(150*time.Millisecond, func() { close(release) })
	o := open(t.Context(), 1, 200, 100*time.Millisecond, func(context.Context, int, int64) error {
		<-release
		return nil
	})
	require.NoError(t, o.whole())
	require.Greater(t, o.quantile(.5), 40*time.Millisecond, "those that waited behind the first one waited")
}

func TestOff_SeesEveryRowTooManyOrTooFew(t *testing.T) {
	t.Parallel()
	require.Zero(t, counts{signups: 5, mails: 5, jobs: 5}.off(5, false, true))
	require.Zero(t, counts{signups: 5, requests: 5, mails: 20, sent: 20}.off(5, true, false))
	require.Equal(t, 1, counts{signups: 5, mails: 5, jobs: 4}.off(5, false, true), "a mail without a job")
	require.Equal(t, 2, counts{signups: 6, mails: 6, sent: 5}.off(5, false, false), "a sign-up that was not accepted")
}

func TestJudge_HoldsWhatIsShownAgainstTheGoal(t *testing.T) {
	t.Parallel()
	b := &bench{values: map[cell][]float64{}}
	for _, value := range []float64{2.5, 1.801, 1} {
		b.note("signup.cpu", postgres, value)
	}
	b.note("signup.cpu", sqlite, 1)
	b.note("signup.p99.open", postgres, 51)
	table := b.table()
	require.Contains(t, table, "1.8 (1–2.5)")
	require.Contains(t, table, "S ok, stretch; P ok")
	require.Contains(t, table, "MISSED")
	require.Empty(t, b.missedMusts(), "the wall's clock fails no run")
	b.note("signup.cpu", sqlite, 3)
	b.note("signup.cpu", sqlite, 3)
	require.Len(t, b.missedMusts(), 1)
}

func TestUsage_ReadsThisProcess(t *testing.T) {
	t.Parallel()
	self := process{pid: os.Getpid()}
	_, err := self.cpu()
	require.NoError(t, err)
	require.Greater(t, self.memory(), int64(mega))
	_, err = process{pid: 1 << 30}.cpu()
	require.Error(t, err)
}

func TestWriteInto_ReplacesOnlyWhatIsBetweenTheMarkers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "p.md")
	require.NoError(t, os.WriteFile(file, []byte("a\n"+markBegin+"\nold\n"+markEnd+"\nz\n"), 0o600))
	require.NoError(t, writeInto(file, "new\n"))
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "a\n"+markBegin+"\nnew\n"+markEnd+"\nz\n", string(raw))
	require.NoError(t, os.WriteFile(file, []byte("no markers"), 0o600))
	require.Error(t, writeInto(file, "new"))
}
