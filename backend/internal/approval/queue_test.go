package approval

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/clock"
	"github.com/vestibule-id/vestibule/backend/internal/platform/database"
	"github.com/vestibule-id/vestibule/backend/internal/platform/dbtest"
	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

func TestList_PagesHoldWhileRowsAreInserted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		clk.Set(at(2, "09:00"))
		ana := h.as("a.ruiz@contoso.com")
		var all []string
		for i := range 9 {
			all = append(all, h.request("supplier", fmt.Sprintf("p%d@fabrikam.de", i), nil).ID)
			if i%3 == 2 {
				clk.Advance(time.Minute) // three share a due moment: the id decides
			}
		}
		for bucket, act := range map[string]func(id string){
			bucketWaiting: func(string) {},
			bucketAsked: func(id string) {
				_, err := h.Ask(t.Context(), id, ana, "Why?")
				require.NoError(t, err)
			},
			bucketDone: func(id string) {
				clk.Advance(time.Second)
				_, err := h.Decide(t.Context(), id, ana, Given{Decision: Deny, Reason: "no"})
				require.NoError(t, err)
			},
		} {
			if bucket == bucketWaiting {
				slices.Sort(all)
				h.pages(ana, bucket, all)
				continue
			}
			var moved []string
			for i := range 7 {
				id := h.request("supplier", fmt.Sprintf("%s%d@fabrikam.de", bucket, i), nil).ID
				moved = append(moved, id)
				act(id)
			}
			if bucket == bucketDone {
				slices.Reverse(moved) // newest first
			} else {
				slices.Sort(moved)
			}
			h.pages(ana, bucket, moved)
		}
	})
}

// pages reads bucket two at a time while others come in, and wants exactly those of want, in their order.
func (h *house) pages(by Decider, bucket string, want []string) {
	h.t.Helper()
	q, seen, known := Queue{Bucket: bucket, Limit: 2}, []string{}, map[string]bool{}
	for _, id := range want {
		known[id] = true
	}
	for page := 0; ; page++ {
		rows, next, err := h.List(h.t.Context(), by, q)
		require.NoError(h.t, err)
		for _, r := range rows {
			if known[r.ID] {
				seen = append(seen, r.ID)
			}
		}
		if next == nil {
			break
		}
		q.After = next
		h.clk.Advance(time.Second)
		h.request("supplier", fmt.Sprintf("late-%s-%d-%d@fabrikam.de", bucket, page, len(want)), nil)
		require.Less(h.t, page, 100)
	}
	require.Equal(h.t, want, seen, "each once, in order, whatever came in meanwhile")
}

func TestList_SearchIsLiteral(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		ana := h.as("a.ruiz@contoso.com")
		maria := h.request("supplier", "maria.lindqvist@fabrikam.de", map[string]any{"fullName": "Maria Lindqvist", "company": "100%_Fabrikam"})
		paolo := h.request("supplier", "paolo@romano.it", map[string]any{"fullName": `Paolo "Il O'Capo" Wójcik`, "company": `a\b`})
		both := []string{maria.ID, paolo.ID}
		for _, tc := range []struct {
			name, term string
			want       []string
		}{
			{"nothing finds all", "", both},
			{"blank finds all", "  ", both},
			{"a part of a name", "lindq", []string{maria.ID}},
			{"without its accent", "wojcik", []string{paolo.ID}},
			{"the address", "maria.lindqvist@fabrikam.de", []string{maria.ID}},
			{"a per cent sign is itself", "%", nil},
			{"three of them too", "%%%", nil},
			{"where it stands", "100%_f", []string{maria.ID}},
			{"an underscore is no joker", "m_ria", nil},
			{"a quote", `"il o'capo"`, []string{paolo.ID}},
			{"a lone quote, where a word begins with it", `"`, []string{paolo.ID}},
			{"a backslash", `a\b`, []string{paolo.ID}},
			{"words of a query language", "maria OR paolo", nil},
			{"NEAR and stars", "mar* NEAR", nil},
			{"a column of the index", "search_text:maria", nil},
			{"NUL", "mar\x00ia", []string{maria.ID}},
			{"only NUL", "\x00", both},
			{"a statement", "'; DROP TABLE requests; --", nil},
			{"two letters find where a word begins", "li", []string{maria.ID}},
			{"two letters within a word do not; I is in no reference, so none begins with them by chance", "in", nil},
			{"the reference", maria.Reference, []string{maria.ID}},
			{"the reference as it is read out", strings.ToLower(strings.ReplaceAll(paolo.Reference, "-", " ")), []string{paolo.ID}},
			{"a reference of nobody", ids.System(clk).Reference(), nil},
			{"500 characters", strings.Repeat("ab ", 170), nil},
		} {
			t.Run(tc.name, func(t *testing.T) {
				found, _, err := h.List(t.Context(), ana, Queue{Bucket: bucketWaiting, Search: tc.term, Limit: 10})
				require.NoError(t, err)
				var got []string
				for _, r := range found {
					got = append(got, r.ID)
				}
				require.ElementsMatch(t, tc.want, got)
			})
		}
		require.Empty(t, h.listed(h.as("j.becker@contoso.com"), Queue{Bucket: bucketWaiting, Search: "maria", Limit: 10}), "a search opens no other list")
		require.Len(t, h.listed(ana, Queue{Bucket: bucketWaiting, Flow: "supplier", Limit: 1}), 2)
		require.Empty(t, h.listed(ana, Queue{Bucket: bucketWaiting, Flow: "double", Limit: 1}))
	})
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		h.request("supplier", "a@fabrikam.de", nil)
		h.request("supplier", "b@fabrikam.de", nil)
		for by, want := range map[string]int{"a.ruiz@contoso.com": 2, "j.becker@contoso.com": 0} {
			n, err := h.Estimate(t.Context(), h.as(by), bucketWaiting)
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
	})
}

