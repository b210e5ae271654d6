package directory_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/audit"
	"github.com/vestibule-id/vestibule/backend/internal/directory"
	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
	"github.com/vestibule-id/vestibule/backend/internal/platform/web"
)

var update = flag.Bool("update", false, "write golden files anew")

func (h *house) door() *gin.Engine {
	engine := web.New(web.Options{
		PublicURL: "http://guests.contoso.com", Logger: slog.New(slog.DiscardHandler), Clock: h.clk, IDs: ids.NewSequence(h.clk),
	})
	h.Routes(engine)
	return engine
}

func get(t *testing.T, door http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	door.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://guests.contoso.com"+path, nil))
	return answer
}

// golden compares the answer's JSON with a file, which both databases share.
func golden(t *testing.T, db *database.DB, answer *httptest.ResponseRecorder, name string) {
	t.Helper()
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, answer.Body.Bytes(), "", "  "), answer.Body.String())
	path := filepath.Join("testdata", name)
	if *update && db.Dialect() == database.SQLite {
		require.NoError(t, os.WriteFile(path, pretty.Bytes(), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), pretty.String())
}

// story is the demo's beginning: two guests of Fabrikam and one who came on her own.
func (h *house) story() *directory.User {
	h.t.Helper()
	h.act(func(tx *database.Tx) error {
		return h.SetTenant(tx, directory.Tenant{
			Name: "Contoso", LegalName: "Contoso AG, Hafenstraße 1, Hamburg", ContactEmail: "guests@contoso.com", Logo: "/assets/org-contoso.svg", Demo: true,
		})
	})
	h.clk.Advance(time.Minute)
	ctx := web.WithMeta(h.t.Context(), web.Meta{RequestID: "req_http", Address: "198.51.100.7"})
	ctx = audit.WithActor(ctx, audit.Actor{Kind: audit.KindMember, ID: h.sponsor.ID, Name: "Jonas Becker"})
	var maria *directory.User
	require.NoError(h.t, h.db.InTx(ctx, func(tx *database.Tx) (err error) {
		subject := h.log.Subject("maria.lindqvist@fabrikam.de")
		if err := h.log.Record(tx, audit.Event{Name: "signup.proved", Target: "sgn_1", Subject: subject, Actor: audit.Actor{Kind: audit.KindApplicant}}); err != nil {
			return err
		}
		if err := h.log.Record(tx, audit.Event{Name: "approval.approved", Target: "req_maria"}); err != nil {
			return err
		}
		maria, _, err = h.AdmitGuest(tx, h.maria())
		return err
	}))
	h.clk.Advance(time.Minute)
	lukas := h.person("req_lukas", "Lukas Brandt", "lukas.brandt@fabrikam.de")
	soon := h.clk.Now().Add(days(11))
	lukas.EndsAt, lukas.SponsorID = &soon, h.sponsor.ID
	h.admit(lukas)
	h.clk.Advance(time.Minute)
	h.admit(h.person("req_yuki", "Yuki Tanaka", "yuki@gmail.com"))
	h.act(func(tx *database.Tx) error { return h.SignedIn(tx, maria.ID) })
	h.OnRequests(func(_ context.Context, u directory.User) ([]directory.EarlierRequest, error) {
		if u.ID != maria.ID {
			return nil, nil
		}
		return []directory.EarlierRequest{{
			Id: "req_maria", Reference: "7KQ-42M-9", State: directory.RequestStateActive, FlowTitle: "Supplier", SubmittedAt: dbtest.Start,
		}}, nil
	})
	return maria
}

func TestHTTP_Answers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		golden(t, db, get(t, h.door(), "/api/v1/tenant"), "tenant-new.json")
		clk.Advance(time.Minute)
		maria := h.story()
		h.caller, h.auditor = h.sponsor.ID, true
		door := h.door()
		for _, tc := range []struct{ file, path string }{
			{"tenant.json", "/api/v1/tenant"},
			{"guests.json", "/api/v1/guests?count=estimate"},
			{"guests-first.json", "/api/v1/guests?limit=1"},
			{"guests-mine-ending.json", "/api/v1/guests?sponsor=me&state=ends_soon&search=brandt"},
			{"guests-none.json", "/api/v1/guests?search=nobody&count=estimate"},
			{"guest.json", "/api/v1/guests/" + maria.ID},
			{"timeline.json", "/api/v1/guests/" + maria.ID + "/timeline?limit=5"},
			{"organisations.json", "/api/v1/organisations"},
			{"sponsors.json", "/api/v1/sponsors"},
		} {
			t.Run(tc.file, func(t *testing.T) {
				answer := get(t, door, tc.path)
				require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
				golden(t, db, answer, tc.file)
			})
		}
	})
}

