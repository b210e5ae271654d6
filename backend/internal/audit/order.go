package audit

import (
	"strings"
	"sync"

	"github.com/vestibule-id/vestibule/backend/internal/platform/ids"
)

// idPrefix begins every event's id.
const idPrefix = "evt"

// inOrder makes ids that grow even within one millisecond, so that the events of one act are read in the order in which
// they happened. Other replicas' ids of the same millisecond may lie between.
type inOrder struct {
	source ids.Source
	mu     sync.Mutex
	last   string
}

func (o *inOrder) next() string {
	id := o.source.New(idPrefix)
	o.mu.Lock()
	defer o.mu.Unlock()
	if id <= o.last {
		id = successor(o.last)
	}
	o.last = id
	return id
}

// digits of an id in the order of their value (Crockford's base32).
const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// successor is the next id after id: the last digit grows by one, with carry.
func successor(id string) string {
	b := []byte(id)
	for i := len(b) - 1; i >= 0; i-- {
		value := strings.IndexByte(digits, b[i])
		if value < 0 {
			break
		}
		if value < len(digits)-1 {
			b[i] = digits[value+1]
			break
		}
		b[i] = digits[0]
	}
	return string(b)
}
