package stack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports of ours lie below those that systems give to whoever asks for any: Linux from 32768, others from 49152.
const firstPort, lastPort = 20000, 29999

// claims are held until this process ends.
var claims struct {
	sync.Mutex
	held []net.PacketConn
}

// FreePort is a loopback port that nobody listens on, and that nobody else gets until this process has ended: a house
// may begin to listen on it later, and again after a stop. Whoever owns the UDP port of a number owns the TCP port, also
// among processes; a listener on port 0 gets none of these.
func FreePort() (int, error) {
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		claim, err := net.ListenPacket("udp4", addr)
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp4", addr)
		if err != nil {
			_ = claim.Close()
			continue
		}
		_ = l.Close()
		claims.Lock()
		defer claims.Unlock()
		claims.held = append(claims.held, claim)
		return port, nil
	}
	return 0, errors.New("find a free port: a thousand were taken")
}
