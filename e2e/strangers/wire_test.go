package strangers

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
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

// Row T102: five hundred heads that never end, a body that drips, too many fields and announced giants cost little, and
// others do not wait for them. The house speaks HTTP/1.1 alone, so there are no streams to open and reset.
func TestT102_SlowAndHugeClientsHoldNobodyUp(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		maria, h := tn.Visitor(t, "maria"), tn.Replicas[0]
		ours := strings.TrimPrefix(tn.Plan.Public, "https://")
		body := "POST /api/v1/signups HTTP/1.1\r\nHost: " + ours + "\r\nOrigin: " + tn.Plan.Public + "\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\nContent-Length: "
		var slow []net.Conn
		alone := slowest(maria)
		hold := func(from string, n int, words string) {
			for range n {
				conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(t.Context(), "tcp", h.Addr)
				require.NoError(t, err)
				t.Cleanup(func() { _ = conn.Close() })
				_, err = conn.Write([]byte(words))
				require.NoError(t, err)
				slow = append(slow, conn)
			}
		}
		for attempt := 1; ; attempt++ { // a busy machine holds one call up, a house that waits for the slow all
			hold("127.0.0.1", 480, "POST /api/v1/signin HTTP/1.1\r\nHost: "+ours+"\r\nX-Slow: ") // as from many, through the proxy
			hold("127.0.0.1", 20, body+"500\r\n\r\n{\"flow\":")                                  // their bodies drip
			if beside := slowest(maria); beside < max(time.Second, 4*alone) {
				break
			}
			require.Less(t, attempt, 3, "others wait for the slow, three times")
			for _, conn := range slow {
				_ = conn.Close()
			}
			slow = nil
		}
		var fields strings.Builder
		for i := range 65_000 {
			fmt.Fprintf(&fields, "X-%d: y\r\n", i)
		}
		require.Contains(t, []int{0, http.StatusRequestHeaderFieldsTooLarge}, says(t, h.Addr, "GET /api/v1/tenant HTTP/1.1\r\nHost: "+ours+"\r\n"+fields.String()+"\r\n"))
		require.Equal(t, http.StatusRequestEntityTooLarge, says(t, h.Addr, body+"104857600\r\n\r\n{"), "a hundred megabytes are refused at their announcement")
		require.Contains(t, []int{0, http.StatusRequestEntityTooLarge}, says(t, h.Addr, body+"10000012\r\n\r\n{\"flow\":"+strings.Repeat("9", 10_000_000)+"}"), "and a number of ten at once")
		require.Less(t, memoryOf(t, h.PID()), 300<<10, "KiB")
		var wait sync.WaitGroup
		for _, conn := range slow { // the house hangs up by itself
			wait.Go(func() {
				_ = conn.SetReadDeadline(time.Now().Add(patience))
				_, err := io.Copy(io.Discard, conn)
				if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
					t.Error("a client that says nothing is kept for ever")
				}
			})
		}
		wait.Wait()
		maria.Leaves(story.Left{})
	})
}

// Row T102: one client holds fifty connections and no more, and who it is nobody chooses; others come in beside it.
func TestT102_OneClientHoldsABoundedNumber(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		h, from := tn.Replicas[0], net.IPv4(127, 10, byte(rand.IntN(256)), byte(1+rand.IntN(254)))
		ours := strings.TrimPrefix(tn.Plan.Public, "https://")
		var all []net.Conn
		for range 70 {
			conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}).DialContext(t.Context(), "tcp", h.Addr)
			require.NoError(t, err)
			t.Cleanup(func() { _ = conn.Close() })
			all = append(all, conn)
		}
		answered := 0
		for i, conn := range all { // who is answered may stay for a minute
			_ = conn.SetDeadline(time.Now().Add(patience))
			_, _ = fmt.Fprintf(conn, "GET /api/v1/tenant HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: 11.230.0.%d\r\n\r\n", ours, i)
			if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				require.Equal(t, http.StatusOK, res.StatusCode)
				answered++
			}
		}
		require.Equal(t, 50, answered, "twenty are turned away")
		tn.Visitor(t, "maria").Get("/api/v1/tenant").Is(http.StatusOK)
		for _, conn := range all {
			_ = conn.Close()
		}
		story.Eventually(t, "room for the same client", func() bool {
			a, err := tn.Visitor(t, "eve").From(from).Try(http.MethodGet, "/api/v1/tenant", nil)
			return err == nil && a.Status == http.StatusOK
		})
		tn.Visitor(t, "maria").Leaves(story.Left{})
	})
}

// slowest is the 99th percentile of two hundred calls.
func slowest(p *story.Person) time.Duration {
	var took []time.Duration
	for range 200 {
		began := time.Now()
		p.Get("/api/v1/tenant").Is(http.StatusOK)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[197]
}

// memoryOf is how much memory a process holds, in KiB, where the system tells it.
func memoryOf(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, found)
	kib, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return kib
}
