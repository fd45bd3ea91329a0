package router

import (
	"sync"
	"time"

	"barewire/nic"
	"barewire/packet"
)

// From RFC 4861 10, which Linux applies to ARP as well.
const (
	reachableTime    = 30 * time.Second // halved or made half as long again, at random
	delayFirstProbe  = 5 * time.Second
	retransmitTime   = time.Second
	multicastProbes  = 3
	unicastProbes    = 3
	minReachableTime = reachableTime / 2
)

// Linux's.
const (
	lockTime     = time.Second      // an address that was just learned stays (locktime)
	idleTime     = 60 * time.Second // then an unused entry may go (gc_stale_time)
	keptIdle     = 128              // below this many none goes for being idle (gc_thresh1)
	waitingBytes = 212992           // of memory for packets per neighbour (unres_qlen_bytes)
)

// Ours.
const (
	unresolvedShare = 4  // of the limit, one part is for neighbours that have not answered
	waitingShare    = 4  // of the pool, one part may wait for neighbours
	chunkSize       = 64 // entries are allocated in chunks of so many
	evictionTries   = 16 // stale entries that are looked at for one that may go
	noTimer         = -1
)

// neighbourTable is the neighbours of all links.
//
// Two limits keep a scan from pushing out who answered (RFC 6583): neighbours
// that have not answered have a share of their own, and in it, or when too many
// packets wait, the oldest goes first. One that answers leaves that share; when
// the table is full then, the one that is stale for longest goes. Permanent
// entries, gateways and what is in use stay.
//
// The worker reads without the lock: nobody else writes.
type neighbourTable struct {
	mu sync.Mutex // held by the worker to change, by others to read

	buckets  []*neighbour
	seed     uint32
	shift    uint8
	resolved int // entries that are not in unresolved

	unresolved neighbourList // INCOMPLETE and FAILED, by age
	stale      neighbourList // STALE, by the time of becoming so
	timers     timerHeap
	free       *neighbour // through inBucket

	maxResolved, maxUnresolved int
	waiting, maxWaiting        int // packets, of all neighbours
	maxWaitingEach             int
}

// init sets limits; the table is not bigger than what was in it at once.
func (t *neighbourTable) init(limit, poolBuffers, slotBytes int, seed uint32) {
	t.maxUnresolved = max(limit/unresolvedShare, 1)
	t.maxResolved = max(limit-t.maxUnresolved, 1)
	t.maxWaiting = max(poolBuffers/waitingShare, 1)
	t.maxWaitingEach = max(waitingBytes/slotBytes, 1)
	t.seed = seed
	bits := uint8(4)
	for 1<<bits < limit && bits < 20 {
		bits++
	}
	t.shift = 32 - bits
	t.buckets = make([]*neighbour, 1<<bits)
}

// bucket is where an entry is. The seed keeps senders from choosing addresses
// that fall into one bucket.
func (t *neighbourTable) bucket(link uint16, a packet.Addr4) **neighbour {
	h := uint64(uint32(a)^t.seed)*0x9e3779b97f4a7c15 ^ uint64(link)*0xc2b2ae3d27d4eb4f
	return &t.buckets[uint32(h>>32)>>t.shift]
}

// lookup finds an entry, or returns nil. Packet context.
func (t *neighbourTable) lookup(link uint16, a packet.Addr4) *neighbour {
	for n := *t.bucket(link, a); n != nil; n = n.inBucket {
		if n.address == a && n.link == link {
			return n
		}
	}
	return nil
}

// insert makes an entry of state NONE. The lock is held.
func (t *neighbourTable) insert(link uint16, a packet.Addr4) *neighbour {
	if t.free == nil {
		chunk := make([]neighbour, chunkSize)
		for i := range chunk {
			chunk[i].inBucket, t.free = t.free, &chunk[i]
		}
	}
	n := t.free
	t.free = n.inBucket
	head := t.bucket(link, a)
	*n = neighbour{address: a, link: link, inBucket: *head, timer: noTimer}
	*head = n
	t.resolved++
	return n
}

// remove takes an entry out. Nothing waits in it. The lock is held.
func (t *neighbourTable) remove(n *neighbour) {
	t.moveTo(n, nil)
	t.timers.stop(n)
	at := t.bucket(n.link, n.address)
	for *at != n {
		at = &(*at).inBucket
	}
	*at = n.inBucket
	n.inBucket, t.free = t.free, n
	t.resolved--
}

