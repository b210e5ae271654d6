package flow

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sound is a small flow without mistakes; tests change a line of it.
const sound = `apiVersion: vestibule/v1
kind: Flow
metadata:
  name: partner
spec:
  languages: [en, de]
  title: {en: Partner, de: Partner}
  pages:
    - id: you
      title: {en: You, de: Sie}
      fields:
        - name: fullName
          type: text
          label: {en: Name, de: Name}
          required: true
        - name: why
          type: choice
          label: {en: Why, de: Warum}
          options:
            - value: deliver
              label: {en: Deliver, de: Liefern}
            - value: maintain
              label: {en: Maintain, de: Warten}
        - name: sponsor
          type: sponsor
          label: {en: Contact, de: Kontakt}
        - name: people
          type: number
          label: {en: People, de: Personen}
          when: {field: why, is: maintain}
  profile:
    name: fullName
  terms:
    - id: use
      version: 4
      date: 2026-10-12
      title: {en: Terms, de: Bedingungen}
      statement: {en: I agree, de: Ich stimme zu}
      text: {en: Be kind., de: Seien Sie nett.}
  approval:
    stages:
      - id: first
        team: {en: Team, de: Team}
        approvers: {namedIn: sponsor, groups: [team]}
        dueAfter: 1d
        expireAfter: 14d
  grants:
    apps: [drawings]
  ends: {afterDays: 180}
`

func TestRead_ReadsAFlow(t *testing.T) {
	t.Parallel()
	sources, mistakes := Read(File{"partner.yaml", []byte(sound)})
	require.Empty(t, mistakes)
	require.Len(t, sources, 1)
	d := sources[0].Definition
	require.Equal(t, "partner", sources[0].Slug)
	require.Equal(t, "4", d.Terms[0].Version, "a number for a text is taken as it is written")
	require.Equal(t, "2026-10-12", d.Terms[0].Date)
	require.Equal(t, 24*time.Hour, d.Approval.Stages[0].DueAfter.D())
	require.Equal(t, "name", d.Field("fullName").Autocomplete, "the profile says what the field is, and the browser learns it")
	require.Equal(t, "Partner", d.Title.In("ar", d.Default()))
}

