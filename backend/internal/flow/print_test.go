package flow

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/demo"
)

// demoFiles are the demo company's flows.
func demoFiles(t testing.TB) []File {
	t.Helper()
	names, err := fs.Glob(demo.Flows, "flows/*.yaml")
	require.NoError(t, err)
	require.Len(t, names, 2)
	var files []File
	for _, name := range names {
		data, err := fs.ReadFile(demo.Flows, name)
		require.NoError(t, err)
		files = append(files, File{name, data})
	}
	return files
}

func TestPrint_TheDemoFlowsAreInCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, file := range demoFiles(t) {
		sources, mistakes := Read(file)
		require.Empty(t, mistakes)
		require.Equal(t, string(file.Data), string(Print(sources[0].Slug, sources[0].Definition)))
	}
}

func TestDemo_AsksEveryTypeOfQuestionOnShortPages(t *testing.T) {
	t.Parallel()
	sources, _ := Read(demoFiles(t)...)
	types := map[string]bool{}
	for _, page := range sources[0].Definition.Pages {
		require.LessOrEqual(t, len(page.Fields), 6, "a page of more questions is no page for a phone")
		for _, f := range page.Fields {
			types[f.Type] = true
		}
	}
	require.Len(t, types, len(Types))
	require.True(t, sources[1].Definition.Approval.Automatic)
}

func TestPrint_LeavesOutWhatIsDefaultAndQuotesWhatYAMLMisreads(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("  terms:\n", "  minutes: 3\n  state: open\n  identity: [email]\n  terms:\n", "{afterDays: 180}", "{afterDays: 180, maxDays: 180}",
		"{en: Why, de: Warum}", `{de: "no", en: '4'}`, "dueAfter: 1d", "dueAfter: 24h").Replace(sound)
	first, mistakes := Read(File{"a", []byte(text)})
	require.Empty(t, mistakes)
	out := string(Print("partner", first[0].Definition))
	for _, gone := range []string{"minutes", "state:", "identity", "maxDays", "automatic", "24h"} {
		require.NotContains(t, out, gone)
	}
	require.Contains(t, out, "label:\n            en: \"4\"\n            de: \"no\"\n", "texts stand in the order of the flow's languages")
	require.Contains(t, out, "dueAfter: 1d")
}

// oddTexts are texts that YAML has another use for.
var oddTexts = []string{
	"yes", "no", "null", "~", "4", "0x1F", "1e3", "2026-01-01", "a: b", "- a", "# a", "a #b", "'a'", `"a"`, "`a`", "@a", "%a", "&a", "*a", "!a",
	"|", ">", "{a}", "[a]", "a,", "?", "? a", ":", "a:", "<<", "=", "---", "...", "\\", "a\\nb", "😀", "وصول المورّدين", "a\u200fb", "a\u00a0b", "é",
	"<b>", "{{.}}", "${env:X}", "true", ".5", "+1", "a  b", "…", "\u00ad", "\uE000", "a\u2029"[:1],
}

func oddText(r *rand.Rand, paragraphs bool) string {
	s := oddTexts[r.IntN(len(oddTexts))]
	if paragraphs {
		for range r.IntN(5) {
			s += []string{"\n", "\n\n", "\n  indented ", "\n\tindented ", " "}[r.IntN(5)] + oddTexts[r.IntN(len(oddTexts))]
		}
		s += strings.Repeat(" and so on", r.IntN(20))
	}
	return s
}

func randomText(r *rand.Rand, d Definition, paragraphs bool) Text {
	t := Text{}
	for _, lang := range d.Languages {
		t[lang] = oddText(r, paragraphs)
	}
	return t
}

// randomDefinition makes a flow that may be published.
func randomDefinition(r *rand.Rand) Definition {
	languages := []string{"en", "de", "ar", "pt-BR", "zh-Hant"}
	d := Definition{Languages: languages[:1+r.IntN(len(languages))], Minutes: r.IntN(60)}
	d.Title, d.Description, d.Privacy = randomText(r, d, false), randomText(r, d, true), randomText(r, d, true)
	for range r.IntN(3) {
		d.Needs = append(d.Needs, randomText(r, d, false))
	}
	if r.IntN(3) == 0 {
		opens := time.Unix(r.Int64N(4e9), 0).UTC()
		d.State, d.ClosedReason, d.OpensAt = StateClosed, randomText(r, d, true), &opens
	}
	d.Approval.Automatic = true
	d.Grants.Apps = []string{"drawings", "4", "true"}[:r.IntN(4)]
	d.Ends = Ends{AfterDays: 1 + r.IntN(100), MaxDays: 101 + r.IntN(100)}
	page := Page{ID: "p1", Title: randomText(r, d, false)}
	page.Fields = append(page.Fields, Field{Name: "fullName", Type: TypeText, Label: randomText(r, d, false), Required: true})
	d.Profile.Name = "fullName"
	for i := range 1 + r.IntN(8) {
		page.Fields = append(page.Fields, randomField(r, d, i, page.Fields))
	}
	d.Pages = []Page{page}
	return d
}

