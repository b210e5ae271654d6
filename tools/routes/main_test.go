package main

import (
	"strings"
	"testing"
)

const contract = `
paths:
  /api/v1/guests/{id}:
    parameters: [{ name: id }]
    get: { x-who: directory, x-scope: "guests:read", summary: One guest }
  /api/v1/me:
    get: { x-who: signedin, summary: Who I am }
`

func TestReadsWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	routes, err := read([]byte(contract))
	if err != nil {
		t.Fatal(err)
	}
	source, err := goSource(routes)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"GET /api/v1/guests/:id": {Who: identity.WhoDirectory, Scope: "guests:read"}`,
		`{Who: identity.WhoSignedIn}`,
	} {
		if !strings.Contains(string(source), want) {
			t.Errorf("the Go source lacks %s:\n%s", want, source)
		}
	}
	if want := "| GET | `/api/v1/me` | signedin | – | Who I am |"; !strings.Contains(string(markdown(routes)), want) {
		t.Errorf("the table lacks %s", want)
	}
}

func TestFailsOnRoutesThatDoNotSayWho(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nobody said who":                           "paths: { /a: { get: { summary: A } } }",
		"a word that nobody knows":                  "paths: { /a: { get: { x-who: everybody } } }",
		"a scope where no key can come in":          "paths: { /a: { get: { x-who: public, x-scope: 'a:read' } } }",
		"an empty contract would open nothing":      "paths: {}",
		"a verb beside a good one is looked at too": "paths: { /a: { get: { x-who: public }, delete: {} } }",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := read([]byte(text)); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}