func TestHTTP_CursorsLeadThroughEveryList(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		maria := h.story()
		door := h.door()
		for _, tc := range []struct {
			name, path string
			want       int
		}{
			{"guests", "/api/v1/guests?limit=1", 3},
			{"guests found", "/api/v1/guests?search=fabrikam&limit=1", 2},
			{"timeline", "/api/v1/guests/" + maria.ID + "/timeline?limit=1", 6},
			{"organisations", "/api/v1/organisations?limit=1", 1},
			{"sponsors", "/api/v1/sponsors?limit=1", 1},
		} {
			t.Run(tc.name, func(t *testing.T) {
				seen, after := map[string]bool{}, ""
				for range tc.want + 1 {
					var page struct {
						Data    []struct{ ID string }
						HasMore bool
						Next    string
					}
					answer := get(t, door, tc.path+after)
					require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
					require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &page))
					for _, row := range page.Data {
						require.False(t, seen[row.ID], "nothing is shown twice")
						seen[row.ID] = true
					}
					if !page.HasMore {
						break
					}
					after = "&after=" + page.Next
				}
				require.Len(t, seen, tc.want)
			})
		}
	})
}

func TestHTTP_Refusals(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		door := h.door()
		for _, tc := range []struct {
			name, path, code string
			status           int
		}{
			{"a guest nobody knows", "/api/v1/guests/gst_nobody", "guest_unknown", http.StatusNotFound},
			{"a member is no guest, and looks like nobody", "/api/v1/guests/" + h.sponsor.ID, "guest_unknown", http.StatusNotFound},
			{"nor has a member a guest's timeline", "/api/v1/guests/" + h.sponsor.ID + "/timeline", "guest_unknown", http.StatusNotFound},
			{"a state that does not exist", "/api/v1/guests?state=asleep", "guests_filter_invalid", http.StatusBadRequest},
			{"a key has no guests of its own", "/api/v1/guests?sponsor=me", "guests_filter_invalid", http.StatusBadRequest},
			{"a count that is not estimated", "/api/v1/guests?count=exact", "guests_filter_invalid", http.StatusBadRequest},
			{"a page of everything", "/api/v1/guests?limit=101", "parameter_invalid", http.StatusBadRequest},
			{"a page of nothing", "/api/v1/organisations?limit=0", "parameter_invalid", http.StatusBadRequest},
			{"a limit that is no number", "/api/v1/guests?limit=all", "parameter_invalid", http.StatusBadRequest},
			{"a cursor nobody gave", "/api/v1/guests?after=abc", "cursor_invalid", http.StatusBadRequest},
			{"a cursor of another list", "/api/v1/sponsors?after=" + web.EncodeCursor("gst_1"), "cursor_invalid", http.StatusBadRequest},
		} {
			t.Run(tc.name, func(t *testing.T) {
				answer := get(t, door, tc.path)
				require.Equal(t, tc.status, answer.Code, answer.Body.String())
				var problem struct{ Code, Detail string }
				require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &problem))
				require.Equal(t, tc.code, problem.Code)
				require.NotContains(t, problem.Detail, "{")
			})
		}
	})
}

// TestTimeline_fieldsForItsReaders: what an approver kept to the house, and where calls came from, are for those whose
// role is to read the audit (security.md T46, T49).
func TestTimeline_fieldsForItsReaders(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := open(t, db, clk)
		maria := h.story()
		ctx := web.WithMeta(t.Context(), web.Meta{RequestID: "req_deny", Address: "198.51.100.7"})
		subject := h.log.Subject(maria.Address)
		require.NoError(t, db.InTx(ctx, func(tx *database.Tx) error {
			for _, e := range []audit.Event{
				{Name: "approval.denied", Data: map[string]any{"stage": 1, "reason": "canary: rude on the phone", "reasonShared": false}},
				{Name: "approval.approved", Data: map[string]any{"stage": 1, "reason": "canary: owed a favour"}},
				{Name: "approval.passed", Data: map[string]any{"somethingNew": "canary: nobody has thought about it"}},
				{Name: "approval.denied", Data: map[string]any{"reason": "ask your sponsor first", "reasonShared": true}},
				{Name: "notification.failed", Data: map[string]any{"reason": "550 no such user", "kind": "signup.code"}},
			} {
				e.Target, e.Subject = "req_other", subject
				if err := h.log.Record(tx, e); err != nil {
					return err
				}
			}
			return nil
		}))
		path := "/api/v1/guests/" + maria.ID + "/timeline"
		plain := get(t, h.door(), path)
		golden(t, db, get(t, h.door(), path+"?limit=5"), "timeline-plain.json")
		for _, hidden := range []string{"canary", "198.51.100.7", `"address"`} {
			require.NotContains(t, plain.Body.String(), hidden)
		}
		for _, shown := range []string{"ask your sponsor first", "550 no such user"} {
			require.Contains(t, plain.Body.String(), shown)
		}
		h.auditor = true
		full := get(t, h.door(), path).Body.String()
		for _, shown := range []string{"rude on the phone", "owed a favour", "nobody has thought", "198.51.100.7"} {
			require.Contains(t, full, shown)
		}
	})
}
