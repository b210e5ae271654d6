package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
)

// heartbeat is how often a silent stream shows that it lives, so that proxies keep it open.
const heartbeat = 15 * time.Second

// streamWrite is how long one write to a stream may take before its reader counts as gone.
const streamWrite = 10 * time.Second

// Event is one server-sent event.
type Event struct {
	// ID comes back as Last-Event-ID when the browser reconnects. No line breaks.
	ID string
	// Name is the event's type; "" is "message".
	Name string
	// Data is sent as JSON.
	Data any
}

// Events answers with a stream of server-sent events (HTML Living Standard §9.2). A room wraps it in the response type
// of its generated interface:
//
//	type stream struct{ web.Events }
//	func (s stream) VisitRequestEventsResponse(w http.ResponseWriter) error { return s.Serve(w) }
//
// The stream ends when Source is closed, when the reader leaves, or when the server stops; Context is done by then, and
// whoever fills Source must watch it.
type Events struct {
	Context context.Context //nolint:containedctx // it is the request's, for as long as the answer lasts
	Source  <-chan Event
	// Heartbeat replaces the 15 s between signs of life.
	Heartbeat time.Duration
}

// Serve writes the stream until it ends. It returns an error only before the first byte.
func (e Events) Serve(w http.ResponseWriter) error {
	if p, ok := e.Context.Value(placeKey).(*place); ok && !p.stream() {
		return errBusy
	}
	if e.Heartbeat <= 0 {
		e.Heartbeat = heartbeat
	}
	out := streamWriter{w: w, control: http.NewResponseController(w)}
	// The server's limit for reading a request would otherwise end the stream.
	_ = out.control.SetReadDeadline(time.Time{})
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	ticker := time.NewTicker(e.Heartbeat)
	defer ticker.Stop()
	for line := []byte(": here\n\n"); ; {
		if out.write(line) != nil {
			return nil // the reader is gone; there is nobody to tell
		}
		select {
		case <-e.Context.Done():
			return nil
		case <-stopping(e.Context):
			return nil
		case <-ticker.C:
			line = []byte(": here\n\n")
		case event, more := <-e.Source:
			if !more {
				return nil
			}
			line = event.encode()
			ticker.Reset(e.Heartbeat)
		}
	}
}

// encode writes the event's lines. JSON has no raw line breaks, so data is always one line.
func (e Event) encode() []byte {
	data, err := json.Marshal(e.Data)
	if err != nil {
		data = []byte("null")
	}
	var b bytes.Buffer
	clean := strings.NewReplacer("\r", "", "\n", "", "\x00", "")
	if e.ID != "" {
		fmt.Fprintf(&b, "id: %s\n", clean.Replace(e.ID))
	}
	if e.Name != "" {
		fmt.Fprintf(&b, "event: %s\n", clean.Replace(e.Name))
	}
	fmt.Fprintf(&b, "data: %s\n\n", data)
	return b.Bytes()
}

type streamWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s streamWriter) write(b []byte) error {
	err := s.control.SetWriteDeadline(clock.System().Now().Add(streamWrite))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err //nolint:wrapcheck // only its presence matters
	}
	if _, err := s.w.Write(b); err != nil {
		return err //nolint:wrapcheck // as above
	}
	return s.control.Flush() //nolint:wrapcheck // as above
}

// LastEventID is the id of the last event the browser saw before it reconnected; "" at first, and for ids longer than
// any we send.
func LastEventID(ctx context.Context) string {
	c, ok := ctx.(*gin.Context)
	if !ok || len(c.GetHeader("Last-Event-ID")) > 256 {
		return ""
	}
	return c.GetHeader("Last-Event-ID")
}

type stopKey struct{}

// stopping is closed when the server begins to stop; nil, which is never ready, outside of Serve.
func stopping(ctx context.Context) <-chan struct{} {
	ch, _ := ctx.Value(stopKey{}).(<-chan struct{})
	return ch
}
