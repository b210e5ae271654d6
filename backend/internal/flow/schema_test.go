package flow

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write docs/flow.schema.json anew")

const schemaFile = "../../../docs/flow.schema.json"

// about says what every key means; docs/flows.md says more.
var about = map[string]string{
	"envelope.apiVersion": "Version of this format.", "envelope.kind": "Kind of document.", "envelope.metadata": "What the flow is known by.",
	"envelope.spec": "What the flow says.", "metadata.name": "The flow's name and the last part of its address, /join/{name}.",
	"Definition.languages": "BCP 47 tags. Every text is there in all of them; the first is the default.", "Definition.title": "Applicants read it first.",
	"Definition.description": "What the flow is, one or two sentences.", "Definition.audience": "Whom it is for, one line.",
	"Definition.needs": "What to have at hand.", "Definition.answerTime": "How long an answer usually takes, in words.",
	"Definition.minutes": "How long it takes to fill in. Default 3.", "Definition.emailHint": "Beside the field for the applicant's own address.",
	"Definition.privacy": "What becomes of the answers.", "Definition.contact": "Whom an applicant may call or write to.",
	"Definition.state": "Default open.", "Definition.closedReason": "Why the flow is closed; applicants read it.",
	"Definition.opensAt": "When a closed flow opens by itself.", "Definition.identity": "How applicants prove who they are. Default [email].",
	"Definition.domains": "Whose addresses may sign up. Deny beats allow; an empty allow accepts every domain.", "Definition.limits": "What keeps the flow from being flooded.",
	"Definition.pages": "The questions, page by page.", "Definition.profile": "Which answer is what in the directory: names of fields.",
	"Definition.terms": "What the applicant agrees to.", "Definition.approval": "Who decides.", "Definition.grants": "What an approved guest gets.",
	"Definition.ends": "When access ends by itself.", "ContactPoint.name": "A person or a team.", "ContactPoint.email": "E-mail address.",
	"ContactPoint.phone": "With the country code.", "Domains.allow": "Domains, or *.domain for every domain below one.", "Domains.deny": "Domains, or *.domain for every domain below one.",
	"Limits.maxRequestsPerDay": "Requests taken in 24 hours; any number if left out.", "Page.id": "Unique in the flow.", "Page.title": "Heading of the page.",
	"Page.description": "Below the heading.", "Page.fields": "The questions of the page.", "Field.name": "Key of the answer, unique in the flow.",
	"Field.type": "Type of the answer. sponsor is the exact e-mail address of an employee.", "Field.label": "The question.", "Field.hint": "One short line below the question.",
	"Field.required": "Whether there has to be an answer; a required checkbox has to be ticked. Default false.", "Field.missing": "The sentence when a required answer is missing.",
	"Field.autocomplete": "HTML autofill token. Names (name, given-name, family-name, organization, organization-title) are held to stricter rules, because they reach mails.",
	"Field.minLength":    "Characters, for text and longText.", "Field.maxLength": "Characters, for text (default 200, at most 500) and longText (default 2000, at most 10000).",
	"Field.min": "For number.", "Field.max": "For number.", "Field.wholeNumber": "For number.", "Field.minDate": "For date.", "Field.maxDate": "For date.",
	"Field.options": "For choice and choices.", "Field.when": "The field is shown only if this holds.", "Option.value": "What is kept.", "Option.label": "What people read.",
	"Option.hint": "Below the label.", "Condition.field": "Name of an earlier field.", "Condition.is": "The answer is this.", "Condition.isNot": "The answer is not this; true of no answer.",
	"Condition.in": "The answer is one of these.", "Condition.answered": "Whether there is an answer.", "Condition.all": "All of these hold.", "Condition.any": "At least one of these holds.",
	"Profile.name": "Full name.", "Profile.givenName": "Given names.", "Profile.surname": "Family name.", "Profile.organisation": "Company.", "Profile.jobTitle": "Job title.",
	"Profile.phone": "A field of type phone.", "Profile.country": "A field of type country.", "Profile.purpose": "Why the person asks; approvers read it first.",
	"TermsVersion.id": "Unique in the flow.", "TermsVersion.version": "Whoever agreed to another version is asked again.", "TermsVersion.date": "Day of this version.",
	"TermsVersion.title": "Such as Terms of use.", "TermsVersion.statement": "Beside the tick box.", "TermsVersion.text": "The terms themselves; this or url.",
	"TermsVersion.url": "Where the terms are; this or text.", "Approval.automatic": "Nobody has to decide. Default false.", "Approval.stages": "Decisions, one after the other.",
	"Stage.id": "Unique in the flow.", "Stage.team": "How applicants read of those who decide.", "Stage.approvers": "Who may decide.",
	"Stage.dueAfter": "When the decision is due.", "Stage.expireAfter": "When an undecided request ends by itself; never if left out.",
	"Approvers.namedIn": "A field of type sponsor: the member named there decides. people and groups decide when nobody of ours is named.",
	"Approvers.people":  "E-mail addresses of members.", "Approvers.groups": "Names of groups.", "Grants.apps": "Names of apps.", "Grants.groups": "Names of groups.",
	"Ends.afterDays": "Days of access; without end if left out.", "Ends.maxDays": "The most days that an approver may give. Default afterDays.",
}