// Every case changes one line of the sound flow, and names what is said about it: line, column, path, and a part of the
// sentence.
func TestRead_SaysWhereAndWhatToDo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, old, new, want string }{
		{"misspelt key", "label: {en: Why", "lable: {en: Why", "18:11: spec.pages[0].fields[1].lable: unknown key `lable`; did you mean `label`?"},
		{"misspelt key of the envelope", "kind: Flow", "kid: Flow", "2:1: kid: unknown key `kid`; did you mean `kind`?"},
		{"doubled key", "  grants:", "  title: {en: A, de: B}\n  grants:", `47:3: spec.title: the key "title" is here twice, first in line 7`},
		{"another version of the format", "vestibule/v1", "vestibule/v2", "1:13: apiVersion: write apiVersion: vestibule/v1"},
		{"another kind", "kind: Flow", "kind: Policy", "2:7: kind: write kind: Flow"},
		{"bad slug", "name: partner", "name: Our Partner", "4:9: metadata.name: give the flow a name"},
		{"word for a number", "{afterDays: 180}", "{afterDays: half a year}", "49:21: spec.ends.afterDays: this is a text; write a whole number"},
		{"word for a boolean", "required: true", "required: yes please", "15:21: spec.pages[0].fields[0].required: this is a text; write true or false"},
		{"list for a group of keys", "{afterDays: 180}", "[180]", "49:9: spec.ends: this is a list; write keys and values here: afterDays, maxDays"},
		{"one value for a list", "apps: [drawings]", "apps: drawings", "48:11: spec.grants.apps: this is a text; write a list"},
		{"key without a value", "    apps: [drawings]", "    apps:", "48:5: spec.grants.apps: the key apps has no value"},
		{"text missing in a language", "{en: Why, de: Warum}", "{en: Why}", "18:18: spec.pages[0].fields[1].label: the text is missing in de"},
		{"text in a language the flow has not", "{en: Why, de: Warum}", "{en: Why, de: Warum, fr: Pourquoi}", `18:43: spec.pages[0].fields[1].label.fr: "fr" is not among the languages`},
		{"bare text in a flow of two languages", "{en: Why, de: Warum}", "Why", "the text is missing in de"},
		{"empty text", "{en: Why, de: Warum}", `{en: "", de: Warum}`, "the text is empty"},
		{"text with an override", "{en: Why, de: Warum}", `{en: "a\u202eb", de: Warum}`, "a character that cannot be shown"},
		{"label of two lines", "{en: Why, de: Warum}", `{en: "a\nb", de: Warum}`, "write it in one line"},
		{"text too long", "{en: Why, de: Warum}", "{en: " + strings.Repeat("x", 301) + ", de: Warum}", "has 301 characters; keep it to 300"},
		{"no label", "          label: {en: Why, de: Warum}\n", "", "spec.pages[0].fields[1].label: write a label"},
		{"unknown language", "[en, de]", "[en, xx-Foo-1]", "is no language"},
		{"language in another spelling", "[en, de]", "[en, DE]", "write the language as de"},
		{"language twice", "[en, de]", "[en, de, de]", "de is here twice"},
		{"unknown type", "type: choice", "type: choise", `there is no "choise"; did you mean "choice"?`},
		{"name twice", "name: sponsor\n", "name: why\n", `24:17: spec.pages[0].fields[2].name: the name "why" is taken`},
		{"reserved name", "name: sponsor\n", "name: userType\n", `the name "userType" is reserved; choose another, such as yourUserType`},
		{"name of JavaScript's prototype", "name: sponsor\n", "name: __proto__\n", "is reserved"},
		{"name with a dash", "name: sponsor\n", "name: my-contact\n", "write a name of 1 to 40 letters and digits"},
		{"no options", "          options:\n            - value: deliver\n              label: {en: Deliver, de: Liefern}\n            - value: maintain\n              label: {en: Maintain, de: Warten}\n", "", "write the options to choose from"},
		{"option twice", "value: maintain", "value: deliver", `the value "deliver" is taken`},
		{"options of a text", "type: choice", "type: text", "options is for fields of type choice and choices; remove it from this text"},
		{"condition on nothing", "field: why", "field: wy", `there is no field "wy"; there is no "wy"; did you mean "why"?`},
		{"condition on itself", "field: why", "field: people", "people waits for itself (a cycle)"},
		{"condition on a later field", "          label: {en: Name, de: Name}\n", "          label: {en: Name, de: Name}\n          when: {field: why, is: deliver}\n", "why comes later; a condition looks at earlier fields, so move it before fullName"},
		{"cycle", "          label: {en: Contact, de: Kontakt}\n", "          label: {en: Contact, de: Kontakt}\n          when: {field: people, answered: true}\n", "people comes later"},
		{"condition on an option that is none", "is: maintain", "is: maintian", `why has no such option: there is no "maintian"; did you mean "maintain"?`},
		{"condition with two tests", "is: maintain", "is: maintain, answered: true", "write one of is, isNot, in, answered"},
		{"condition without a test", "{field: why, is: maintain}", "{field: why}", "write one of is, isNot, in, answered"},
		{"condition with field and all", "{field: why, is: maintain}", "{field: why, is: maintain, all: [{field: why, is: deliver}]}", "write field with is, isNot, in or answered; or all; or any"},
		{"number compared with an option", "is: maintain", "is: 4", "options are texts; write the value in quotes"},
		{"sponsor compared", "{field: why, is: maintain}", "{field: sponsor, is: a@b.de}", "a sponsor can only be looked at with answered"},
		{"bounds that contradict", "          when: {field: why", "          min: 4\n          max: 3\n          when: {field: why", "no number is 4 or more and 3 or less"},
		{"whole number between two others", "          when: {field: why", "          min: 3.2\n          max: 3.7\n          wholeNumber: true\n          when: {field: why", "no number is 3.2 or more and 3.7 or less"},
		{"lengths of a number", "          when: {field: why", "          maxLength: 4\n          when: {field: why", "maxLength is for fields of type text and longText"},
		{"length above the cap", "          required: true", "          maxLength: 501", "from 1 to 500"},
		{"lengths that contradict", "          required: true", "          minLength: 65", "no answer can have 65 characters or more and 64 or fewer"},
		{"condition that nothing makes true", "{field: why, is: maintain}", "{all: [{field: why, is: maintain}, {field: why, is: deliver}]}", "no answers make this true, so people would never be shown"},
		{"profile of an unknown field", "name: fullName\n  terms", "name: fulName\n  terms", `there is no field "fulName"`},
		{"profile of a field of another type", "name: fullName\n  terms", "name: why\n  terms", "the field why is of type choice; name one of type text"},
		{"no name at all", "  profile:\n    name: fullName\n", "", "say which answer is the person's name"},
		{"day that does not exist", "2026-10-12", "2026-02-30", "write the day of this version as YYYY-MM-DD"},
		{"terms without a text", "      text: {en: Be kind., de: Seien Sie nett.}\n", "", "write text or url"},
		{"terms at a script", "text: {en: Be kind., de: Seien Sie nett.}", "url: {en: 'javascript:alert(1)', de: 'https://contoso.com/agb'}", "spec.terms[0].url.en: write a full web address"},
		{"nobody decides", "    stages:\n", "    steps:\n", "unknown key `steps`"},
		{"both automatic and stages", "    stages:\n", "    automatic: true\n    stages:\n", "automatically or in stages; keep one"},
		{"stage without approvers", "{namedIn: sponsor, groups: [team]}", "{}", "name people or groups who decide"},
		{"named sponsor without a fallback", "{namedIn: sponsor, groups: [team]}", "{namedIn: sponsor}", "who decide when the applicant names nobody of ours"},
		{"named in a field that is no sponsor", "namedIn: sponsor", "namedIn: why", `"why" is no field of type sponsor`},
		{"approver without an address", "groups: [team]", "people: [Jonas]", `"Jonas" is no e-mail address`},
		{"duration in words", "dueAfter: 1d", "dueAfter: soon", "write a duration as a number and m, h, d or w"},
		{"due after it has expired", "dueAfter: 1d", "dueAfter: 3w", "would be due after 21d, when the request has expired after 14d"},
		{"rule for a public suffix", "  grants:", "  domains: {allow: [co.uk]}\n  grants:", `"co.uk" cannot be a rule: anybody can register below this domain`},
		{"rule for everything", "  grants:", "  domains: {deny: ['*']}\n  grants:", `"*" cannot be a rule`},
		{"rule with a wildcard inside", "  grants:", "  domains: {deny: ['a.*.com']}\n  grants:", "cannot be a rule"},
		{"closed without a reason", "  grants:", "  state: closed\n  grants:", "write why the flow is closed"},
		{"reason although open", "  grants:", "  closedReason: {en: A, de: B}\n  grants:", "are for a closed flow"},
		{"opening at no instant", "  grants:", "  state: closed\n  opensAt: tomorrow\n  grants:", "write an instant with its offset"},
		{"end below what is given", "{afterDays: 180}", "{afterDays: 180, maxDays: 30}", "make it no less than afterDays"},
		{"negative days", "{afterDays: 180}", "{afterDays: -1}", "write a number from 1 to 3650"},
		{"page without questions", "  profile:", "    - id: more\n      title: {en: A, de: B}\n      fields: []\n  profile:", "the page asks nothing"},
		{"page that nothing leads to", "  profile:", "    - id: more\n      title: {en: A, de: B}\n      fields:\n        - name: x\n          type: text\n          label: {en: A, de: B}\n          when: {all: [{field: why, isNot: deliver}, {field: why, isNot: maintain}, {field: why, answered: true}]}\n  profile:", "no answers lead to this page"},
		{"anchor", "title: {en: Partner", "title: &t {en: Partner", "anchors (&t) are not read here"},
		{"alias", "title: {en: Partner, de: Partner}", "title: *t", "this is not YAML: unknown anchor 't' referenced"},
		{"tag", "title: {en: Partner", "title: !!map {en: Partner", "tags (!!map) are not read here"},
		{"merge key", "title: {en: Partner", "title: {<<: {fr: X}, en: Partner", "merge keys (<<) are not read here"},
		{"tab for indentation", "  grants:", "\tgrants:", "this is not YAML"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, sound, tc.old)
			_, mistakes := Read(File{"partner.yaml", []byte(strings.Replace(sound, tc.old, tc.new, 1))})
			require.NotEmpty(t, mistakes)
			require.Contains(t, Mistakes(mistakes).Error(), tc.want)
			for _, m := range mistakes {
				require.Positive(t, m.Line, m.Message)
				require.Positive(t, m.Column, m.Message)
			}
		})
	}
}

