package journeys

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestFlowsAreTheSameBytesAfterExportAndApply(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		plan, err := story.NewPlan(t.Context(), kind, story.World.Mail)
		require.NoError(t, err)
		require.NoError(t, story.Furnish(t.Context(), plan))
		for _, slug := range []string{"supplier", "visitor", story.Partner, story.Company, story.ClosedOne} {
			first, err := plan.Run(t.Context(), "flow", "export", slug)
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), slug+".yaml")
			require.NoError(t, os.WriteFile(file, []byte(first), 0o600))
			difference, err := plan.Run(t.Context(), "flow", "diff", "-f", file)
			require.NoError(t, err)
			require.Empty(t, strings.TrimSpace(withoutNothing(difference)), "an export differs from nothing")
			_, err = plan.Run(t.Context(), "flow", "apply", "-f", file)
			require.NoError(t, err)
			second, err := plan.Run(t.Context(), "flow", "export", slug)
			require.NoError(t, err)
			require.Equal(t, first, second)
		}
	})
}

// withoutNothing drops lines that say that nothing differs.
func withoutNothing(s string) string {
	var kept []string
	for line := range strings.SplitSeq(s, "\n") {
		if !regexp.MustCompile(`(?i)no (change|difference)|unchanged|same`).MatchString(line) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

func TestABrokenFlowFileIsRefusedWithLineAndColumn(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		plan, err := story.NewPlan(t.Context(), kind, story.World.Mail)
		require.NoError(t, err)
		require.NoError(t, story.Furnish(t.Context(), plan))
		good, err := os.ReadFile(filepath.Join(stack.Root(), "e2e", "story", "testdata", "flows", "partner.yaml"))
		require.NoError(t, err)
		before, err := plan.Run(t.Context(), "flow", "export", story.Partner)
		require.NoError(t, err)
		for name, broken := range map[string]string{
			"an unknown type":        strings.Replace(string(good), "type: longText", "type: novel", 1),
			"an unknown key":         strings.Replace(string(good), "required: true", "reqired: true", 1),
			"a field twice":          strings.Replace(string(good), "name: surname", "name: givenName", 1),
			"no YAML":                "spec: [",
			"a condition on nothing": strings.Replace(string(good), "field: reason, is", "field: raeson, is", 1),
			"a reserved name":        strings.Replace(string(good), "name: tools", "name: __proto__", 1),
			"a missing language":     strings.Replace(string(good), `, de: "Firma"`, "", 1),
		} {
			file := filepath.Join(t.TempDir(), "broken.yaml")
			require.NoError(t, os.WriteFile(file, []byte(broken), 0o600))
			said, err := plan.Run(t.Context(), "flow", "apply", "-f", file)
			require.Error(t, err, name)
			require.Regexp(t, `broken\.yaml:\d+:\d+: `, said+err.Error(), name)
			require.ErrorContains(t, err, "exit status 4", name)
		}
		after, err := plan.Run(t.Context(), "flow", "export", story.Partner)
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}

func TestBadInput_FlowChangedInBetween(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		tn := story.Own(t, kind, 1, nil)
		maria, late := tn.Visitor(t, "maria").Proves(story.Partner), tn.Visitor(t, "late").Proves(story.Partner)
		tn.Applies(t, func(yaml string) string {
			return strings.Replace(yaml, "name: company, type: text", "name: employer, type: text", 1)
		}, "organisation: company", "organisation: employer")
		waits, code, _ := tn.WaitsForProof(t, "waits")
		fresh := tn.Visitor(t, "fresh").Proves(story.Partner).Speaks("de")
		fresh.Sends(story.Partner, story.Answered()).Field("/answers/company", "field_unknown")
		maria.Sends(story.Partner, story.Answered()).Is(http.StatusAccepted) // stays on the version it began with
		tn.Applies(t, func(yaml string) string {
			return strings.Replace(yaml, "  languages: [en, de]\n", "  languages: [en, de]\n  state: closed\n  closedReason: { en: \"Over.\", de: \"Vorbei.\" }\n", 1)
		})
		late.LeavesNoTrace(func() { late.Speaks("de").SendsUnread(story.Answered()).Refused(http.StatusGone, "flow_closed") })
		waits.LeavesNoTrace(func() { waits.Speaks("de").Types(code).Refused(http.StatusGone, "flow_closed") })
		require.Equal(t, "code", waits.Get(waits.Path("")).Text("step"), "a code is worth nothing at a closed flow, and is not used up")
		require.Equal(t, "pending", maria.Request().Text("state"), "what was sent goes on")
		tn.Member(t, story.Jonas).Decides(tn.RequestID(t, maria.Ref), "approve", nil).Is(http.StatusOK)
		maria.Sees("active")
	})
}

func TestASecondServerOnOneFileIsRefused(t *testing.T) {
	t.Parallel()
	tn := story.Own(t, "sqlite", 1, nil)
	second, err := tn.Plan.Start()
	require.NoError(t, err)
	require.Error(t, second.Wait(t.Context()))
	require.Contains(t, second.Log.String()+second.Out.String(), "another vestibule")
	require.Equal(t, http.StatusOK, tn.Replicas[0].Answers(t.Context(), "/readyz"))
}

func TestIdempotencyKeysReplayTheFirstAnswer(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Proves(story.Partner)
		body := maria.Submission(story.Partner, story.Answered())
		keyed := maria.With("Idempotency-Key", "k-"+story.Unique())
		first := keyed.Post(maria.Path("/submit"), body).Is(http.StatusAccepted)
		again := keyed.At(1).Post(maria.Path("/submit"), body).Is(http.StatusAccepted)
		require.Equal(t, string(first.Body), string(again.Body))
		require.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
		keyed.Speaks("de").Post(maria.Path("/submit"), maria.Submission(story.Partner, story.Answered("company", "Other"))).
			Refused(http.StatusUnprocessableEntity, "idempotency_key_reused")
		require.Equal(t, 1, tn.TracesOf(t, maria.Address).Requests)
	})
}

func TestTheDemoIsRefusedOnAHouseThatHoldsAnything(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		plan, err := story.NewPlan(t.Context(), kind, story.World.Mail)
		require.NoError(t, err)
		_, err = plan.Run(t.Context(), "demo")
		require.NoError(t, err)
		people, err := plan.Run(t.Context(), "demo", "people", "--json")
		require.NoError(t, err)
		require.Contains(t, people, story.Jonas)
		_, err = plan.Run(t.Context(), "demo")
		require.ErrorContains(t, err, "empty")
	})
}
