package webhook

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Deliveries are remembered for memory, and no more than memorySize of them.
const (
	memory     = time.Hour
	memorySize = 10_000
)

// deliveries are those taken lately. A hook that passes one event on to another
// may use an id again, and hence the body is a part of what they are known by.
type deliveries struct {
	mu    sync.Mutex
	taken map[delivery]time.Time
	order []delivery // the oldest first
}

type delivery [sha256.Size]byte

func newDelivery(id string, body []byte) delivery {
	return delivery(sum([]byte(id), body))
}

// take remembers a delivery and reports whether it is a new one.
func (d *deliveries) take(one delivery, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, known := d.taken[one]; known && now.Sub(at) < memory {
		return false
	}
	if d.taken == nil {
		d.taken = map[delivery]time.Time{}
	}
	for len(d.order) > 0 && (len(d.order) >= memorySize || now.Sub(d.taken[d.order[0]]) >= memory) {
		delete(d.taken, d.order[0])
		d.order = d.order[1:]
	}
	d.taken[one], d.order = now, append(d.order, one)
	return true
}