func TestRead_ReportsAllMistakesOfAllDocumentsAtOnce(t *testing.T) {
	t.Parallel()
	one := strings.NewReplacer("type: choice", "type: choise", "afterDays", "afterDay", "en: Why", "en: ''").Replace(sound)
	two := strings.Replace(strings.Replace(sound, "name: partner", "name: other", 1), "dueAfter: 1d", "dueAfter: x", 1)
	_, mistakes := Read(File{"a.yaml", []byte(one + "---\n" + two)}, File{"b.yaml", []byte(sound + "---\n" + sound)}, File{"c.yaml", nil})
	text := Mistakes(mistakes).Error()
	for _, want := range []string{
		"a.yaml:17:17: spec.pages[0].fields[1].type", "a.yaml:18:23: spec.pages[0].fields[1].label.en", "a.yaml:49:10: spec.ends.afterDay",
		"a.yaml:95:19: spec.approval.stages[0].dueAfter",
		`b.yaml:4:1: metadata.name: the flow "partner" is in a.yaml, line 4, already`, `b.yaml:54:1: metadata.name: the flow "partner"`,
		"c.yaml:1:1: there is no flow here",
	} {
		require.Contains(t, text, want)
	}
}

func TestRead_RefusesWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for _, tc := range []struct{ name, data, want string }{
		{"a byte more than a mebibyte", strings.Repeat("#", maxBytes+1), "the file has 1048577 bytes"},
		{"too many values", "spec: [" + strings.Repeat("1,", maxNodes) + "]", "more than 10000 values"},
		{"very many documents", strings.Repeat("a: 1\n---\n", maxNodes/2), "unknown key `a`"},
		{"deep lists", strings.Repeat("[", 60) + strings.Repeat("]", 60), "more than 32 levels"},
		{"very deep lists", strings.Repeat("[", 500_000), "lines, commas and brackets"},
		{"deep lists without an end", strings.Repeat("[", 50_000), "this is not YAML"},
		{"very deep indentation", indented(1000), "levels"},
		{"a billion laughs", bomb, "are not read here"},
		{"no text", "\x00\x01", "this is not YAML"},
		{"invalid UTF-8", "title: \xff", "this is not YAML"},
		{"a key that is a list", "[a]: b", "a key has to be a word"},
		{"a list of flows", "- apiVersion: vestibule/v1", "this is a list; write keys and values here"},
		{"a bare word", "flow", "this is a text; write keys and values here"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, mistakes := Read(File{"x.yaml", []byte(tc.data)})
			require.Contains(t, Mistakes(mistakes).Error(), tc.want)
			require.LessOrEqual(t, len(mistakes), maxMistakes)
		})
	}
}

