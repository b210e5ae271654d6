package app

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const internal = "github.com/vestibule-id/vestibule/backend/internal/"

// floors is the house from below: a room imports what lies under it (docs/architecture.md, Floors).
var floors = map[string]int{
	"platform": 0,
	"audit":    1, "notification": 1, "operation": 2,
	"directory": 2,
	"identity":  3, "flow": 3, "approval": 3,
	"signup": 4, "catalog": 4,
	"app": 6,
}

// neighbours are the doors between rooms of one floor, each with the story that needs it.
var neighbours = map[string]string{
	"approval → flow":     "an approver reads what was asked, and the flow's stages say who decides",
	"approval → identity": "an approver's calls come from a session or a key",
}

func TestRooms_importDownOnly(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		from, ok := room(p.ImportPath)
		if !ok {
			continue
		}
		for _, imported := range p.Imports {
			to, ok := room(imported)
			if !ok || from == to {
				continue
			}
			if floors[from] > floors[to] {
				continue
			}
			if why := neighbours[from+" → "+to]; floors[from] == floors[to] && why != "" {
				continue
			}
			t.Errorf("%s (floor %d) imports %s (floor %d). A room knows only the floors below it: register the call in app instead, "+
				"as approvals.OnDecided does, or, for rooms of one floor, write the story that needs the door into `neighbours`.",
				from, floors[from], to, floors[to])
		}
	}
}

func TestRooms_haveAFloorAndADoc(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		from, ok := room(p.ImportPath)
		if !ok {
			continue
		}
		if _, known := floors[from]; !known {
			t.Errorf("the room %s has no floor: write it into `floors`, and into the map of the house", from)
		}
		if p.Doc == "" {
			t.Errorf("%s says nowhere what it is for: add a doc.go with purpose, states, routes and neighbours", p.ImportPath)
		}
	}
}

func room(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, internal)
	if !ok {
		return "", false
	}
	name, _, _ := strings.Cut(rest, "/")
	return name, true
}

type listed struct {
	ImportPath, Doc string
	Imports         []string
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Doc,Imports", internal+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var p listed
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if !slices.ContainsFunc(all, func(p listed) bool { return strings.HasSuffix(p.ImportPath, "/signup") }) {
		t.Fatal("go list did not find the rooms")
	}
	return all
}
