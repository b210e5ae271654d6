package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/secret"
)

const (
	// keepAnswers is how long a first answer can be replayed.
	keepAnswers = 24 * time.Hour
	// holdKey is how long the first request keeps its key without an answer; longer than any request lasts. A process
	// that died in between leaves the key to the next try after this, and the rooms' own constraints hold then.
	holdKey = time.Minute
	// maxStored is the largest answer that is kept; a larger one is not replayed.
	maxStored = 1 << 20
)

// storedHeaders are kept with an answer; everything else is made anew for each.
var storedHeaders = []string{"Content-Type", "Content-Language", "Location", "ETag", "Set-Cookie"}

// stored is a first answer at rest.
type stored struct {
	Status  int         `json:"status"`
	Headers http.Header `json:"headers"`
	Body    []byte      `json:"body"`
}

// Idempotency makes POSTs that carry an Idempotency-Key happen once: the same caller, route, key and body get the first
// answer again for 24 hours, with Idempotent-Replayed: true. Another body is 422 idempotency_key_reused, and while the
// first is being answered it is 409 idempotency_in_progress. Only successes are kept: what failed may be tried again.
//
// Hang it behind the guard that knows sessions, so that a revoked one sees nothing. Answers are sealed by box and bound
// to caller and key, because they may hold cookies and new keys. When the database is away it fails closed (503).
func Idempotency(db *database.DB, box secret.Box) gin.HandlerFunc {
	k := &keeper{db: db, box: box}
	return func(c *gin.Context) {
		given := c.Request.Header.Values("Idempotency-Key")
		if c.Request.Method != http.MethodPost || len(given) == 0 || c.FullPath() == "" {
			return
		}
		if len(given) > 1 || !isKey(given[0]) {
			Problem(c, errKeyBad)
			return
		}
		if err := k.handle(c, given[0]); err != nil {
			Problem(c, err)
		}
	}
}

// isKey says whether s is 1–255 visible ASCII characters.
func isKey(s string) bool {
	return s != "" && len(s) <= 255 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

type keeper struct {
	db  *database.DB
	box secret.Box
}

func (k *keeper) handle(c *gin.Context, name string) error {
	body, err := readBody(c.Request.Body)
	if err != nil {
		return err
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	row := claim{Scope: scopeOf(c), Name: name, Fingerprint: fingerprint(c.Request, body)}
	found, err := claimKey(c.Request.Context(), k.db, &row)
	if err != nil {
		return err
	}
	if found != nil {
		return k.replay(c, row, found)
	}
	return k.first(c, row)
}

// replay answers with what is stored.
func (k *keeper) replay(c *gin.Context, row claim, sealed []byte) error {
	raw, err := k.box.Open(sealed, row.bound())
	if err != nil {
		return err //nolint:wrapcheck // becomes internal_error, with its cause in the log
	}
	var s stored
	if err := json.Unmarshal(raw, &s); err != nil {
		return err //nolint:wrapcheck // as above
	}
	for name, values := range s.Headers {
		c.Writer.Header()[name] = values
	}
	c.Header("Idempotent-Replayed", "true")
	c.Abort()
	c.Status(s.Status)
	_, _ = c.Writer.Write(s.Body)
	c.Writer.WriteHeaderNow()
	return nil
}

// first lets the request happen and keeps its answer if it succeeded.
func (k *keeper) first(c *gin.Context, row claim) error {
	tee := &teeWriter{ResponseWriter: c.Writer}
	c.Writer = tee
	// The caller may be gone by now; the answer is kept for their next try all the same.
	ctx := context.WithoutCancel(c.Request.Context())
	kept := false
	defer func() {
		c.Writer = tee.ResponseWriter
		if !kept {
			if err := releaseKey(ctx, k.db, row); err != nil {
				k.complain(c, err)
			}
		}
	}()
	c.Next()
	status := tee.Status()
	if status < 200 || status > 299 || tee.over {
		return nil
	}
	s := stored{Status: status, Headers: http.Header{}, Body: tee.copied.Bytes()}
	for _, name := range storedHeaders {
		if values := tee.Header().Values(name); len(values) > 0 {
			s.Headers[name] = values
		}
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err //nolint:wrapcheck // cannot happen: texts and bytes
	}
	kept = true // even if storing fails: the act has happened, so the key stays taken until its hold ends
	if err := storeAnswer(ctx, k.db, row, status, k.box.Seal(raw, row.bound())); err != nil {
		k.complain(c, err)
	}
	return nil
}

func (k *keeper) complain(c *gin.Context, err error) {
	if s := serverOf(c); s != nil {
		s.Logger.WarnContext(c.Request.Context(), "idempotency key not kept", "cause", err.Error())
	}
}

// scopeOf is whose key it is, and for what: a hash over the caller's credentials, or address and browser where there are
// none, with method and path. Two callers never meet.
func scopeOf(c *gin.Context) string {
	r := c.Request
	caller := "bearer\x00" + r.Header.Get("Authorization")
	if r.Header.Get("Authorization") == "" {
		caller = ""
		for _, cookie := range r.Cookies() {
			if strings.Contains(cookie.Name, "vestibule_") {
				caller += "cookie\x00" + cookie.Name + "=" + cookie.Value + "\x00"
			}
		}
	}
	if caller == "" {
		meta := MetaOf(r.Context())
		caller = "address\x00" + AddressKey(meta.Address) + "\x00" + meta.UserAgent
	}
	sum := sha256.Sum256([]byte(caller + "\x00" + r.Method + "\x00" + r.URL.EscapedPath()))
	return hex.EncodeToString(sum[:])
}

func fingerprint(r *http.Request, body []byte) []byte {
	h := sha256.New()
	h.Write([]byte(r.Method + "\x00" + r.URL.RequestURI() + "\x00"))
	h.Write(body)
	return h.Sum(nil)
}

// teeWriter copies what is answered, up to maxStored bytes.
type teeWriter struct {
	gin.ResponseWriter
	copied bytes.Buffer
	over   bool
}

// Write implements io.Writer.
func (t *teeWriter) Write(b []byte) (int, error) {
	t.keep(b)
	return t.ResponseWriter.Write(b) //nolint:wrapcheck // it is the writer
}

// WriteString implements io.StringWriter.
func (t *teeWriter) WriteString(s string) (int, error) {
	t.keep([]byte(s))
	return t.ResponseWriter.WriteString(s) //nolint:wrapcheck // it is the writer
}

func (t *teeWriter) keep(b []byte) {
	if t.over = t.over || t.copied.Len()+len(b) > maxStored; !t.over {
		t.copied.Write(b)
	}
}