func indented(levels int) string {
	var out strings.Builder
	for i := range levels {
		out.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return out.String()
}

// cpu is the processor time that fn takes on its thread: how long the machine lets it wait does not count.
func cpu(t *testing.T, fn func()) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	used := func() time.Duration {
		var r syscall.Rusage
		require.NoError(t, syscall.Getrusage(rusageThread, &r))
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	before := used()
	fn()
	return used() - before
}

// rusageThread is RUSAGE_THREAD of Linux, getrusage(2), which package syscall does not name.
const rusageThread = 1

// patience is a tenth of a second (security.md F05), and longer in proportion where a processor is shared or the race
// detector slows everything down: counting 50 MiB takes 40 ms at most on a machine that is at rest.
func patience(t *testing.T) time.Duration {
	data, n := make([]byte, maxBytes), 0
	took := cpu(t, func() {
		for range 50 {
			for i := range data {
				n += int(data[i])
			}
		}
	})
	require.Zero(t, n)
	return 100 * time.Millisecond * max(1, took/(40*time.Millisecond))
}

// A mebibyte of the worst is read quickly. The best of some runs counts: the machine may be busy, the parser may not be
// slow.
func TestRead_IsQuick(t *testing.T) {
	limit := patience(t)
	for _, tc := range []struct{ name, data string }{
		{"one long text", "spec:\n  title: '" + strings.Repeat("x", maxBytes-100) + "'\n"},
		{"very deep lists", strings.Repeat("[", maxMarks)},
		{"very deep groups", strings.Repeat("{a: ", maxMarks)},
		{"deep indentation", indented(1400)},
		{"as many values as allowed", "spec: [" + strings.Repeat("1,", maxNodes-10) + "]"},
		{"far more values than allowed", "spec: [" + strings.Repeat("1,", maxBytes/2-10) + "]"},
		{"more values than allowed", "spec: [" + strings.Repeat("1,", maxMarks-10) + "]"},
		{"a comment", strings.Repeat("# x\n", maxMarks)},
		{"many documents", strings.Repeat("---\n", maxMarks)},
		{"many unknown keys", "spec:\n" + strings.Repeat("  labelled: x\n", 4000)},
		{"a large flow", large()},
	} {
		best := time.Hour
		for range 5 {
			took := cpu(t, func() { Read(File{"x.yaml", []byte(tc.data)}) })
			if best = min(best, took); best < limit {
				break
			}
		}
		require.Less(t, best, limit, tc.name)
	}
}

// large is a flow with as many questions and conditions as allowed.
func large() string {
	var fields strings.Builder
	for i := range 80 {
		fmt.Fprintf(&fields, "        - name: f%d\n          type: choice\n          label: {en: L, de: L}\n          options:\n", i)
		for o := range 8 {
			fmt.Fprintf(&fields, "            - {value: o%d, label: {en: L, de: L}}\n", o)
		}
		if i > 3 {
			fmt.Fprintf(&fields, "          when: {all: [{field: f%d, is: o1}, {field: f%d, is: o2}, {any: [{field: f%d, is: o3}, {field: f%d, isNot: o4}]}]}\n", i-1, i-2, i-3, i-4)
		}
	}
	return strings.Replace(sound, "  profile:\n", fields.String()+"  profile:\n", 1)
}
