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
