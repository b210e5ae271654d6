package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var fuzzFunction = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// TestTargets_areAllThatThereAre reads every test of the backend: a fuzz function that nobody runs finds nothing.
func TestTargets_areAllThatThereAre(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "backend", "internal")
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		room, _ := filepath.Rel(root, filepath.Dir(path))
		for _, m := range fuzzFunction.FindAllSubmatch(text, -1) {
			found = append(found, filepath.ToSlash(room)+"."+string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, one := range targets {
		listed = append(listed, one.room+"."+one.name)
	}
	for _, name := range found {
		if !slices.Contains(listed, name) {
			t.Errorf("%s is run by nobody: add it to targets in tools/fuzz/main.go", name)
		}
	}
	for _, name := range listed {
		if !slices.Contains(found, name) {
			t.Errorf("%s is in the list and not in the backend", name)
		}
	}
}

// TestTargets_haveSeeds: what a fuzzer begins with is in the repository.
func TestTargets_haveSeeds(t *testing.T) {
	t.Parallel()
	for _, one := range targets {
		seeds, err := filepath.Glob(filepath.Join("..", "..", "backend", "internal", one.room, "testdata", "fuzz", one.name, "*"))
		if err != nil || len(seeds) == 0 {
			t.Errorf("%s.%s has no seeds in testdata/fuzz: %v", one.room, one.name, err)
		}
	}
}

func TestRead_takesTheLastFiguresAndEveryCrash(t *testing.T) {
	t.Parallel()
	r := read("fuzz: elapsed: 3s, execs: 18 (6/sec), new interesting: 2 (total: 7)\nfuzz: elapsed: 6s, execs: 60 (14/sec), new interesting: 9 (total: 14)\n" +
		"--- FAIL: FuzzX (0.02s)\n    Failing input written to testdata/fuzz/FuzzX/0a1b\n")
	if r.executions != 60 || r.interesting != 9 || !slices.Equal(r.crashes, []string{"testdata/fuzz/FuzzX/0a1b"}) {
		t.Errorf("read %+v", r)
	}
	if r := read("no figures"); r.executions != 0 || len(r.crashes) != 0 {
		t.Errorf("read %+v", r)
	}
}
