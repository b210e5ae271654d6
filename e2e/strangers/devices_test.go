package strangers

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
	"github.com/vestibule-id/vestibule/e2e/story"
)

// counted is a house of the story's own whose limits are on, behind a proxy that is believed.
func counted(t *testing.T, kind string) *story.Town {
	t.Helper()
	replicas := 1
	if kind == "postgres" {
		replicas = 2
	}
	return story.Own(t, kind, replicas, func(p *stack.Plan) {
		p.Limits, p.Env = "on", map[string]string{"VESTIBULE_TRUSTED_PROXIES": "127.0.0.1/32"}
	})
}

// Rows T28 and T29: strangers type wrong codes for a guest's address until it takes none. The guest is warned once, and
// signs in all the same where they did before; their session never noticed.
func TestT29_TheOwnerSignsInWhileStrangersCoolDown(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := counted(t, kind)
		end := tn.Begins(t)
		maria := tn.Guest(t, "maria").With("X-Forwarded-For", "203.0.113.200")
		maria.SignsIn().Is(http.StatusOK)

		stranger := func(i int) *story.Person {
			p := tn.BrowserOf(t, maria.Address).At(i).With("X-Forwarded-For", "203.0.113."+strconv.Itoa(i+1))
			p.Post("/api/v1/signin", map[string]any{"email": maria.Address}).Is(http.StatusOK)
			return p
		}
		types := func(p *story.Person, code string) story.Answer {
			return p.Post("/api/v1/signin/code", map[string]any{"code": code})
		}
		for i := range 4 {
			p := stranger(i)
			for try := range 5 {
				status := types(p, fmt.Sprintf("%06d", 10*i+try)).Status
				if status == http.StatusOK {
					return // one in a hundred thousand
				}
				require.Contains(t, []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests}, status)
			}
		}
		types(stranger(4).Speaks("de"), "000000").Refused(http.StatusTooManyRequests, "too_many_tries")
		story.Eventually(t, "the warning", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND kind = 'signin.warning' AND state = 'sent'", maria.Address) == 1
		})
		letter := tn.LetterAbout(t, maria.Address, "Wrong codes")
		require.NotContains(t, letter.Text, "203.0.113", "nothing of the strangers is in it")
		story.Eventually(t, "quiet in the mailbox", func() bool {
			return tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND state IN ('queued', 'retrying')", maria.Address) == 0
		})

		maria.Get("/api/v1/me").Is(http.StatusOK)
		maria.ReadsAll()
		maria.At(1).SignsIn().Is(http.StatusOK)
		types(stranger(5), "000000").Is(http.StatusTooManyRequests)
		require.Equal(t, 1, tn.Count(t, "SELECT count(*) FROM mails WHERE address = ? AND kind = 'signin.warning'", maria.Address))
		require.Equal(t, 1, tn.Count(t, "SELECT count(*) FROM audit_events WHERE name = 'identity.many_wrong_codes'"))
		require.Equal(t, 1, tn.Count(t, "SELECT count(*) FROM audit_events WHERE name = 'identity.codes_paused'"))
		maria.Audited()
		end()
	})
}
