package virtionet

import (
	"fmt"
	"sync"
	"testing"

	"barewire/nic"
)

// rig is a port, its device and a worker's stock.
type rig struct {
	t     testing.TB
	f     *fake
	pool  *nic.Pool
	port  *Port
	q     nic.Queue
	woken chan struct{}
	mu    sync.Mutex
	logs  []string
}

type setup struct {
	buffers, slot int
	config        Config
	start         bool
	abandon       bool // the test ends the port itself
}

// newRig opens a port on the device as change makes both, starts it unless told
// otherwise, and checks at the end that every buffer came home.
func newRig(t testing.TB, change func(f *fake, s *setup)) *rig {
	t.Helper()
	r, err := tryRig(t, change)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryRig(t testing.TB, change func(f *fake, s *setup)) (*rig, error) {
	t.Helper()
	r := &rig{t: t, f: newFake(), woken: make(chan struct{}, 1)}
	s := setup{buffers: 1024, slot: 2048, start: true}
	s.config = Config{
		Bus: "virtio-mmio@0a000000", Registers: r.f, Interrupt: r.f.irq,
		AllocDMA: func(size int) ([]byte, uint64, error) { m, a := r.f.mem.alloc(size); return m, a, nil },
		Random: func(p []byte) {
			for i := range p {
				p[i] = 0xff - byte(i)
			}
		},
		Log: func(format string, args ...any) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.logs = append(r.logs, fmt.Sprintf(format, args...))
		},
	}
	if change != nil {
		change(r.f, &s)
	}
	mem, addr := r.f.mem.alloc(s.buffers * s.slot)
	var err error
	if r.pool, err = nic.NewPool(mem, addr, s.slot); err != nil {
		t.Fatal(err)
	}
	s.config.Pool = r.pool
	if r.port, err = Open(s.config); err != nil {
		return r, err
	}
	r.q = r.port.Queues()[0]
	if s.start {
		r.start()
	}
	if !s.abandon {
		t.Cleanup(r.finish)
	}
	return r, nil
}

func (r *rig) start() {
	r.t.Helper()
	r.q.Provide(r.pool)
	err := r.port.Start(func() {
		select {
		case r.woken <- struct{}{}:
		default:
		}
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) finish() {
	r.t.Helper()
	if err := r.port.Close(); err != nil {
		r.t.Errorf("Close: %v", err)
	}
	r.allHome()
	if r.f.early != 0 {
		r.t.Errorf("%d doorbells before DRIVER_OK", r.f.early)
	}
	for _, s := range r.f.torn {
		r.t.Errorf("register access that the device does not know: %s", s)
	}
}

// allHome checks that the pool has every buffer, each once.
func (r *rig) allHome() {
	r.t.Helper()
	if r.pool.Free() != r.pool.Size() {
		r.t.Errorf("%d buffers of %d are in the pool", r.pool.Free(), r.pool.Size())
		return
	}
	seen := make(map[*nic.Buffer]bool)
	for range r.pool.Size() {
		b := r.pool.Get()
		if b == nil || seen[b] {
			r.t.Error("a buffer is in the pool twice")
			return
		}
		seen[b] = true
	}
	for b := range seen {
		r.pool.Put(b)
	}
}

// frame is a frame of n bytes that differs from others.
func frame(n, seed int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i*7 + seed*13 + seed>>8)
	}
	return p
}

// buffer takes a free buffer and fills it.
func (r *rig) buffer(content []byte) *nic.Buffer {
	r.t.Helper()
	b := r.pool.Get()
	if b == nil {
		r.t.Fatal("the pool is empty")
	}
	b.SetFrame(nic.Headroom, len(content))
	copy(b.Bytes(), content)
	return b
}

func (r *rig) stat(name string) uint64 {
	r.t.Helper()
	for _, s := range r.port.Stats() {
		if s.Name == name {
			return s.Value
		}
	}
	r.t.Fatalf("no counter %q", name)
	return 0
}

// untilRunning is a worker's loop while the device is repaired.
func (r *rig) untilRunning() {
	for r.port.state.Load() != stateRunning {
		<-r.woken
		r.q.Reclaim(r.pool)
		r.q.Provide(r.pool)
	}
	r.q.Provide(r.pool)
}

func (r *rig) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := ""
	for _, l := range r.logs {
		s += l + "\n"
	}
	return s
}
