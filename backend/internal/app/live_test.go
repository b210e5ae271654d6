package app

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
)

// pageEvent is one server-sent event of the status page.
type pageEvent struct {
	id, name string
	state    string
}

// follow opens the live status page as a browser does; last is the id of the event it has seen, or "".
func (b *browser) follow(server *httptest.Server, reference, last string) <-chan pageEvent {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/requests/"+reference+"/events", nil)
	require.NoError(b.t, err)
	r.Host = strings.TrimPrefix(address, "http://")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := server.Client().Do(r)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(b.t, 200, res.StatusCode)
	require.Equal(b.t, "text/event-stream", strings.Split(res.Header.Get("Content-Type"), ";")[0])
	events := make(chan pageEvent, 8)
	go func() {
		defer close(events)
		var e pageEvent
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				var view struct{ State string }
				if json.Unmarshal([]byte(value), &view) == nil {
					e.state = view.State
				}
			case "":
				if e.name != "" {
					events <- e
				}
				e = pageEvent{}
			}
		}
	}()
	return events
}

// TestLivePage: the applicant sees the decision without asking again, and a page that comes back what it has missed.
func TestLivePage(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *testHouse) {
		server := httptest.NewServer(h.engine)
		t.Cleanup(server.Close)
		maria, jonas := h.browser(), h.as("j.becker@contoso.com")
		reference := h.sends(maria, "maria@fabrikam.de")
		events := maria.follow(server, reference, "")
		first := <-events
		require.Equal(t, "request", first.name)
		require.Equal(t, "pending", first.state, "once at the beginning")
		id := jonas.GET("/api/v1/approvals").field("data.0.id")
		jonas.POST("/api/v1/approvals/"+id+"/ask", `{"text":"Which hall?"}`).status(200)
		asked := <-events
		require.Equal(t, "needs_info", asked.state)
		require.NotEqual(t, first.id, asked.id)
		jonas.POST("/api/v1/approvals/"+id+"/decision", `{"decision":"approve"}`).status(200)
		require.Equal(t, "active", (<-events).state)
		require.Equal(t, "active", (<-maria.follow(server, reference, first.id)).state, "what it has missed, in one event")
		h.browser().GET("/api/v1/requests/"+reference+"/events").problem(401, "signup_gone")
	})
}

// TestLivePage_endsWithItsRight: a page that is open when the cookie behind it is worth nothing any more is told nothing.
func TestLivePage_endsWithItsRight(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *testHouse) {
		server := httptest.NewServer(h.engine)
		t.Cleanup(server.Close)
		maria, jonas := h.browser(), h.as("j.becker@contoso.com")
		reference := h.sends(maria, "maria@fabrikam.de")
		events := maria.follow(server, reference, "")
		require.Equal(t, "pending", (<-events).state)
		require.NoError(t, h.DB.InTx(t.Context(), func(tx *database.Tx) error {
			return tx.Exec("UPDATE signups SET address = 'other@fabrikam.de' WHERE address = 'maria@fabrikam.de'").Error
		}))
		jonas.POST("/api/v1/approvals/"+jonas.GET("/api/v1/approvals").field("data.0.id")+"/ask", `{"text":"Which hall?"}`).status(200)
		told, open := <-events
		require.False(t, open, "%v", told)
	})
}
