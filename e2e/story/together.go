package story

import "sync"

// Together runs f n times at the same moment and counts the results.
func Together[R comparable](n int, f func(i int) R) map[R]int {
	var wait sync.WaitGroup
	var mu sync.Mutex
	gate := make(chan struct{})
	counted := map[R]int{}
	for i := range n {
		wait.Go(func() {
			<-gate
			r := f(i)
			mu.Lock()
			counted[r]++
			mu.Unlock()
		})
	}
	close(gate)
	wait.Wait()
	return counted
}

// crowd is held by one crowd at a time, whichever house it comes to.
var crowd sync.Mutex

// Crowd runs f n times, as many at the same moment as the house has room for beside other stories: twelve for each replica.
// They wait for each other in the database, of which a replica has twenty connections, and who gets none in time is told
// that it cannot be reached.
func Crowd[R comparable](tn *Town, n int, f func(i int) R) map[R]int {
	crowd.Lock()
	defer crowd.Unlock()
	width, counted := min(n, 12*len(tn.Replicas)), map[R]int{}
	results := make([]R, n)
	Together(width, func(lane int) int {
		for i := lane; i < n; i += width {
			results[i] = f(i)
		}
		return lane
	})
	for _, r := range results {
		counted[r]++
	}
	return counted
}
