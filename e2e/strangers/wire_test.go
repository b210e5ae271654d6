package strangers

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// says sends bytes as they are and returns the status of the answer, or 0 when the house hangs up.
func says(t *testing.T, addr, words string) int {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = conn.Write([]byte(words))
	if err != nil {
		return 0 // it hung up before all was said
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// patience is how long a house may take to answer or to hang up on a client that says nothing.
const patience = 40 * time.Second

// Row T13: what no client library would send bends no address either.
func TestT13_StrangeRequestLinesAreRefused(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		addr := tn.Replicas[0].Addr
		ours := strings.TrimPrefix(tn.Plan.Public, "http://")
		body := `{"email":"x@example.com"}`
		head := "Content-Type: application/json\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\nConnection: close\r\n\r\n" + body
		before := tn.Count(t, "SELECT count(*) FROM mails WHERE address = 'x@example.com'")
		for name, words := range map[string]string{
			"two hosts":         "POST /api/v1/signin HTTP/1.1\r\nHost: " + ours + "\r\nHost: evil.test\r\n" + head,
			"no host":           "POST /api/v1/signin HTTP/1.1\r\n" + head,
			"whole address":     "POST http://evil.test/api/v1/signin HTTP/1.1\r\nHost: " + ours + "\r\n" + head,
			"user in host":      "POST /api/v1/signin HTTP/1.1\r\nHost: " + ours + "@evil.test\r\n" + head,
			"host and a space":  "POST /api/v1/signin HTTP/1.1\r\nHost: evil.test " + ours + "\r\n" + head,
			"two lengths":       "POST /api/v1/signin HTTP/1.1\r\nHost: " + ours + "\r\nContent-Length: 1\r\n" + head,
			"length and chunks": "POST /api/v1/signin HTTP/1.1\r\nHost: " + ours + "\r\nTransfer-Encoding: chunked, identity\r\n" + head,
			"folded header":     "POST /api/v1/signin HTTP/1.1\r\nHost: " + ours + "\r\nX-Y: a\r\n b: c\r\nOrigin: http://evil.test\r\n" + head,
		} {
			require.Contains(t, []int{0, 400, 403, 404, 421, 501}, says(t, addr, words), name)
		}
		require.Equal(t, before, tn.Count(t, "SELECT count(*) FROM mails WHERE address = 'x@example.com'"))
		tn.Visitor(t, "nobody").Leaves(story.Left{})
	})
}

// Row T102: heads that never end, too many fields and announced giants cost little, and others do not wait for them.
func TestT102_SlowAndHugeClientsHoldNobodyUp(t *testing.T) {
	story.Attack(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria")
		h := tn.Replicas[0]
		ours := strings.TrimPrefix(tn.Plan.Public, "http://")
		var slow []net.Conn
		for range 40 {
			conn, err := net.Dial("tcp", h.Addr)
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			_, err = conn.Write([]byte("POST /api/v1/signin HTTP/1.1\r\nHost: " + ours + "\r\nX-Slow: "))
			require.NoError(t, err)
			slow = append(slow, conn)
		}
		var fields strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&fields, "X-%d: %s\r\n", i, strings.Repeat("y", 20))
		}
		require.Contains(t, []int{0, http.StatusRequestHeaderFieldsTooLarge}, says(t, h.Addr, "GET /api/v1/tenant HTTP/1.1\r\nHost: "+ours+"\r\n"+fields.String()+"\r\n"))
		require.Equal(t, http.StatusRequestEntityTooLarge, says(t, h.Addr, "POST /api/v1/signups HTTP/1.1\r\nHost: "+ours+"\r\nOrigin: "+tn.Plan.Public+
			"\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n{"), "a hundred megabytes are refused at their announcement")
		took := make([]time.Duration, 21)
		for i := range took {
			began := time.Now()
			maria.Get("/api/v1/tenant").Is(http.StatusOK)
			took[i] = time.Since(began)
		}
		slices.Sort(took) // a busy machine holds one of them up, a house that waits for the slow all
		require.Less(t, took[len(took)/2], 4*time.Second, "others do not wait for the slow")
		var wait sync.WaitGroup
		for _, conn := range slow { // the house hangs up by itself
			wait.Go(func() {
				_ = conn.SetReadDeadline(time.Now().Add(patience))
				_, err := bufio.NewReader(conn).ReadByte()
				if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
					t.Error("a client that says nothing is kept for ever")
				}
			})
		}
		wait.Wait()
		maria.Leaves(story.Left{})
	})
}
