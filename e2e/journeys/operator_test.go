package journeys

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/stack"
)

func itoa(n int) string { return strconv.Itoa(n) }

// kinds tells a story that needs a house of its own on both databases.
func kinds(t *testing.T, story func(t *testing.T, kind string)) {
	t.Helper()
	t.Parallel()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			story(t, kind)
		})
	}
}

func TestFlowsAreTheSameBytesAfterExportAndApply(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		plan, err := newPlan(t.Context(), kind, world.mail)
		require.NoError(t, err)
		require.NoError(t, furnish(t.Context(), plan))
		for _, slug := range []string{"supplier", "visitor", partner, company, closedOne} {
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
	kinds(t, func(t *testing.T, kind string) {
		plan, err := newPlan(t.Context(), kind, world.mail)
		require.NoError(t, err)
		require.NoError(t, furnish(t.Context(), plan))
		good, err := os.ReadFile(filepath.Join(stack.Root(), "e2e", "journeys", "testdata", "flows", "partner.yaml"))
		require.NoError(t, err)
		before, err := plan.Run(t.Context(), "flow", "export", partner)
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
		after, err := plan.Run(t.Context(), "flow", "export", partner)
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}

func TestBadInput_FlowChangedInBetween(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		tn := own(t, kind, 1, nil)
		maria, late := tn.visitor(t, "maria").proves(partner), tn.visitor(t, "late").proves(partner)
		tn.applies(t, func(yaml string) string {
			return strings.Replace(yaml, "name: company, type: text", "name: employer, type: text", 1)
		}, "organisation: company", "organisation: employer")
		fresh := tn.visitor(t, "fresh").proves(partner).speaks("de")
		fresh.sends(partner, answered()).field("/answers/company", "field_unknown")
		maria.sends(partner, answered()).is(http.StatusAccepted) // stays on the version it began with
		tn.applies(t, func(yaml string) string {
			return strings.Replace(yaml, "  languages: [en, de]\n", "  languages: [en, de]\n  state: closed\n  closedReason: { en: \"Over.\", de: \"Vorbei.\" }\n", 1)
		})
		late.leavesNoTrace(func() { late.speaks("de").sends_(answered()).refused(http.StatusGone, "flow_closed") })
		require.Equal(t, "pending", maria.request().text("state"), "what was sent goes on")
		tn.member(t, jonas).decides(tn.requestID(t, maria.ref), "approve", nil).is(http.StatusOK)
		maria.sees("active")
	})
}

// sends_ submits without reading the flow first, which is closed.
func (p *person) sends_(answers map[string]any) answer {
	p.t.Helper()
	return p.post(p.path("/submit"), map[string]any{"answers": answers, "consents": []map[string]any{{"terms": "site-rules", "version": "4"}}})
}

// applies publishes a changed partner flow while the house is open, and waits until it is shown.
func (tn *town) applies(t *testing.T, change func(string) string, more ...string) {
	t.Helper()
	good, err := os.ReadFile(filepath.Join(stack.Root(), "e2e", "journeys", "testdata", "flows", "partner.yaml"))
	require.NoError(t, err)
	text := strings.NewReplacer(more...).Replace(change(string(good)))
	require.NotEqual(t, string(good), text)
	file := filepath.Join(t.TempDir(), "partner.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	_, err = tn.plan.Run(t.Context(), "flow", "apply", "-f", file)
	require.NoError(t, err)
	eventually(t, "the new version", func() bool {
		a := tn.browserOf(t, "x@example.com").get("/api/v1/flows/" + partner)
		return a.status == http.StatusGone || int(a.value("version").(float64)) == tn.count(t, "SELECT version FROM flows WHERE slug = ?", partner)
	})
}

func TestASecondServerOnOneFileIsRefused(t *testing.T) {
	t.Parallel()
	tn := own(t, "sqlite", 1, nil)
	second, err := tn.plan.Start()
	require.NoError(t, err)
	require.Error(t, second.Wait(t.Context()))
	require.Contains(t, second.Log.String()+second.Out.String(), "another vestibule")
	require.Equal(t, http.StatusOK, tn.replicas[0].Answers(t.Context(), "/readyz"))
}

func TestT52_APIKeysDoWhatTheirScopesSay(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		plan, err := newPlan(t.Context(), kind, world.mail)
		require.NoError(t, err)
		require.NoError(t, furnish(t.Context(), plan))
		_, err = plan.Run(t.Context(), "apikey", "create", "--name", "x", "--scopes", "Directory.ReadWrite.All")
		require.Error(t, err, "a scope that does not exist is not given")
		key := func(scopes string) string {
			out, err := plan.Run(t.Context(), "apikey", "create", "--name", "journeys "+scopes, "--scopes", scopes)
			require.NoError(t, err)
			require.Regexp(t, `^vst_\S+\n$`, out, "the key and nothing else")
			return seen(strings.TrimSpace(out))
		}
		reads, decides := key("guests:read,requests:read"), key("requests:read,requests:decide")
		tn, err := openHouses(t.Context(), kind, plan, 1)
		require.NoError(t, err)
		tn.mail = world.mail
		t.Cleanup(func() { tn.close(t) })
		reader := tn.browserOf(t, "program").with("Authorization", "Bearer "+reads)
		decider := tn.browserOf(t, "program").with("Authorization", "bearer "+decides)
		reader.get("/api/v1/guests").is(http.StatusOK)
		decider.speaks("de").get("/api/v1/guests").refused(http.StatusForbidden, "not_allowed")
		reader.speaks("de").get("/api/v1/jobs").refused(http.StatusForbidden, "not_allowed")
		reader.speaks("de").get("/api/v1/me").refused(http.StatusForbidden, "not_allowed")
		maria := tn.visitor(t, "maria").asks(partner, answered())
		id := tn.requestID(t, maria.ref)
		maria.leavesNoTrace(func() {
			reader.speaks("de").decides(id, "approve", nil).refused(http.StatusForbidden, "not_allowed")
			for _, wrong := range []string{"Bearer vst_wrong", "Bearer " + reads + "x", "Basic " + reads, "Bearer", "Bearer " + strings.ToUpper(reads), "Bearer  "} {
				tn.browserOf(t, "program").speaks("de").with("Authorization", wrong).decides(id, "approve", nil).refused(http.StatusUnauthorized, "api_key_invalid")
			}
			both := maria.with("Authorization", "Bearer "+decides)
			both.jar.SetCookies(home(""), []*http.Cookie{{Name: "vestibule_session", Value: "x"}})
			both.speaks("de").get("/api/v1/approvals").refused(http.StatusBadRequest, "two_identities")
		})
		decider.decides(id, "approve", nil).is(http.StatusOK)
		require.Equal(t, "active", maria.request().text("state"))
	})
}

