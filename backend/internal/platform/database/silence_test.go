package database

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuietConn_GivesUpOnASilentServer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		limit time.Duration
		act   func(net.Conn)
	}{
		{"the server is stopped: the limit ends the read", 20 * time.Millisecond, func(net.Conn) {}},
		{"pgx has set an earlier deadline: it counts", time.Hour, func(c net.Conn) { _ = c.SetDeadline(time.Now().Add(20 * time.Millisecond)) }},
		{"pgx cancels while the read waits", time.Hour, func(c net.Conn) {
			time.AfterFunc(20*time.Millisecond, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := net.Pipe()
			defer func() { _ = ours.Close(); _ = theirs.Close() }()
			conn := limitSilence(ours).(*quietConn)
			conn.limit = tc.limit
			tc.act(conn)
			_, err := conn.Read(make([]byte, 1))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.True(t, isAway(err))
		})
	}
	require.Nil(t, limitSilence(nil))
}

func TestQuietConn_LetsAnAnsweringServerSpeak(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer func() { _ = ours.Close(); _ = theirs.Close() }()
	conn := limitSilence(ours)
	require.NoError(t, conn.SetDeadline(time.Time{}))
	go func() { _, _ = theirs.Write([]byte("x")) }()
	n, err := conn.Read(make([]byte, 1))
	require.NoError(t, err)
	require.Equal(t, 1, n)
}
