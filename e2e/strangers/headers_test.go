package strangers

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

// Values that differ from answer to answer or from build to build; what is left must be as it was.
var (
	volatile  = map[string]bool{"Date": true, "Etag": true}
	requestID = regexp.MustCompile(`req_[0-9A-Z]{26}`)
	hashes    = regexp.MustCompile(`( 'sha256-[^']+')+`)
	cookies   = regexp.MustCompile(`=[A-Za-z0-9_-]{43};`)
	maxAges   = regexp.MustCompile(`Max-Age=[1-9]\d*`)
)

// headersOf are the lines of an answer's head.
func headersOf(a story.Answer) (lines []string) {
	for name, values := range a.Header {
		if name == "Content-Length" { // as long as it is, where it is known before
			continue
		}
		for _, value := range values {
			if volatile[name] {
				value = "…"
			}
			value = hashes.ReplaceAllString(requestID.ReplaceAllString(value, "req_…"), " 'sha256-…'")
			lines = append(lines, name+": "+maxAges.ReplaceAllString(cookies.ReplaceAllString(value, "=…;"), "Max-Age=…"))
		}
	}
	slices.Sort(lines)
	return lines
}

var bundle = regexp.MustCompile(`/_app/immutable/[A-Za-z0-9_./-]+\.js`)

// Row T95: the same headers on every answer, whatever it is, and nothing about what answers. testdata/headers.txt has
// them all: those that every answer bears, then what each bears beside them.
func TestT95_EveryAnswerBearsTheSameHeaders(t *testing.T) {
	story.Guarded(t, func(t *testing.T, tn *story.Town) {
		answers := everyKind(t, tn)
		var common []string
		for _, line := range headersOf(answers["200 read"]) {
			if !slices.ContainsFunc(slices.Collect(maps.Values(answers)), func(a story.Answer) bool { return !slices.Contains(headersOf(a), line) }) {
				common = append(common, line)
			}
		}
		var text strings.Builder
		text.WriteString("every answer\n  " + strings.Join(common, "\n  ") + "\n")
		for _, name := range slices.Sorted(maps.Keys(answers)) {
			a := answers[name]
			require.Equal(t, name[:3], fmt.Sprint(a.Status), "%s: %s", name, a)
			text.WriteString(name + "\n")
			for _, line := range headersOf(a) {
				if !slices.Contains(common, line) {
					text.WriteString("  " + line + "\n")
				}
			}
		}
		golden(t, "headers.txt", text.String())
		stranger := tn.BrowserOf(t, "nobody@example.com")
		story.TheContract.Each(func(method, path string, _ *openapi3.Operation) {
			a := stranger.Send(method, stranger.Filled(path), nil)
			require.Subset(t, headersOf(a), common, "%s", a)
		})
		tn.Visitor(t, "nobody").Leaves(story.Left{})
	})
}

// everyKind is an answer of every kind that a story can cause, by its status and a word.
func everyKind(t *testing.T, tn *story.Town) map[string]story.Answer {
	t.Helper()
	nobody, lukas := tn.BrowserOf(t, "nobody@example.com"), tn.Guest(t, "lukas")
	lukas.SignsIn().Is(http.StatusOK)
	early := tn.Visitor(t, "early")
	early.Begins(story.Partner)
	page := nobody.With("Accept", "text/html")
	shell := page.Get("/join/partner")
	file := bundle.FindString(string(shell.Body))
	require.NotEmpty(t, file, "the shell loads a file of the app")
	maria := tn.Visitor(t, "maria")
	begun, sent, soon := maria.Begins(story.Partner), maria.Gives(maria.Address), maria.Gives(maria.Address)
	letter := maria.Letter()
	tag := func(path string) string { return nobody.Get(path).Header.Get("ETag") }
	all := map[string]story.Answer{
		"200 page": shell, "200 read": nobody.Get("/api/v1/tenant"), "200 flow": nobody.Get("/api/v1/flows/partner"), "200 probe": nobody.Get("/livez"),
		"200 hashed file": nobody.Get(file), "200 packed file": nobody.With("Accept-Encoding", "br").Get(file), "200 file": nobody.Get("/favicon.svg"),
		"201 begun": begun, "202 sent": sent, "303 link": maria.With("Accept", "text/html").Get("/l/" + story.TokenIn(t, letter)),
		"304 flow": nobody.With("If-None-Match", tag("/api/v1/flows/partner")).Get("/api/v1/flows/partner"), "304 file": nobody.With("If-None-Match", tag(file)).Get(file),
		"400 no JSON": nobody.Post("/api/v1/signups", story.Raw("{")), "401 nobody": nobody.Get("/api/v1/me"),
		"403 other site": nobody.With("Origin", "https://evil.test").Post("/api/v1/signups", story.Raw("{}")), "403 no right": lukas.Get("/api/v1/jobs"),
		"404 call": nobody.Get("/api/v1/nothing"), "404 file": nobody.Get("/nothing.js"), "405 call": nobody.Send(http.MethodDelete, "/api/v1/tenant", nil),
		"405 page": nobody.Send(http.MethodDelete, "/join/partner", nil), "409 too early": early.Types("123456"), "410 closed": nobody.Get("/api/v1/flows/closed"),
		"413 huge": nobody.Post("/api/v1/signups", story.Raw(strings.Repeat("x", 70<<10))), "415 XML": nobody.With("Content-Type", "text/xml").Post("/api/v1/signups", story.Raw("<a/>")),
		"421 page": page.With("Host", "evil.test").Get("/"), "421 call": nobody.With("Host", "evil.test").Get("/api/v1/tenant"),
		"422 wrong code": maria.Types(story.Other(story.CodeIn(t, letter))), "429 too soon": soon,
	}
	all["200 proved"], all["204 signed out"] = maria.Types(story.CodeIn(t, letter)), lukas.Post("/api/v1/signout", nil)
	return all
}

// Row T95: the house's own failures bear them too: a table that is gone, and one that somebody holds.
func TestT95_AFailureBearsThemToo(t *testing.T) {
	story.Kinds(t, func(t *testing.T, kind string) {
		plan, err := story.NewPlan(t.Context(), kind, story.World.Mail)
		require.NoError(t, err)
		plan.Public, plan.Limits = "https://guests.contoso.example", "on"
		tn, err := story.OpenHouses(t.Context(), kind, plan, 1)
		require.NoError(t, err)
		t.Cleanup(func() { tn.Close(t) })
		end, nobody := tn.Begins(t, "500", "503"), tn.Visitor(t, "nobody").Speaks("de")
		common := headersOf(nobody.Get("/api/v1/tenant").Is(http.StatusOK))
		common = slices.DeleteFunc(common, func(line string) bool { return strings.HasPrefix(line, "Content-Type:") })
		asks := func() story.Answer {
			return nobody.Anonymous().Braced().Post("/api/v1/signin", map[string]any{"email": nobody.Address})
		}
		found := tn.Renames(t, "identity_signins", "identity_gone")
		broken := asks().Refused(http.StatusInternalServerError, "internal_error")
		require.Subset(t, headersOf(broken), common)
		require.NotContains(t, string(broken.Body), "identity_", "nothing of what is inside")
		found()
		release := tn.Locks(t, "identity_signins")
		require.Subset(t, headersOf(asks().Is(http.StatusServiceUnavailable)), common)
		release()
		asks().Is(http.StatusOK)
		nobody.Audited()
		end()
	})
}
