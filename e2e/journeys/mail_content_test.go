package journeys

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vestibule-id/vestibule/e2e/story"
)

func TestMailsSpeakTheApplicantsLanguage(t *testing.T) {
	story.Each(t, func(t *testing.T, tn *story.Town) {
		maria := tn.Visitor(t, "maria").Speaks("de")
		maria.Begins(story.Visitors)
		maria.Gives(maria.Address).Is(http.StatusAccepted)
		l := maria.Letter()
		require.Contains(t, l.HTML, `lang="de"`)
		require.NotRegexp(t, `\b(the|your|and)\b`, strings.ToLower(l.Text))
		arabic := tn.Visitor(t, "yusuf").Speaks("ar")
		arabic.Begins(story.Visitors)
		arabic.Gives(arabic.Address).Is(http.StatusAccepted)
		require.Contains(t, arabic.Letter().HTML, `dir="rtl"`)
	})
}