func TestIdempotencyKeysReplayTheFirstAnswer(t *testing.T) {
	each(t, func(t *testing.T, tn *town) {
		maria := tn.visitor(t, "maria").proves(partner)
		body := maria.submission(partner, answered())
		keyed := maria.with("Idempotency-Key", "k-"+unique())
		first := keyed.post(maria.path("/submit"), body).is(http.StatusAccepted)
		again := keyed.at(1).post(maria.path("/submit"), body).is(http.StatusAccepted)
		require.Equal(t, string(first.body), string(again.body))
		require.Equal(t, "true", again.header.Get("Idempotent-Replayed"))
		keyed.speaks("de").post(maria.path("/submit"), maria.submission(partner, answered("company", "Other"))).
			refused(http.StatusUnprocessableEntity, "idempotency_key_reused")
		require.Equal(t, 1, tn.tracesOf(t, maria.address).Requests)
	})
}

var setupLink = regexp.MustCompile(`https?://\S+/setup\S*?([A-Za-z0-9_-]{30,})`)

func TestAnEmptyHouseIsSetUpOnceWithTheLinkItPrints(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		plan, err := newPlan(t.Context(), kind, world.mail)
		require.NoError(t, err)
		tn, err := openHouses(t.Context(), kind, plan, 1)
		require.NoError(t, err)
		t.Cleanup(func() { tn.close(t) })
		var found []string
		eventually(t, "the set-up link", func() bool {
			found = setupLink.FindStringSubmatch(tn.replicas[0].Out.String() + tn.replicas[0].Log.String())
			return found != nil
		})
		require.NotContains(t, tn.replicas[0].Log.String(), found[1], "it is printed, not logged")
		ines := tn.browserOf(t, "ines-"+unique()+"@contoso.com").speaks("de")
		require.Equal(t, true, ines.get("/api/v1/tenant").is(http.StatusOK).value("setupNeeded"))
		ines.post("/api/v1/setup/check", map[string]any{"token": "wrong" + unique()}).refused(http.StatusGone, "setup_link_used_up")
		ines.post("/api/v1/setup/check", map[string]any{"token": found[1]}).is(http.StatusOK)
		setUp := map[string]any{"token": found[1], "organisation": "Contoso", "name": "Ines Vogel", "email": ines.address}
		ines.post("/api/v1/setup", changed(setUp, "email", "ines")).is(http.StatusUnprocessableEntity)
		ines.post("/api/v1/setup", changed(setUp, "name", "")).is(http.StatusUnprocessableEntity)
		statuses := together(5, func(int) int { return ines.anonymous().post("/api/v1/setup", setUp).status })
		require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusGone: 4}, statuses)
		ines.post("/api/v1/setup", setUp).refused(http.StatusGone, "setup_closed")
		ines.post("/api/v1/setup/check", map[string]any{"token": found[1]}).is(http.StatusGone)
		require.NotEqual(t, true, ines.get("/api/v1/tenant").is(http.StatusOK).value("setupNeeded"))
		ines.signsIn().is(http.StatusOK)
		me := ines.get("/api/v1/me").is(http.StatusOK)
		require.Contains(t, me.list("roles"), "admin")
		require.Equal(t, 1, tn.count(t, "SELECT count(*) FROM directory_users WHERE user_type = 'Member'"))
	})
}

func TestTheDemoIsRefusedOnAHouseThatHoldsAnything(t *testing.T) {
	kinds(t, func(t *testing.T, kind string) {
		plan, err := newPlan(t.Context(), kind, world.mail)
		require.NoError(t, err)
		_, err = plan.Run(t.Context(), "demo")
		require.NoError(t, err)
		people, err := plan.Run(t.Context(), "demo", "people", "--json")
		require.NoError(t, err)
		require.Contains(t, people, jonas)
		_, err = plan.Run(t.Context(), "demo")
		require.ErrorContains(t, err, "empty")
	})
}
