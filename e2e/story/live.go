package story

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// Follows opens the live stream of the person's request and hands on the data of each event, for at most d.
func (p *Person) Follows(d time.Duration) <-chan string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), d)
	p.t.Cleanup(cancel)
	req := p.WithCookies("GET", "/api/v1/requests/"+p.Ref+"/events").WithContext(ctx)
	req.Header.Set("Accept", "text/event-stream")
	res, err := (&http.Client{}).Do(req)
	require.NoError(p.t, err)
	require.Equal(p.t, http.StatusOK, res.StatusCode)
	require.Contains(p.t, res.Header.Get("Content-Type"), "text/event-stream")
	heard := make(chan string, 64)
	go func() {
		defer close(heard)
		defer func() { _ = res.Body.Close() }()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
				heard <- data
			}
		}
	}()
	return heard
}

// WithCookies is a request with the person's cookies.
func (p *Person) WithCookies(method, path string) *http.Request {
	req := p.Builds(method, path, nil)
	for _, c := range p.Jar.Cookies(Home(p.url)) {
		req.AddCookie(c)
	}
	return req
}