// forms are what the schema says of single keys beyond their type.
var forms = map[string]map[string]any{
	"envelope.apiVersion": {"const": apiVersion}, "envelope.kind": {"const": kindFlow},
	"metadata.name":        {"pattern": slugForm.String(), "minLength": 2, "maxLength": 40},
	"Definition.languages": {"minItems": 1, "maxItems": maxLanguages, "uniqueItems": true}, "Definition.minutes": {"minimum": 1, "maximum": maxMinutes},
	"Definition.state": {"enum": []string{StateOpen, StateClosed}}, "Definition.pages": {"minItems": 1, "maxItems": maxPages},
	"Definition.opensAt": {"type": "string", "format": "date-time"}, "Definition.terms": {"maxItems": maxTerms},
	"Definition.identity": {"items": map[string]any{"enum": []string{IdentityEmail}}}, "Limits.maxRequestsPerDay": {"minimum": 1, "maximum": maxPerDay},
	"Page.id": {"pattern": idForm.String()}, "Page.fields": {"minItems": 1}, "Field.name": {"pattern": fieldForm.String()}, "Field.type": {"enum": Types},
	"Field.autocomplete": {"enum": tokens}, "Field.minLength": {"minimum": 1}, "Field.maxLength": {"minimum": 1, "maximum": capLongText},
	"Field.minDate": {"format": "date"}, "Field.maxDate": {"format": "date"}, "Field.options": {"maxItems": maxOptions}, "Option.value": {"pattern": optionForm.String()},
	"Condition.in": {"minItems": 1}, "Condition.all": {"minItems": 1}, "Condition.any": {"minItems": 1},
	"TermsVersion.id": {"pattern": idForm.String()}, "TermsVersion.version": {"type": []string{"string", "number"}}, "TermsVersion.date": {"format": "date"},
	"Stage.id": {"pattern": idForm.String()}, "Approval.stages": {"maxItems": maxStages},
	"Ends.afterDays": {"minimum": 1, "maximum": maxDays}, "Ends.maxDays": {"minimum": 1, "maximum": maxDays},
}

// schema builds the JSON Schema of the format out of the types that are read, so that the two cannot differ.
type schema struct {
	t    *testing.T
	defs map[string]any
	used map[string]bool
}

