package clock

import (
	"container/heap"
	"sync"
	"time"
)

// Simulated is a clock that stands still until Advance moves it. Calls that
// fall due are made by Advance, on its goroutine, in the order of their times
// and then of their making, so that a run is the same every time.
type Simulated struct {
	mu      sync.Mutex // protects the fields below; not held during a call
	now     time.Duration
	epoch   time.Time
	pending timerHeap
	serial  uint64
}

// NewSimulated makes a clock that shows 0, at the given civil time.
func NewSimulated(wall time.Time) *Simulated { return &Simulated{epoch: wall} }

// Now is how far the clock was advanced.
func (s *Simulated) Now() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Wall is the civil time that the clock started with, plus Now.
func (s *Simulated) Wall() time.Time { return s.epoch.Add(s.Now()) }

// AfterFunc calls f when the clock was advanced by d.
func (s *Simulated) AfterFunc(d time.Duration, f func()) Timer {
	t := &simTimer{clock: s, f: f, index: -1}
	t.Reset(d)
	return t
}

// Advance moves the clock by d and makes the calls that fall due on the way.
// The clock shows the due time of each call while it runs; calls may start and
// stop timers, but not advance the clock.
func (s *Simulated) Advance(d time.Duration) {
	s.mu.Lock()
	until := s.now + d
	for len(s.pending) > 0 && s.pending[0].due <= until {
		t := heap.Pop(&s.pending).(*simTimer)
		s.now = max(s.now, t.due)
		s.mu.Unlock()
		t.f()
		s.mu.Lock()
	}
	s.now = until
	s.mu.Unlock()
}

// Next is when the earliest pending call is due, and false without one.
func (s *Simulated) Next() (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return 0, false
	}
	return s.pending[0].due, true
}

// simTimer is in its clock's heap while it is pending.
type simTimer struct {
	clock  *Simulated
	f      func()
	due    time.Duration
	serial uint64
	index  int // in the heap; -1 when not pending
}

func (t *simTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.remove()
}

func (t *simTimer) Reset(d time.Duration) bool {
	s := t.clock
	s.mu.Lock()
	defer s.mu.Unlock()
	was := t.remove()
	s.serial++
	t.due, t.serial = s.now+max(d, 0), s.serial
	heap.Push(&s.pending, t)
	return was
}

func (t *simTimer) remove() bool {
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.clock.pending, t.index)
	return true
}

// timerHeap implements heap.Interface; the earliest call is first.
type timerHeap []*simTimer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].due != h[j].due {
		return h[i].due < h[j].due
	}
	return h[i].serial < h[j].serial
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*simTimer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	n := len(*h) - 1
	t := (*h)[n]
	(*h)[n] = nil
	*h = (*h)[:n]
	t.index = -1
	return t
}
