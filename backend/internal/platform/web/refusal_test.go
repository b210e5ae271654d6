package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// TestRefuse_IsWhatAnyProblemLooksLike: the answer that is made beforehand differs from one that is made in the usual way
// in nothing, header by header.
func TestRefuse_IsWhatAnyProblemLooksLike(t *testing.T) {
	t.Parallel()
	s := newServer(Options{
		PublicURL: "https://guests.contoso.com", Logger: slog.New(slog.DiscardHandler), Clock: clock.System(), IDs: ids.NewSequence(clock.System()),
	})
	for _, tc := range []struct{ name, method, lang string }{
		{"English", http.MethodPost, "en"},
		{"German", http.MethodGet, "de-CH, en;q=0.5"},
		{"Arabic", http.MethodPost, "ar"},
		{"a language that the house does not speak", http.MethodPost, "tlh"},
		{"a question for headers has no body", http.MethodHead, "de"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ask := func(answer func(c *gin.Context)) *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				c, _ := gin.CreateTestContext(w)
				c.Request = httptest.NewRequest(tc.method, "https://guests.contoso.com/api/v1/signups", nil)
				c.Request.Header.Set("Accept-Language", tc.lang)
				answer(c)
				return w
			}
			made := ask(func(c *gin.Context) { s.refuse(c, 0) })
			id := made.Header().Get("Request-Id")
			require.NotEmpty(t, id)
			usual := ask(func(c *gin.Context) {
				s.headers.set(c.Writer.Header(), c.Request.URL.Path, id)
				writeFault(c, errBusy, s.languages.best(tc.lang), id)
			})
			require.Equal(t, usual.Code, made.Code)
			require.Equal(t, usual.Header(), made.Header())
			require.Equal(t, usual.Body.String(), made.Body.String())
		})
	}
}

// TestRefuse_SaysEvenThenThatTheNameIsNotOurs (T13).
func TestRefuse_SaysEvenThenThatTheNameIsNotOurs(t *testing.T) {
	t.Parallel()
	s := newServer(Options{
		PublicURL: "https://guests.contoso.com", Logger: slog.New(slog.DiscardHandler), Clock: clock.System(), IDs: ids.NewSequence(clock.System()),
	})
	w := httptest.NewRecorder()
	c, _ := gin.CreateTestContext(w)
	c.Request = httptest.NewRequest(http.MethodPost, "https://evil.example/api/v1/signups", nil)
	s.refuse(c, 0)
	require.Equal(t, http.StatusMisdirectedRequest, w.Code)
}