func randomField(r *rand.Rand, d Definition, i int, before []Field) Field {
	f := Field{Name: fmt.Sprintf("f%d", i), Type: Types[r.IntN(len(Types))], Label: randomText(r, d, false), Hint: randomText(r, d, false), Required: r.IntN(2) == 0}
	switch f.Type {
	case TypeText, TypeLongText:
		f.MinLength, f.MaxLength = r.IntN(3), r.IntN(300)
		if f.MaxLength < f.MinLength {
			f.MaxLength = 0
		}
	case TypeNumber:
		least, most := float64(r.IntN(20)-10), 10+r.Float64()*100
		f.Min, f.Max, f.WholeNumber = &least, &most, r.IntN(2) == 0
	case TypeDate:
		f.MinDate = "2026-01-01"
	case TypeChoice, TypeChoices:
		for _, v := range []string{"yes", "4", "null", "a.b-c"} {
			f.Options = append(f.Options, Option{Value: v, Label: randomText(r, d, false)})
		}
	}
	trigger := before[r.IntN(len(before))]
	is := map[string]any{TypeChoice: "yes", TypeChoices: "4", TypeCheckbox: true, TypeCountry: "NO", TypeNumber: 10.0}
	if v, ok := is[trigger.Type]; ok && r.IntN(2) == 0 {
		f.When = []*Condition{
			{Field: trigger.Name, Is: v},
			{Any: []Condition{{Field: trigger.Name, Is: v}, {Field: "fullName", Answered: new(false)}}},
		}[r.IntN(2)]
	}
	return f
}

// Export, apply, export is the same bytes: whatever may be published is printed so that reading it prints it again.
func TestPrint_ReadingItPrintsItAgain(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		d := randomDefinition(rand.New(rand.NewPCG(seed, 1)))
		first := Print("random", d)
		read, mistakes := Read(File{"random.yaml", first})
		require.Empty(t, mistakes, "seed %d\n%s", seed, first)
		second := Print("random", read[0].Definition)
		again, mistakes := Read(File{"random.yaml", second})
		require.Empty(t, mistakes, "seed %d", seed)
		require.Equal(t, string(second), string(Print("random", again[0].Definition)), "seed %d", seed)
		require.Equal(t, read[0].Definition, again[0].Definition, "seed %d", seed)
		require.Equal(t, digest("random", read[0].Definition), digest("random", again[0].Definition))
	}
}

// F05: what is accepted prints to what is accepted and is the same; the engine comes to an end on every accepted flow,
// whatever is answered, and keeps what it kept.
func FuzzParse(f *testing.F) {
	for _, file := range demoFiles(f) {
		f.Add(file.Data, "why", "maintain")
	}
	f.Add([]byte(sound), "why", "maintain")
	f.Add([]byte(strings.Replace(sound, "is: maintain", "is: [a]", 1)), "people", "4")
	f.Add([]byte("a: &a [*a]"), "", "")
	f.Add([]byte("{a: {a: {a: [[[[1]]]]}}}"), "", "")
	f.Add([]byte("apiVersion: vestibule/v1\napiVersion: vestibule/v1\n? [a]\n: b"), "", "")
	f.Add(Print("random", randomDefinition(rand.New(rand.NewPCG(7, 7)))), "f1", "yes")
	f.Fuzz(func(t *testing.T, data []byte, name, answer string) {
		sources, mistakes := Read(File{"fuzz.yaml", data})
		if len(mistakes) > 0 {
			return
		}
		for _, s := range sources {
			printed := Print(s.Slug, s.Definition)
			again, mistakes := Read(File{"again.yaml", printed})
			if len(mistakes) > 0 || len(again) != 1 || !bytes.Equal(printed, Print(s.Slug, again[0].Definition)) {
				t.Fatalf("printed form is read differently: %v\n%s", mistakes, printed)
			}
			answers := map[string]any{name: answer, "fullName": answer, "why": answer, "people": 4.0}
			clean, _ := s.Definition.CheckDraft(answers)
			kept, wrong := s.Definition.CheckDraft(clean)
			if len(wrong) > 0 || len(kept) != len(clean) {
				t.Fatalf("kept answers are not kept again: %v %v", wrong, clean)
			}
			s.Definition.CheckFinal(answers, nil)
		}
	})
}
