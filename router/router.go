package router

import (
	crand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/gaissmai/bart"

	"barewire/internal/clock"
	"barewire/nic"
)

// LoopbackLink is the index of the link `lo`, which is always there and up.
const LoopbackLink = 1

// Ours. Linux has 1024 neighbours (gc_thresh3), which peers ran into, and
// leaves what a socket may hold back to the socket.
const (
	defaultNeighbours  = 16384
	defaultOutputBytes = 1 << 20
	defaultBuffers     = 1024
	defaultSlotBytes   = 2048
)

// Host is what the router delivers its own packets to.
type Host interface {
	// Receive gets an IPv4 packet that is for an address of ours or for all,
	// and the link it came in by (the loopback link for packets of the host
	// itself). It is called by the worker: it must not block, and must copy
	// what it keeps. It may call Router.Output. Packet context.
	Receive(link int, packet []byte)
}

// Options of a router. The zero value of a field means Linux's default, or what
// is said.
type Options struct {
	Clock  clock.Clock // nil: the machine's
	Random rand.Source // nil: seeded by the system. The router's own after New
	Pool   *nic.Pool   // the worker's buffers; nil: 1024 in memory that no device can reach

	NeighbourLimit   int  // neighbours in the table, at most; 0: 16384
	OutputQueueBytes int  // what Output holds for the worker, at most; 0: 1 MiB
	ForwardLinkLocal bool // forward 169.254.0.0/16, as Linux does
}

// Router is one namespace's data plane. Make it with New. Its methods may be
// called from any goroutine, Run from one at a time.
type Router struct {
	clock            clock.Clock
	pool             *nic.Pool
	forwardLinkLocal bool

	mu  sync.Mutex // protects rib, link.started and the publishing of tables
	rib rib

	tables   atomic.Pointer[tables]
	notified atomic.Uint64 // the generation that OnChange was last called for

	drops    [numReasons]atomic.Uint64 // added to by the worker, once a batch
	output   outputQueue
	worker   *Worker
	wakeups  chan struct{} // holds one: nothing is lost while the worker is awake
	host     atomic.Pointer[Host]
	onChange atomic.Pointer[func()]
	onFirst  atomic.Pointer[func()]
}

// New makes a router with the loopback link, 127.0.0.1/8 on it, and no ports.
func New(o Options) *Router {
	r := &Router{clock: o.Clock, pool: o.Pool, forwardLinkLocal: o.ForwardLinkLocal, rib: rib{}, wakeups: make(chan struct{}, 1)}
	if r.clock == nil {
		r.clock = clock.Real()
	}
	if r.pool == nil {
		pool, err := nic.NewPool(make([]byte, defaultBuffers*defaultSlotBytes), 0, defaultSlotBytes)
		if err != nil {
			panic(err) // constants that do not fit each other
		}
		r.pool = pool
	}
	if o.Random == nil {
		o.Random = rand.NewPCG(systemRandom(), systemRandom())
	}
	if o.NeighbourLimit <= 0 {
		o.NeighbourLimit = defaultNeighbours
	}
	if o.OutputQueueBytes <= 0 {
		o.OutputQueueBytes = defaultOutputBytes
	}
	r.output.limit = o.OutputQueueBytes

	lo := &link{index: LoopbackLink, maxMTU: loopbackMTUBytes}
	r.tables.Store(&tables{
		links: []linkState{{}, {link: lo, name: "lo", up: true, mtu: loopbackMTUBytes}},
		fib:   &fib{new(bart.Table[nextHop])},
	})
	r.worker = newWorker(r, o)
	if err := r.AddAddress(LoopbackLink, netip.MustParsePrefix("127.0.0.1/8")); err != nil {
		panic(err) // the first address of an empty router
	}
	return r
}

func systemRandom() uint64 {
	var b [8]byte
	crand.Read(b[:]) // never fails: it ends the program when there is no randomness
	return binary.NativeEndian.Uint64(b[:])
}

// AttachHost sets what receives the packets for the router itself. Without a
// host they are dropped.
func (r *Router) AttachHost(h Host) { r.host.Store(&h) }

// OnFirstForward has f called once by the worker when the first packet was
// forwarded. f must not block.
func (r *Router) OnFirstForward(f func()) { r.onFirst.Store(&f) }

// OnChange has f called after each change of links, addresses, routes or
// carrier, by whoever made it, the worker in the case of a carrier. Changes
// close to each other may share a call. f must not block or change the router.
func (r *Router) OnChange(f func()) { r.onChange.Store(&f) }

// publish makes changed tables the current ones. r.mu is held; the change sees
// a copy of the struct and replaces the slices that it changes.
func (r *Router) publish(change func(*tables)) {
	t := *r.tables.Load()
	t.generation++
	change(&t)
	r.tables.Store(&t)
}

// changed tells the worker and OnChange of what publish did. r.mu is not held.
func (r *Router) changed() {
	generation := r.tables.Load().generation
	if r.notified.Swap(generation) >= generation {
		return
	}
	r.wake()
	if f := r.onChange.Load(); f != nil {
		(*f)()
	}
}

// wake makes the worker look around once more. It never blocks.
func (r *Router) wake() {
	select {
	case r.wakeups <- struct{}{}:
	default: // it will look anyway
	}
}

// DropCount is how often packets were lost for one reason.
type DropCount struct {
	Name      string // one word
	Sentence  string // what happened
	Authority string // the RFC or Linux's name for it
	Count     uint64
}

// Drops lists every reason with its count, in the order of the packet's way.
func (r *Router) Drops() []DropCount {
	list := make([]DropCount, 0, numReasons-firstReason)
	for v := firstReason; v < numReasons; v++ {
		reason := &reasons[v]
		list = append(list, DropCount{reason.name, reason.sentence, reason.authority, r.drops[v].Load()})
	}
	return list
}