func TestByLink(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r, ana, group := h.request("supplier", "maria@fabrikam.de", nil), h.as("a.ruiz@contoso.com"), h.as("g.group@contoso.com")
		_, err := h.queue.Drain(t.Context())
		require.NoError(t, err)
		links := map[string]string{}
		for _, m := range h.post.sent {
			_, rest, found := strings.Cut(m.Text, publicURL+"/decide/")
			require.True(t, found, "%s", m.Text)
			links[m.To.String()] = strings.Fields(rest)[0]
		}
		token := links["a.ruiz@contoso.com"]
		require.NotEqual(t, token, links["g.group@contoso.com"])
		found, err := h.ByLink(t.Context(), token, ana)
		require.NoError(t, err)
		require.Equal(t, r.ID, found.ID)
		_, err = h.ByLink(t.Context(), token, ana)
		require.NoError(t, err, "looking uses nothing up")
		require.Equal(t, Pending, h.read(r.ID).State)
		_, err = h.ByLink(t.Context(), token, group)
		require.ErrorIs(t, err, ErrNotYourLink, "also for the colleague who may decide the same request")
		_, err = h.ByLink(t.Context(), token, h.as("i.vogel@contoso.com"))
		require.ErrorIs(t, err, ErrNotYourLink)
		for _, unknown := range []string{"", "x", token + "x", strings.ToUpper(token)} {
			_, err = h.ByLink(t.Context(), unknown, ana)
			require.ErrorIs(t, err, ErrLinkUsedUp)
		}
		require.Zero(t, h.count("approval_links WHERE token_hash = ?", []byte(token)), "the token itself is nowhere")
		clk.Advance(linkLife)
		_, err = h.ByLink(t.Context(), token, ana)
		require.NoError(t, err, "the last instant still counts")
		clk.Advance(time.Microsecond)
		_, err = h.ByLink(t.Context(), token, ana)
		require.ErrorIs(t, err, ErrLinkUsedUp)
		require.NoError(t, h.DropOldLinks(t.Context()))
		require.Zero(t, h.count("approval_links"))
	})
}

func TestForApprover_OnlyTheirs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB, clk *clock.Fake) {
		h := openHouse(t, db, clk)
		r := h.request("double", "maria@fabrikam.de", nil)
		for by, want := range map[string]error{
			"a.ruiz@contoso.com": nil, "s.weber@contoso.com": nil, "g.group@contoso.com": ErrNotFound, "i.vogel@contoso.com": ErrNotFound,
		} {
			_, err := h.ForApprover(t.Context(), r.ID, h.as(by))
			require.ErrorIs(t, err, want, by)
		}
		_, err := h.ForApprover(t.Context(), "req_0", h.as("a.ruiz@contoso.com"))
		require.ErrorIs(t, err, ErrNotFound)
	})
}
