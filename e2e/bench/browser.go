package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// patience is the most time that one request may take.
const patience = 20 * time.Second

// browser is a client that costs little: one held connection and the cookies of one sign-up. The machine's processors
// are shared with the server under test, so every saved microsecond here is one that is measured there.
type browser struct {
	addr    string // host:port of the server
	from    string // X-Forwarded-For; "" sends none
	cookies map[string]string

	conn net.Conn
	read *bufio.Reader
}

func newBrowser(addr string) *browser { return &browser{addr: addr, cookies: map[string]string{}} }

// forget makes it a new visitor on the same connection.
func (b *browser) forget() { clear(b.cookies) }

func (b *browser) close() {
	if b.conn != nil {
		_ = b.conn.Close()
		b.conn = nil
	}
}

// call sends one request, as the app in a browser would, and wants the status. The answer's JSON goes into, if not nil.
func (b *browser) call(ctx context.Context, method, path, body string, want int, into any) error {
	status, raw, err := b.send(ctx, method, path, body)
	if err != nil {
		b.close()
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if status != want {
		return fmt.Errorf("%s %s: %d %.200s", method, path, status, raw)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

func (b *browser) send(ctx context.Context, method, path, body string) (int, []byte, error) {
	if b.conn == nil {
		conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", b.addr)
		if err != nil {
			return 0, nil, err
		}
		b.conn, b.read = conn, bufio.NewReader(conn)
	}
	_ = b.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(b.conn, b.request(method, path, body)); err != nil {
		return 0, nil, err
	}
	res, err := http.ReadResponse(b.read, nil)
	if err != nil {
		return 0, nil, err
	}
	raw, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return 0, nil, err
	}
	for _, c := range res.Cookies() {
		b.cookies[c.Name] = c.Value
	}
	if res.Close {
		b.close()
	}
	return res.StatusCode, raw, nil
}

func (b *browser) request(method, path, body string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\nAccept-Language: en\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Bench\r\n", method, path, b.addr)
	if strings.HasSuffix(path, ".js") { // elsewhere the answers are read
		out.WriteString("Accept-Encoding: gzip, deflate, br\r\n")
	}
	if method != http.MethodGet {
		fmt.Fprintf(&out, "Origin: http://%s\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", b.addr, len(body))
	}
	if b.from != "" {
		out.WriteString("X-Forwarded-For: " + b.from + "\r\n")
	}
	for name, value := range b.cookies {
		out.WriteString("Cookie: " + name + "=" + value + "\r\n")
	}
	out.WriteString("\r\n")
	out.WriteString(body)
	return out.String()
}
