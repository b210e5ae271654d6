package notification_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/notification"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
)

func get(t *testing.T, s *notification.Service, path string) *httptest.ResponseRecorder {
	t.Helper()
	router := gin.New()
	router.ContextWithFallback = true
	s.Routes(router)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func list(t *testing.T, s *notification.Service, query string) notification.MailboxList {
	t.Helper()
	w := get(t, s, "/api/v1/mailbox?"+query)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	var page notification.MailboxList
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &page))
	return page
}

// TestMailbox: where no mail server is, every mail can be looked at in the house, with all that was sent.
func TestMailbox(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, notification.NewMailbox(db))
		for i := range 3 {
			d.order("test.all", fmt.Sprintf("mail %d", i))
			clk.Advance(time.Second)
		}
		d.order("test.code", "")
		d.drain()

		page := list(t, d.mail, "limit=3")
		require.Len(t, page.Data, 3)
		require.True(t, page.HasMore)
		require.Equal(t, "test.all", page.Data[0].Kind, "the kind of the letter, newest first")
		require.Equal(t, "Contoso partner access <access@partners.example.com>", page.Data[0].From)
		require.Equal(t, "Reader@fabrikam.de", page.Data[0].To)
		require.Equal(t, "mail 2", page.Data[1].Snippet)
		rest := list(t, d.mail, "limit=3&after="+url.QueryEscape(*page.Next))
		require.Len(t, rest.Data, 1)
		require.False(t, rest.HasMore)

		w := get(t, d.mail, "/api/v1/mailbox/"+page.Data[1].Id)
		require.Equal(t, http.StatusOK, w.Code)
		var one notification.MailboxMessage
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &one))
		require.Contains(t, one.Text, "mail 2")
		require.Equal(t, "auto-generated", one.Headers[0].Value)
		require.Contains(t, one.Source, "Message-ID: <"+one.Id+"@partners.example.com>")
	})
}

func TestMailbox_SearchesAddressAndSubject(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, notification.NewMailbox(db))
		d.order("test.all", "Hello")
		d.drain()
		for query, want := range map[string]int{
			"": 1, "READER@": 1, "fabrikam": 1, "7kq-42m": 1, "maria": 1, "nobody": 0,
			"%": 0, "_": 0, `\`: 0, "'; DROP TABLE mails; --": 0,
		} {
			require.Len(t, list(t, d.mail, "search="+url.QueryEscape(query)).Data, want, query)
		}
	})
}

// TestMailbox_ShowsHTMLInACage: the page that shows a mail may load the logo and run nothing.
func TestMailbox_ShowsHTMLInACage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, notification.NewMailbox(db))
		d.order("test.all", "Hello")
		d.drain()
		w := get(t, d.mail, "/api/v1/mailbox/"+list(t, d.mail, "").Data[0].Id+"/html")
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'")
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "sandbox")
		require.NotContains(t, w.Header().Get("Content-Security-Policy"), "allow-scripts")
		require.NotContains(t, w.Header().Get("Content-Security-Policy"), "allow-same-origin")
		require.Contains(t, w.Body.String(), "<!doctype html>")
		require.Contains(t, w.Body.String(), `<base target="_blank">`, "a link opens a tab: the cage shows no page of ours")
	})
}

func TestMailbox_KeepsTheNewest(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		box := notification.NewMailbox(db)
		require.NoError(t, db.InTx(t.Context(), func(tx *database.Tx) error {
			rows := make([]map[string]any, 0, 1000)
			for i := range 1000 {
				rows = append(rows, map[string]any{
					"id": fmt.Sprintf("mail_%04d", i), "kind": "k", "mail_to": "t", "mail_from": "f", "subject": "s",
					"text_part": "t", "html_part": "h", "source": []byte("s"), "created_at": tx.Now,
				})
			}
			return tx.Table("mailbox_messages").CreateInBatches(rows, 100).Error
		}))
		m := message(t, letter(t, "en", sampleData()))
		m.ID = "mail_9999"
		require.NoError(t, box.Send(t.Context(), m))
		require.NoError(t, box.Send(t.Context(), m), "the same mail again is the same mail")
		var ids []string
		require.NoError(t, db.Read(t.Context()).Table("mailbox_messages").Order("id").Pluck("id", &ids).Error)
		require.Len(t, ids, 1000)
		require.Equal(t, "mail_0001", ids[0], "the oldest has gone")
		require.Equal(t, "mail_9999", ids[999])
	})
}

func TestMailbox_IsNotThereWhereMailLeaves(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		d := openDesk(t, db, clk, nil)
		for _, path := range []string{"", "/mail_1", "/mail_1/html"} {
			require.Equal(t, http.StatusNotFound, get(t, d.mail, "/api/v1/mailbox"+path).Code, path)
		}
		box := openDesk(t, db, clk, notification.NewMailbox(db))
		require.Equal(t, http.StatusNotFound, get(t, box.mail, "/api/v1/mailbox/mail_1").Code)
	})
}