// moveTo puts an entry at the young end of a list, out of the one it is in.
func (t *neighbourTable) moveTo(n *neighbour, to *neighbourList) {
	if n.list == &t.unresolved {
		t.resolved++
	}
	if n.list != nil {
		n.list.remove(n)
	}
	if to != nil {
		to.push(n)
	}
	if to == &t.unresolved {
		t.resolved--
	}
}

// setState changes an entry's state, its list and its deadline; 0 means none.
// The lock is held.
func (t *neighbourTable) setState(n *neighbour, s NeighbourState, deadline time.Duration) {
	n.state = s
	switch s {
	case NeighbourIncomplete, NeighbourFailed:
		if n.list != &t.unresolved {
			t.moveTo(n, &t.unresolved)
		}
	case NeighbourStale:
		t.moveTo(n, &t.stale)
	default:
		t.moveTo(n, nil)
	}
	if deadline == 0 {
		t.timers.stop(n)
	} else {
		t.timers.set(n, deadline)
	}
}

// idle is the oldest stale entry that is not a gateway, or nil. Gateways that
// are met become the youngest.
func (t *neighbourTable) idle() *neighbour {
	for range min(t.stale.n, evictionTries) {
		n := t.stale.oldest
		if !n.gateway {
			return n
		}
		t.moveTo(n, &t.stale)
	}
	return nil
}

// next is the earliest deadline.
func (t *neighbourTable) next() (at time.Duration, ok bool) {
	if len(t.timers) == 0 {
		return 0, false
	}
	return t.timers[0].deadline, true
}

// snapshot copies the table. Any goroutine may call it.
func (t *neighbourTable) snapshot() []Neighbour {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Neighbour, 0, t.resolved+t.unresolved.n)
	for _, n := range t.buckets {
		for ; n != nil; n = n.inBucket {
			e := Neighbour{Address: n.address.Netip(), Link: int(n.link), State: n.state}
			if n.state.valid() {
				e.MAC = n.mac()
			}
			list = append(list, e)
		}
	}
	return list
}

// neighbourList is entries by age, linked through themselves.
type neighbourList struct {
	oldest, newest *neighbour
	n              int
}

func (l *neighbourList) push(n *neighbour) {
	n.list, n.older, n.newer = l, l.newest, nil
	if l.newest == nil {
		l.oldest = n
	} else {
		l.newest.newer = n
	}
	l.newest = n
	l.n++
}

func (l *neighbourList) remove(n *neighbour) {
	if n.older == nil {
		l.oldest = n.newer
	} else {
		n.older.newer = n.newer
	}
	if n.newer == nil {
		l.newest = n.older
	} else {
		n.newer.older = n.older
	}
	n.list, n.older, n.newer = nil, nil, nil
	l.n--
}

// timerHeap is a binary heap of entries by deadline; an entry knows its place.
type timerHeap []*neighbour

// set makes n due at the deadline, whether or not it was due before.
func (h *timerHeap) set(n *neighbour, deadline time.Duration) {
	if n.timer == noTimer {
		n.timer = int32(len(*h))
		*h = append(*h, n)
	}
	n.deadline = deadline
	h.up(int(n.timer))
	h.down(int(n.timer))
}

// stop takes n out.
func (h *timerHeap) stop(n *neighbour) {
	i := int(n.timer)
	if i == noTimer {
		return
	}
	last := len(*h) - 1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	n.timer = noTimer
	if i < last {
		h.up(i)
		h.down(i)
	}
}

func (h timerHeap) up(i int) {
	for i > 0 && h[i].deadline < h[(i-1)/2].deadline {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (h timerHeap) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h[c].deadline < h[least].deadline {
				least = c
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

func (h timerHeap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].timer, h[j].timer = int32(i), int32(j)
}

// hold lets a packet wait for a neighbour.
func (t *neighbourTable) hold(n *neighbour, b *nic.Buffer) {
	n.waiting.Push(b)
	t.waiting++
}

// release takes the oldest waiting packet of a neighbour, or nil.
func (t *neighbourTable) release(n *neighbour) *nic.Buffer {
	b := n.waiting.Pop()
	if b != nil {
		t.waiting--
	}
	return b
}
