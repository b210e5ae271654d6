package flow

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

// vector is one case of testdata/check_vectors.json, which the browser's engine is held to as well. The flow is in the
// form of the contract; texts do not matter. Draft is CheckDraft, everything else CheckFinal.
type vector struct {
	Name  string `json:"name"`
	Draft bool   `json:"draft"`
	Flow  struct {
		Pages []struct {
			ID     string  `json:"id"`
			Title  string  `json:"title"`
			Fields []shown `json:"fields"`
		} `json:"pages"`
		Terms []struct{ ID, Version, Date, Title, Statement string } `json:"terms"`
	} `json:"flow"`
	Answers  map[string]any                    `json:"answers"`
	Consents []struct{ Terms, Version string } `json:"consents"`
	Want     []struct{ Pointer, Code string }  `json:"want"`
	Clean    map[string]any                    `json:"clean"`
}

// shown is a field as the contract has it: texts in one language.
type shown struct {
	Field
	Label   string `json:"label"`
	Options []struct {
		Value string `json:"value"`
		Label string `json:"label"`
	} `json:"options"`
}

func (v vector) definition() Definition {
	d := Definition{Languages: []string{"en"}}
	for _, p := range v.Flow.Pages {
		page := Page{ID: p.ID}
		for _, s := range p.Fields {
			f := s.Field
			f.Label = Text{"en": s.Label}
			for _, o := range s.Options {
				f.Options = append(f.Options, Option{Value: o.Value, Label: Text{"en": o.Label}})
			}
			page.Fields = append(page.Fields, f)
		}
		d.Pages = append(d.Pages, page)
	}
	for _, t := range v.Flow.Terms {
		d.Terms = append(d.Terms, TermsVersion{ID: t.ID, Version: t.Version, Title: Text{"en": t.Title}})
	}
	return d
}

func vectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/check_vectors.json")
	require.NoError(t, err)
	var all []vector
	require.NoError(t, json.Unmarshal(raw, &all))
	require.GreaterOrEqual(t, len(all), 60)
	return all
}

func TestCheck_HoldsTheVectorsThatTheBrowserHolds(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			var clean map[string]any
			var fields []fault.Field
			if v.Draft {
				clean, fields = v.definition().CheckDraft(v.Answers)
			} else {
				var consents []Consent
				for _, c := range v.Consents {
					consents = append(consents, Consent(c))
				}
				clean, fields = v.definition().CheckFinal(v.Answers, consents)
			}
			got := []struct{ Pointer, Code string }{}
			for _, f := range fields {
				got = append(got, struct{ Pointer, Code string }{f.Pointer, f.Code})
				require.NotContains(t, f.Sentence("en"), "{", "every parameter of the sentence is filled")
			}
			require.Equal(t, v.Want, got)
			if len(v.Want) == 0 {
				require.Equal(t, v.Clean, clean)
			}
		})
	}
}

// What is kept is what is kept again: a draft that comes back is the same draft.
func TestCheck_KeepsWhatItKept(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		clean, _ := v.definition().CheckDraft(v.Answers)
		again, fields := v.definition().CheckDraft(clean)
		require.Empty(t, fields, v.Name)
		require.Equal(t, clean, again, v.Name)
	}
}
