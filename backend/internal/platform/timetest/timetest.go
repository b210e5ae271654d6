// Package timetest tells, in tests, whether acts can be told apart by how long they take (security.md T24). It holds on
// a machine that is busy with other things: the acts take turns in random order, so that whatever slows the machine
// slows all of them alike, and it goes on measuring until a difference of Visible could not have hidden.
package timetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"time"
)

const (
	// Margin is the difference that is let pass: over a network nobody sees less.
	Margin = 2 * time.Millisecond
	// Visible is the difference that must be seen for a verdict.
	Visible = 5 * time.Millisecond
	// chance is how likely equal acts are called different: the Kolmogorov–Smirnov distance of two samples of n goes
	// beyond √(−ln(chance)/n) that often.
	chance = 1e-6

	firstLook, nextLook, lastLook = 100, 50, 1500 // rounds
)

// Act is something to measure. Ready is called before each time and not measured; it may be nil.
type Act struct {
	Name  string
	Ready func()
	Do    func()
}

// Alike measures the acts and returns nil if none takes longer than another by more than Margin, as the one-sided
// two-sample Kolmogorov–Smirnov test sees it. The first act is what the others are compared with.
func Alike(acts ...Act) error {
	took := make([][]time.Duration, len(acts))
	order := make([]int, len(acts))
	for i := range order {
		order[i] = i
	}
	for round := 1; round <= lastLook; round++ {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			if acts[i].Ready != nil {
				acts[i].Ready()
			}
			began := time.Now()
			acts[i].Do()
			took[i] = append(took[i], time.Since(began))
		}
		if round < firstLook || (round-firstLook)%nextLook != 0 {
			continue
		}
		if err, known := verdict(acts, took); known {
			return err
		}
	}
	return fmt.Errorf("after %d rounds the machine is too restless to see %s: %s", lastLook, Visible, medians(acts, took))
}

// verdict compares; known is false while a difference of Visible could still hide in the noise.
func verdict(acts []Act, took [][]time.Duration) (err error, known bool) {
	sorted := make([][]time.Duration, len(took))
	for i := range took {
		sorted[i] = slices.Sorted(slices.Values(took[i]))
	}
	base := sorted[0]
	bound := math.Sqrt(-math.Log(chance) / float64(len(base)))
	for i := range sorted {
		if d := slower(sorted[i], base); d > bound {
			return fmt.Errorf("%q takes longer than %q: distance %.2f, bound %.2f; %s", acts[i].Name, acts[0].Name, d, bound, medians(acts, took)), true
		}
		if d := slower(base, sorted[i]); d > bound {
			return fmt.Errorf("%q takes longer than %q: distance %.2f, bound %.2f; %s", acts[0].Name, acts[i].Name, d, bound, medians(acts, took)), true
		}
	}
	for i := range sorted {
		if slower(shifted(sorted[i], Visible), sorted[i]) <= bound {
			return nil, false
		}
	}
	return nil, true
}

// slower is how far, at most over all times x, the share of b that took at most x−Margin lies above the share of a that
// took at most x: 0 if a is not slower than b by more than Margin. Both are sorted.
func slower(a, b []time.Duration) (distance float64) {
	for i, x := range b {
		shareOfB := float64(i+1) / float64(len(b))
		within := sort.Search(len(a), func(j int) bool { return a[j] > x+Margin })
		distance = max(distance, shareOfB-float64(within)/float64(len(a)))
	}
	return distance
}

func shifted(a []time.Duration, by time.Duration) []time.Duration {
	out := make([]time.Duration, len(a))
	for i, d := range a {
		out[i] = d + by
	}
	return out
}

func medians(acts []Act, took [][]time.Duration) (out string) {
	for i, act := range acts {
		sorted := slices.Sorted(slices.Values(took[i]))
		out += fmt.Sprintf("%s %s, ", act.Name, sorted[len(sorted)/2].Round(10*time.Microsecond))
	}
	return fmt.Sprintf("medians of %d: %s", len(took[0]), out)
}
