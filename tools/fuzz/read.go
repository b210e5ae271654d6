package main

import (
	"regexp"
	"strconv"
)

// result is what a target's run has said.
type result struct {
	ran, failed             bool
	executions, interesting int
	crashes                 []string // files that hold an input which breaks it
	said                    string
}

var (
	progress = regexp.MustCompile(`execs: (\d+) \([^)]*\), new interesting: (\d+)`)
	crash    = regexp.MustCompile(`(?:Failing input written to|failure while testing seed corpus entry:) (\S+)`)
)

// read finds the figures in the output of a test that fuzzes; the last line of progress counts.
func read(said string) result {
	r := result{said: said}
	if all := progress.FindAllStringSubmatch(said, -1); len(all) > 0 {
		last := all[len(all)-1]
		r.executions, _ = strconv.Atoi(last[1])
		r.interesting, _ = strconv.Atoi(last[2])
	}
	for _, found := range crash.FindAllStringSubmatch(said, -1) {
		r.crashes = append(r.crashes, found[1])
	}
	return r
}
