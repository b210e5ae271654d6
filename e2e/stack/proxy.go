package stack

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// Weather is what a Proxy does with connections.
type Weather int

// The three weathers.
const (
	Clear     Weather = iota // bytes pass
	Cut                      // nothing listens, and what was open is reset
	Blackhole                // connections stand, no byte passes either way
)

// Proxy is a TCP proxy with faults, placed in front of a database.
type Proxy struct {
	Addr   string // host:port to dial instead of the target
	target string

	mu      sync.Mutex
	changed *sync.Cond
	weather Weather
	listen  net.Listener
	open    map[net.Conn]struct{}
	wait    sync.WaitGroup
}

// NewProxy listens on a free loopback port in front of target. Close it.
func NewProxy(target string) (*Proxy, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, open: map[net.Conn]struct{}{}}
	p.changed = sync.NewCond(&p.mu)
	return p, p.accept(fmt.Sprintf("127.0.0.1:%d", port))
}

func (p *Proxy) accept(address string) error {
	listen, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	p.listen, p.Addr = listen, listen.Addr().String()
	p.wait.Go(func() {
		for {
			conn, err := listen.Accept()
			if err != nil {
				return
			}
			p.wait.Go(func() { p.serve(conn) })
		}
	})
	return nil
}

// Set changes the weather. Going from Cut to Clear listens again on the same port.
func (p *Proxy) Set(w Weather) error {
	p.mu.Lock()
	before := p.weather
	p.weather = w
	p.changed.Broadcast()
	listen := p.listen
	if w == Cut {
		for conn := range p.open {
			reset(conn)
		}
	}
	p.mu.Unlock()
	switch {
	case w == Cut && before != Cut:
		return listen.Close()
	case w != Cut && before == Cut:
		return p.accept(p.Addr)
	}
	return nil
}

// Close ends everything.
func (p *Proxy) Close() {
	_ = p.Set(Cut)
	p.wait.Wait()
}

// reset closes conn so that the other side sees an error rather than an end.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (p *Proxy) serve(in net.Conn) {
	out, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		reset(in)
		return
	}
	p.mu.Lock()
	if p.weather == Cut { // since it was accepted
		p.mu.Unlock()
		reset(in)
		reset(out)
		return
	}
	p.open[in], p.open[out] = struct{}{}, struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.pump(out, in) })
	both.Go(func() { p.pump(in, out) })
	both.Wait()
	p.mu.Lock()
	delete(p.open, in)
	delete(p.open, out)
	p.mu.Unlock()
}

// pump copies from one side to the other and holds every byte back while the weather is Blackhole.
func (p *Proxy) pump(to, from net.Conn) {
	defer func() { _ = to.Close(); _ = from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		for p.weather == Blackhole {
			p.changed.Wait()
		}
		gone := p.weather == Cut
		p.mu.Unlock()
		if gone {
			return
		}
		if n > 0 {
			if _, werr := to.Write(buffer[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			if err != io.EOF {
				reset(to)
			}
			return
		}
	}
}
