package story

import "sync"

// crowd is held by the stories of many at once, which come one after the other: a house works on 128 calls at a time with 20
// connections, and turns away whom that leaves no room for.
var crowd sync.Mutex

// Together runs f n times at the same moment and counts the results.
func Together[R comparable](n int, f func(i int) R) map[R]int {
	if n >= 20 {
		crowd.Lock()
		defer crowd.Unlock()
	}
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
