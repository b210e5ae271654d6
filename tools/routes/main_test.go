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

const doorsText = `
- { method: GET, path: "/l/{token}", who: public, why: "A mailed link." }
- { method: GET, path: "*", who: public, why: "The pages." }
`

func TestReadsWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	routes, err := read([]byte(contract))
	if err != nil {
		t.Fatal(err)
	}
	others, err := readDoors([]byte(doorsText))
	if err != nil {
		t.Fatal(err)
	}
	source, err := goSource(routes, others)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"GET /api/v1/guests/:id": {Who: identity.WhoDirectory, Scope: "guests:read"}`,
		`{Who: identity.WhoSignedIn}`,
		`"GET /l/:token": {Who: identity.WhoPublic}`,
	} {
		if !strings.Contains(string(source), want) {
			t.Errorf("the Go source lacks %s:\n%s", want, source)
		}
	}
	if strings.Contains(string(source), "*") {
		t.Errorf("the pages are no route of the router:\n%s", source)
	}
	for _, want := range []string{
		"| GET | `/api/v1/me` | signedin | – | Who I am |", "| GET | `/l/{token}` | public | A mailed link. |", "| GET | `*` | public | The pages. |",
	} {
		if !strings.Contains(string(markdown(routes, others)), want) {
			t.Errorf("the tables lack %s", want)
		}
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

func TestFailsOnDoorsThatDoNotSayWhoAndWhy(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nobody said who":          `[{ method: GET, path: /a, why: A }]`,
		"nobody said why":          `[{ method: GET, path: /a, who: public }]`,
		"a word that nobody knows": `[{ method: GET, path: /a, who: everybody, why: A }]`,
		"a method that is none":    `[{ method: LOOK, path: /a, who: public, why: A }]`,
		"a key that nobody reads":  `[{ method: GET, path: /a, who: public, why: A, scope: x }]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := readDoors([]byte(text)); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}
