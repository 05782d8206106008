package page

import "sync"

// maxChanged is how many targets are told of one by one; more are "all".
const maxChanged = 64

// feed tells readers of any pace which targets have changed. Its zero value has
// no readers. It may be used concurrently.
type feed struct {
	mu      sync.Mutex
	version int64 // how often something has changed
	readers map[*reader]struct{}
}

// reader is who is told.
type reader struct {
	wake    chan struct{} // full: something has changed
	changed map[string]struct{}
	all     bool // anything may have changed
}

// now returns the version of what a page shows that is made from now on.
func (f *feed) now() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.version
}

// tell has a target changed; "" is all of them.
func (f *feed) tell(target string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version++
	for r := range f.readers {
		r.note(target)
	}
}

// join returns a new reader, of one who has seen everything up to that version.
func (f *feed) join(since int64) *reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &reader{wake: make(chan struct{}, 1), changed: map[string]struct{}{}}
	if since != f.version {
		r.note("")
	}
	if f.readers == nil {
		f.readers = map[*reader]struct{}{}
	}
	f.readers[r] = struct{}{}
	return r
}

func (f *feed) leave(r *reader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.readers, r)
}

// take returns what has changed since the last take, and as of which version.
func (f *feed) take(r *reader) (targets []string, version int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.all {
		targets = []string{""}
	}
	for t := range r.changed {
		targets = append(targets, t)
	}
	r.all = false
	clear(r.changed)
	return targets, f.version
}

func (r *reader) note(target string) {
	if target == "" || len(r.changed) == maxChanged {
		r.all = true
		clear(r.changed)
	}
	if !r.all {
		r.changed[target] = struct{}{}
	}
	select {
	case r.wake <- struct{}{}:
	default: // it is told already
	}
}
