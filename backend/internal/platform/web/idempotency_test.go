package web_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

// shop counts how often its one act happened.
type shop struct {
	*house
	mu    sync.Mutex
	acts  int
	delay chan struct{} // if set, the act waits for it to be closed
	began chan struct{}
}

func openShop(t *testing.T, db *database.DB) *shop {
	t.Helper()
	keys, err := secret.NewKeys(secret.New("pT5vX0bq2rK9wZc7Lm4Yd8Ns1Hf6Gj3A"))
	require.NoError(t, err)
	s := &shop{house: open(t), began: make(chan struct{}, 100)}
	s.Use(web.Idempotency(db, keys.Box("web.idempotency")))
	s.POST("/api/orders/:kind", func(c *gin.Context) {
		s.mu.Lock()
		s.acts++
		n := s.acts
		s.mu.Unlock()
		s.began <- struct{}{}
		if s.delay != nil {
			<-s.delay
		}
		switch c.Param("kind") {
		case "panic":
			panic("ouch")
		case "refused":
			c.JSON(http.StatusConflict, gin.H{"n": n})
			return
		}
		http.SetCookie(c.Writer, &http.Cookie{Name: "vestibule_signup", Value: "s3cr3t"})
		c.Header("Location", "/api/orders/1")
		body, _ := c.GetRawData()
		c.JSON(http.StatusCreated, gin.H{"n": n, "body": string(body)})
	})
	return s
}

func (s *shop) order(t *testing.T, key, body string, with ...string) *httptest.ResponseRecorder {
	t.Helper()
	return s.ask(t, "POST", "/api/orders/good", body, append(with, "Idempotency-Key: "+key)...)
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		s := openShop(t, db)
		first := s.order(t, "k", `{"a":1}`)
		require.Equal(t, 201, first.Code)
		require.Empty(t, first.Header().Get("Idempotent-Replayed"))

		again := s.order(t, "k", `{"a":1}`)
		require.Equal(t, 201, again.Code)
		require.Equal(t, first.Body.String(), again.Body.String())
		require.Equal(t, "true", again.Header().Get("Idempotent-Replayed"))
		for _, name := range []string{"Location", "Set-Cookie", "Content-Type"} {
			require.Equal(t, first.Header().Values(name), again.Header().Values(name), name)
		}
		require.NotEqual(t, first.Header().Get("Request-Id"), again.Header().Get("Request-Id"))
		require.Equal(t, 1, s.acts)

		w := s.order(t, "k", `{"a":2}`)
		require.Equal(t, 422, w.Code)
		require.Equal(t, "idempotency_key_reused", problemOf(t, w)["code"])
		require.Equal(t, 1, s.acts)

		for name, with := range map[string][]string{
			"another address":  {"Remote: 203.0.113.1:1"},
			"another browser":  {"User-Agent: other"},
			"another session":  {"Cookie: __Host-vestibule_session=x"},
			"another sign-up":  {"Cookie: vestibule_signup=y"},
			"a program's key":  {"Authorization: Bearer vst_a"},
			"another one's":    {"Authorization: Bearer vst_b"},
			"a body of theirs": {"Authorization: Bearer vst_c"},
		} {
			before := s.acts
			w := s.order(t, "k", `{"a":3}`, with...)
			require.Equal(t, 201, w.Code, name)
			require.Equal(t, before+1, s.acts, "%s: keys of two callers never meet", name)
		}

		before := s.acts
		clk.Advance(24*time.Hour - time.Second)
		require.Equal(t, "true", s.order(t, "k", `{"a":1}`).Header().Get("Idempotent-Replayed"))
		clk.Advance(time.Second)
		require.Empty(t, s.order(t, "k", `{"a":1}`).Header().Get("Idempotent-Replayed"), "after a day it is a new request")
		require.Equal(t, before+1, s.acts)

		clk.Advance(25 * time.Hour)
		require.NoError(t, web.PurgeIdempotency(context.Background(), db))
		var left int
		require.NoError(t, db.Read(context.Background()).Raw("SELECT count(*) FROM idempotency_keys").Scan(&left).Error)
		require.Zero(t, left)
	})
}

func TestIdempotency_keepsAnswersSealed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		s := openShop(t, db)
		require.Equal(t, 201, s.order(t, "k", `{"a":"visible"}`, "Cookie: vestibule_session=c00kie").Code)
		var row struct{ Body []byte }
		require.NoError(t, db.Read(context.Background()).Raw("SELECT body FROM idempotency_keys").Scan(&row).Error)
		require.NotEmpty(t, row.Body)
		for _, leak := range []string{"s3cr3t", "visible", "c00kie"} {
			require.False(t, bytes.Contains(row.Body, []byte(leak)), leak)
		}
	})
}

func TestIdempotency_onceAmongMany(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, _ *clock.Fake) {
		s := openShop(t, db)
		s.delay = make(chan struct{})
		var wg sync.WaitGroup
		codes := make(chan int, 20)
		wg.Go(func() { codes <- s.order(t, "k", `{}`).Code })
		<-s.began
		for range 8 {
			wg.Go(func() {
				w := s.order(t, "k", `{}`)
				if w.Code == 409 && problemOf(t, w)["code"] != "idempotency_in_progress" {
					t.Error(w.Body.String())
				}
				codes <- w.Code
			})
		}
		for range 8 {
			require.Equal(t, 409, <-codes)
		}
		close(s.delay)
		wg.Wait()
		require.Equal(t, 201, <-codes)
		require.Equal(t, 1, s.acts)
	})
}

func TestIdempotency_whatFailedMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		s := openShop(t, db)
		for _, kind := range []string{"refused", "panic"} {
			for range 2 {
				w := s.ask(t, "POST", "/api/orders/"+kind, `{}`, "Idempotency-Key: "+kind)
				require.Contains(t, []int{409, 500}, w.Code)
				require.Empty(t, w.Header().Get("Idempotent-Replayed"))
			}
		}
		require.Equal(t, 4, s.acts)

		// A process that died in the middle leaves its key; after a minute the next try takes it over.
		require.Equal(t, 201, s.order(t, "k", `{}`).Code)
		require.NoError(t, db.InTx(context.Background(), func(tx *database.Tx) error {
			return tx.Exec("UPDATE idempotency_keys SET status = 0, body = NULL").Error
		}))
		require.Equal(t, 409, s.order(t, "k", `{}`).Code)
		clk.Advance(time.Minute)
		require.Equal(t, 201, s.order(t, "k", `{}`).Code)
		require.Equal(t, 6, s.acts)
	})
}

func TestIdempotency_keys(t *testing.T) {
	t.Parallel()
	db, _ := dbtest.New(t, database.SQLite)
	s := openShop(t, db)
	for _, key := range []string{strings.Repeat("k", 256), "a b", "ä", "a\x7f"} {
		w := s.order(t, key, `{}`)
		require.Equal(t, 400, w.Code, "%q", key)
		require.Equal(t, "idempotency_key_invalid", problemOf(t, w)["code"])
	}
	require.Equal(t, 201, s.order(t, strings.Repeat("k", 255), `{}`).Code)
	require.Equal(t, 201, s.ask(t, "POST", "/api/orders/good", `{}`).Code, "without a key nothing is kept")
	require.Equal(t, 2, s.acts)
	require.NoError(t, db.Close())
	require.GreaterOrEqual(t, s.order(t, "closed", `{}`).Code, 500)
	require.Equal(t, 2, s.acts, "it fails closed: without a database nothing is done")
}