func (s *schema) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		key := keyOf(t.Field(i))
		if key == "" {
			continue
		}
		name := t.Name() + "." + key
		require.NotEmpty(s.t, about[name], "say in about what %s means", name)
		s.used[name] = true
		property := s.value(t.Field(i).Type)
		property["description"] = about[name]
		for k, v := range forms[name] {
			property[k] = v
		}
		properties[key] = property
		if !strings.HasSuffix(t.Field(i).Tag.Get("yaml"), ",omitempty") {
			required = append(required, key)
		}
	}
	out := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func (s *schema) value(t reflect.Type) map[string]any {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == textType:
		return map[string]any{"$ref": "#/$defs/text"}
	case t == durationType:
		return map[string]any{"type": "string", "pattern": durationForm.String()}
	case t == timeType:
		return map[string]any{}
	case t.Kind() == reflect.Struct:
		name := strings.ToLower(t.Name()[:1]) + t.Name()[1:]
		if s.defs[name] == nil {
			s.defs[name] = true // conditions hold conditions
			s.defs[name] = s.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": s.value(t.Elem())}
	case t.Kind() == reflect.Interface:
		return map[string]any{"type": []string{"string", "number", "boolean"}}
	}
	return map[string]any{"type": map[reflect.Kind]string{
		reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean", reflect.Float64: "number",
	}[t.Kind()]}
}

func TestSchema_IsWhatIsRead(t *testing.T) {
	t.Parallel()
	s := &schema{t: t, used: map[string]bool{}, defs: map[string]any{"text": map[string]any{
		"description": "A text per language; a bare string is the text of the first language.",
		"oneOf": []any{
			map[string]any{"type": "object", "minProperties": 1, "propertyNames": map[string]any{"pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"}, "additionalProperties": map[string]any{"type": "string", "minLength": 1}},
			map[string]any{"type": "string", "minLength": 1},
		},
	}}}
	root := s.object(reflect.TypeFor[envelope]())
	root["$schema"], root["title"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema", "A flow of Vestibule", s.defs
	for name := range about {
		require.True(t, s.used[name], "%s is explained and is no key", name)
	}
	for name := range forms {
		require.True(t, s.used[name], "%s has a form and is no key", name)
	}
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(root))
	if *update {
		require.NoError(t, os.WriteFile(schemaFile, want.Bytes(), 0o600))
	}
	got, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.Equal(t, want.String(), string(got), "run go test ./internal/flow -run TestSchema -update")
}

// The demo's flows say nothing that the schema does not know, and all that it requires.
func TestSchema_HoldsTheDemoFlows(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	var root map[string]any
	require.NoError(t, json.Unmarshal(raw, &root))
	for _, file := range append(demoFiles(t), File{"sound.yaml", []byte(sound)}) {
		var doc any
		require.NoError(t, yaml.Unmarshal(file.Data, &doc))
		require.Empty(t, violations(root, root, doc, file.Name))
	}
	require.NotEmpty(t, violations(root, root, map[string]any{"apiVersion": "x", "extra": 1}, ""))
}

// The example of the reference is a flow that may be published.
func TestReference_ItsExampleIsSound(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../docs/flows.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(raw), "```yaml\n")
	require.True(t, found)
	example, _, _ := strings.Cut(rest, "```")
	_, mistakes := Read(File{"docs/flows.md", []byte(example)})
	require.Empty(t, mistakes)
	for _, key := range keysOf(reflect.TypeFor[Definition]()) {
		require.Contains(t, string(raw), "`"+key+"`", "the reference explains every key")
	}
}

// violations checks the part of JSON Schema that says which keys and types there are.
func violations(root, schema map[string]any, v any, path string) (out []string) {
	if ref, ok := schema["$ref"].(string); ok {
		defs, _ := root["$defs"].(map[string]any)
		def, _ := defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		return violations(root, def, v, path)
	}
	switch v := v.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for key, value := range v {
			property, ok := properties[key].(map[string]any)
			if ok {
				out = append(out, violations(root, property, value, path+"."+key)...)
			} else if schema["oneOf"] == nil {
				out = append(out, path+"."+key+" is no key")
			}
		}
		required, _ := schema["required"].([]any)
		for _, key := range required {
			if name, _ := key.(string); v[name] == nil {
				out = append(out, path+"."+name+" is missing")
			}
		}
	case []any:
		items, _ := schema["items"].(map[string]any)
		for _, one := range v {
			out = append(out, violations(root, items, one, path+"[]")...)
		}
	case string:
		if list, ok := schema["enum"].([]any); ok && !slices.Contains(list, any(v)) {
			out = append(out, path+" is "+v)
		}
		if want, ok := schema["const"].(string); ok && v != want {
			out = append(out, path+" is "+v)
		}
	}
	return out
}
