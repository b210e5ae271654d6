package flow

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t testing.TB, text string) Definition {
	t.Helper()
	sources, mistakes := Read(File{"a.yaml", []byte(text)})
	require.Empty(t, mistakes)
	return sources[0].Definition
}

func TestCompare_SaysInWordsWhatChanges(t *testing.T) {
	t.Parallel()
	old := read(t, sound)
	for _, tc := range []struct {
		name string
		edit []string
		want []string
	}{
		{"nothing", nil, nil},
		{"the same in another layout", []string{"[en, de]", "\n    - en\n    - de"}, nil},
		{"a question more", []string{"        - name: sponsor\n", "        - name: site\n          type: text\n          label: {en: Site, de: Ort}\n        - name: sponsor\n"},
			[]string{"Question “Site” (site) added on page you"}},
		{"a question less", []string{"        - name: people\n          type: number\n          label: {en: People, de: Personen}\n          when: {field: why, is: maintain}\n", ""},
			[]string{"Question “People” (people) removed"}},
		{"a question asked otherwise", []string{"{en: Why, de: Warum}", "{en: Why, de: Wozu}", "          type: choice", "          type: choice\n          required: true"},
			[]string{"Question “Why” (why) changed: label, required"}},
		{"a question elsewhere", []string{"        - name: sponsor\n", "    - id: more\n      title: {en: More, de: Mehr}\n      fields:\n        - name: sponsor\n"},
			[]string{"Page “More” (more) added", "Question “Contact” (sponsor) moved from page you to more", "Question “People” (people) moved from page you to more"}},
		{"new terms", []string{"version: 4", "version: 5"}, []string{"Terms “Terms, version 5” (use) changed"}},
		{"other grants", []string{"apps: [drawings]", "groups: [partners]"}, []string{"App granted removed: drawings", "Group granted added: partners"}},
		{"closing", []string{"  grants:", "  state: closed\n  closedReason: {en: Holidays, de: Ferien}\n  grants:"}, []string{"The flow closes", "Reason for being closed added"}},
		{"deciding otherwise", []string{"dueAfter: 1d", "dueAfter: 2d", "180", "90"}, []string{"End of access changed", "Stage “Team” (first) changed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := compare("partner", 3, old, read(t, strings.NewReplacer(tc.edit...).Replace(sound)))
			require.Equal(t, tc.want, d.Words)
			require.Equal(t, tc.want != nil, d.Changes())
		})
	}
}

func TestDifference_PrintsWordsAndLines(t *testing.T) {
	t.Parallel()
	old := read(t, sound)
	require.Equal(t, "partner: unchanged, version 3\n", compare("partner", 3, old, old).String())
	changed := compare("partner", 3, old, read(t, strings.Replace(sound, "dueAfter: 1d", "dueAfter: 2d", 1)))
	require.Equal(t, `partner: version 3 becomes 4
  Stage “Team” (first) changed

@@ -72,7 +72,7 @@
           namedIn: sponsor
           groups:
             - team
-        dueAfter: 1d
+        dueAfter: 2d
         expireAfter: 14d
   grants:
     apps:
`, changed.String())
}

func TestUnified_SaysWhichLinesChange(t *testing.T) {
	t.Parallel()
	lines := func(s string) string { return strings.ReplaceAll(s, " ", "\n") + "\n" }
	for _, tc := range []struct{ name, old, next, want string }{
		{"nothing", lines("a b"), lines("a b"), ""},
		{"all is new", "", lines("a b"), "@@ -1,0 +1,2 @@\n+a\n+b\n"},
		{"all is gone", lines("a b"), "", "@@ -1,2 +1,0 @@\n-a\n-b\n"},
		{"in the middle", lines("1 2 3 4 5 6 7 8 9"), lines("1 2 3 4 X 6 7 8 9"), "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n"},
		{"at both ends, far apart", lines("1 2 3 4 5 6 7 8 9 0"), lines("X 2 3 4 5 6 7 8 9 Y"),
			"@@ -1,4 +1,4 @@\n-1\n+X\n 2\n 3\n 4\n@@ -7,4 +7,4 @@\n 7\n 8\n 9\n-0\n+Y\n"},
		{"close to each other", lines("1 2 3 4 5"), lines("X 2 3 4 Y"), "@@ -1,5 +1,5 @@\n-1\n+X\n 2\n 3\n 4\n-5\n+Y\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, unified(tc.old, tc.next))
		})
	}
}
