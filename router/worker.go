package router

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"barewire/nic"
)

const (
	// batchSize is how many frames are taken from a queue at a time: enough to
	// spread the cost of a doorbell and of a clock read, few enough to stay in
	// the first-level cache.
	batchSize = 64

	// idlePolls is how often the queues are asked in vain before the worker
	// sleeps: an interrupt costs more than a look, and an answer often comes
	// within the time of a few.
	idlePolls = 8

	// yieldRounds is how many rounds the worker makes before it lets other
	// goroutines run, when it does not sleep anyway: a trip through the
	// scheduler costs as much as a few packets.
	yieldRounds = 16

	// starvedPoll is when to look again while no buffer is free: the ones that
	// are being sent come back without an interrupt.
	starvedPoll = time.Millisecond
)

var errRunning = errors.New("router: the worker is running already")

// Worker carries packets. Everything in it belongs to the goroutine in
// Router.Run, except where said. There is one for now; nothing here is shared
// with another, so that there can be one for each CPU and queue.
type Worker struct {
	r      *Router
	pool   *nic.Pool
	random *rand.Rand

	// Read anew between batches.
	t    *tables
	now  time.Duration
	host Host // nil: none is attached

	ports      []*workerPort // by link index; nil for the loopback link
	neighbours neighbourTable
	limiter    errorLimiter
	fragmentID uint16 // of the next packet of our own
	batch      [batchSize]*nic.Buffer
	sending    outputBatch // what the host sent, while it is being worked off
	woken      bool        // carriers are to be looked at

	// Counted since the last report.
	drops    [numReasons]uint64
	anyDrops bool

	firstForward bool // a packet was forwarded, ever
	told         bool // and OnFirstForward knows

	running atomic.Bool // Run was called and has not returned; any goroutine
}

// workerPort is what the worker knows of a link with a port.
type workerPort struct {
	link   *link
	mac    nic.MAC
	state  *linkState // in Worker.t
	queues []nic.Queue
	polled bool // the port was started

	tx       [batchSize]*nic.Buffer // to be transmitted with the next doorbell
	ntx      int
	counters struct { // since the last report
		rxPackets, rxBytes, rxDropped, rxMulticast uint64
		txPackets, txBytes, txDropped              uint64
	}
}

func newWorker(r *Router, o Options) *Worker {
	w := &Worker{r: r, pool: r.pool, random: rand.New(o.Random), t: r.tables.Load()}
	w.fragmentID = uint16(w.random.Uint32())
	w.limiter.seed = w.random.Uint32()
	w.neighbours.init(o.NeighbourLimit, w.pool.Size(), w.pool.SlotBytes(), w.random.Uint32())
	return w
}

// Run carries packets until ctx is done; then it returns nil, and the queues
// and the pool may be used by the caller. It returns an error when the router
// is being run already. While there is work it polls the queues, letting other
// goroutines run in between; without work it sleeps.
func (r *Router) Run(ctx context.Context) error {
	w := r.worker
	if !w.running.CompareAndSwap(false, true) {
		return errRunning
	}
	defer w.running.Store(false)
	var stopped atomic.Bool
	defer context.AfterFunc(ctx, func() {
		stopped.Store(true)
		r.wake()
	})()
	w.run(&stopped)
	w.stop()
	return nil
}

func (w *Worker) run(stopped *atomic.Bool) {
	timer := w.r.clock.AfterFunc(time.Hour, w.r.wake)
	defer timer.Stop()
	idle := 0
	for round := 1; !stopped.Load(); round++ {
		if w.poll() {
			idle = 0
		} else if idle++; idle >= idlePolls {
			idle = 0
			w.sleep(timer)
		}
		if round%yieldRounds == 0 {
			runtime.Gosched()
		}
	}
}

// sleep waits for a frame, a packet from the host, a deadline or a change. All
// queues are armed first and then everything is looked at once more: what came
// before Arm is seen now, what comes after it calls wake, and a wake call that
// comes before the wait is kept in the channel.
func (w *Worker) sleep(timer interface{ Reset(time.Duration) bool }) {
	if !w.arm() {
		return
	}
	defer w.disarm(len(w.ports))
	if w.r.output.pending() || w.r.tables.Load() != w.t {
		return
	}
	wait, ok := w.deadline()
	if ok {
		if wait -= w.r.clock.Now(); wait <= 0 {
			return
		}
		timer.Reset(wait)
	}
	<-w.r.wakeups
	w.woken = true
}

// deadline is when the worker must look without being woken.
func (w *Worker) deadline() (at time.Duration, ok bool) {
	at, ok = w.neighbours.next()
	if w.pool.Free() == 0 && (!ok || at > w.now+starvedPoll) {
		return w.now + starvedPoll, true
	}
	return at, ok
}

// arm asks every queue for a wake call; false when one has frames already.
func (w *Worker) arm() bool {
	for i, p := range w.ports {
		if p == nil || !p.polled {
			continue
		}
		for _, q := range p.queues {
			if !q.Arm() {
				w.disarm(i + 1)
				return false
			}
		}
	}
	return true
}

// disarm takes back what arm asked of the first n ports.
func (w *Worker) disarm(n int) {
	for _, p := range w.ports[:n] {
		if p == nil || !p.polled {
			continue
		}
		for _, q := range p.queues {
			q.Disarm()
		}
	}
}

// poll does one round of everything there is to do, and tells whether frames
// or packets came. It never waits.
func (w *Worker) poll() (busy bool) {
	select {
	case <-w.r.wakeups:
		w.woken = true
	default:
	}
	w.now = w.r.clock.Now()
	w.takeTables()
	if w.woken {
		// Behind the tables: what they say of a carrier is compared with the
		// port, and old ones would hide a carrier that went and came back.
		w.woken = false
		w.readCarriers()
		w.takeTables()
	}
	if h := w.r.host.Load(); h != nil {
		w.host = *h
	}
	for _, p := range w.ports {
		if p == nil || !p.polled {
			continue
		}
		for _, q := range p.queues {
			q.Reclaim(w.pool)
			if n := q.Receive(w.batch[:]); n > 0 {
				busy = true
				w.receive(p, w.batch[:n])
			}
			q.Provide(w.pool)
		}
	}
	if w.r.output.pending() {
		busy = true
		w.takeOutput()
	}
	w.neighbourTimers()
	w.report()
	return busy
}

// takeTables takes up the current tables.
func (w *Worker) takeTables() {
	if t := w.r.tables.Load(); t != w.t {
		w.adopt(t)
	}
}

// report rings the doorbells and adds what was counted to what readers see.
func (w *Worker) report() {
	for _, p := range w.ports {
		if p == nil {
			continue
		}
		if p.ntx > 0 {
			w.flush(p)
		}
		// The other counters move with one of these.
		if c := &p.counters; c.rxPackets|c.txPackets|c.txDropped != 0 {
			p.report()
		}
	}
	if w.anyDrops {
		for i := range w.drops {
			if w.drops[i] != 0 {
				w.r.drops[i].Add(w.drops[i])
				w.drops[i] = 0
			}
		}
		w.anyDrops = false
	}
	if w.firstForward && !w.told {
		w.told = true
		if f := w.r.onFirst.Load(); f != nil {
			(*f)()
		}
	}
}

func (p *workerPort) report() {
	c, to := &p.counters, &p.link.counters
	to.rxPackets.Add(c.rxPackets)
	to.rxBytes.Add(c.rxBytes)
	to.rxDropped.Add(c.rxDropped)
	to.rxMulticast.Add(c.rxMulticast)
	to.txPackets.Add(c.txPackets)
	to.txBytes.Add(c.txBytes)
	to.txDropped.Add(c.txDropped)
	p.counters = (workerPort{}).counters
}

// readCarriers looks whether a port's medium came or went.
func (w *Worker) readCarriers() {
	for _, p := range w.ports {
		if p != nil && p.polled && p.link.port.Carrier() != p.state.carrier {
			w.r.readCarriers()
			return
		}
	}
}

// adopt takes up new tables: new ports are polled from now on, links that went
// down lose their neighbours, and addresses that came up are announced.
func (w *Worker) adopt(t *tables) {
	before := w.t
	w.t = t
	for len(w.ports) < len(t.links) {
		w.ports = append(w.ports, nil)
	}
	for i := LoopbackLink + 1; i < len(t.links); i++ {
		s := &t.links[i]
		p := w.ports[i]
		if p == nil {
			p = &workerPort{link: s.link, mac: s.link.info.MAC, queues: s.link.port.Queues()}
			w.ports[i] = p
		}
		p.state = s
		p.polled = p.polled || s.up
		var was linkState
		if i < len(before.links) {
			was = before.links[i]
		}
		if was.running() && !s.running() {
			w.dropNeighbours(uint16(i))
		}
		if s.running() {
			w.announce(p, &was)
		}
	}
	w.adoptStatic(before.static, t.static)
}

// stop gives back the buffers that wait for neighbours.
func (w *Worker) stop() {
	for i := range w.ports {
		w.dropNeighbours(uint16(i))
	}
	w.report()
}
