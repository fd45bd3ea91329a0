package router

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"barewire/nic"
)

// Limits of a link, as Linux has them.
const (
	minMTUBytes      = 68    // RFC 791 3.2: every link carries this
	loopbackMTUBytes = 65535 // an IPv4 packet's length ends here
	defaultMTUBytes  = 1500
	maxNameLen       = 15
	maxLinks         = 1 << 16 // nextHop.link
	ethernetRoom     = 18      // Ethernet header and one VLAN tag
)

// LinkInfo is a snapshot of a link.
type LinkInfo struct {
	Index       int // from 1; 1 is the loopback link
	Name        string
	MAC         nic.MAC
	MTUBytes    int
	MaxMTUBytes int         // what device and buffers allow
	AdminUp     bool        // what SetUp said
	Carrier     nic.Carrier // what the port said
	Counters    LinkCounters
	Driver      string // of the port; "" for the loopback link
	Bus         string // where the port was found
	Loopback    bool
}

// LinkCounters are the counters that `ip -s link` prints.
type LinkCounters struct {
	RxPackets, RxBytes, RxErrors, RxDropped, RxMissed, RxMulticast   uint64
	TxPackets, TxBytes, TxErrors, TxDropped, TxCarrier, TxCollisions uint64
}

// link holds what does not change about a link, and its counters. What can
// change is in linkState.
type link struct {
	index  int
	port   nic.Port // nil for the loopback link
	info   nic.Info
	maxMTU int

	started bool // the port was started; protected by Router.mu

	counters linkCounters // added to by workers, once a batch
}

// linkCounters are a link's own counters; the driver has more.
type linkCounters struct {
	rxPackets, rxBytes, rxDropped, rxMulticast atomic.Uint64
	txPackets, txBytes, txDropped              atomic.Uint64
}

// driverCounters tells where a driver's counter of a given name goes.
var driverCounters = map[string]func(*LinkCounters) *uint64{
	"rx_errors":     func(c *LinkCounters) *uint64 { return &c.RxErrors },
	"rx_dropped":    func(c *LinkCounters) *uint64 { return &c.RxDropped },
	"rx_missed":     func(c *LinkCounters) *uint64 { return &c.RxMissed },
	"tx_errors":     func(c *LinkCounters) *uint64 { return &c.TxErrors },
	"tx_dropped":    func(c *LinkCounters) *uint64 { return &c.TxDropped },
	"tx_carrier":    func(c *LinkCounters) *uint64 { return &c.TxCarrier },
	"tx_collisions": func(c *LinkCounters) *uint64 { return &c.TxCollisions },
}

// read adds up the link's counters and the driver's.
func (l *link) read() LinkCounters {
	c := LinkCounters{
		RxPackets: l.counters.rxPackets.Load(), RxBytes: l.counters.rxBytes.Load(),
		RxDropped: l.counters.rxDropped.Load(), RxMulticast: l.counters.rxMulticast.Load(),
		TxPackets: l.counters.txPackets.Load(), TxBytes: l.counters.txBytes.Load(),
		TxDropped: l.counters.txDropped.Load(),
	}
	if l.port == nil {
		return c
	}
	for _, s := range l.port.Stats() {
		if field := driverCounters[s.Name]; field != nil {
			*field(&c) += s.Value
		}
	}
	return c
}

// AddPort makes a link of a port, set down, without addresses. The index stays
// the link's for the life of the router. The port is not started before the
// link is first set up; it must stay open until Run returned.
func (r *Router) AddPort(name string, p nic.Port) (index int, err error) {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tables.Load()
	if err := t.checkName(name); err != nil {
		return 0, fmt.Errorf("add link %q: %w", name, err)
	}
	if len(t.links) == maxLinks {
		return 0, fmt.Errorf("add link %q: %d links are there already: %w", name, maxLinks-1, syscall.ENOSPC)
	}
	if len(p.Queues()) == 0 {
		return 0, fmt.Errorf("add link %q: the device has no queue: %w", name, syscall.EINVAL)
	}
	info := p.Info()
	room := r.pool.SlotBytes() - nic.Headroom - ethernetRoom
	l := &link{index: len(t.links), port: p, info: info, maxMTU: min(info.MTUBytes, room)}
	if l.maxMTU < minMTUBytes {
		return 0, fmt.Errorf("add link %q: device carries packets of %d bytes, buffers of %d: want %d: %w",
			name, info.MTUBytes, room, minMTUBytes, syscall.EINVAL)
	}
	// The device's own size where the buffers have room for it.
	mtu := info.MTUBytes
	if mtu > room {
		mtu = min(defaultMTUBytes, room)
	}
	r.publish(func(t *tables) {
		t.links = append(slices.Clone(t.links), linkState{link: l, name: name, mtu: mtu, carrier: p.Carrier()})
	})
	return l.index, nil
}

// checkName tells whether a new link may have the name.
func (t *tables) checkName(name string) error {
	if name == "" || len(name) > maxNameLen || strings.ContainsAny(name, "/: \t\n") || name == "." || name == ".." {
		return fmt.Errorf("not a name for a link: %w", syscall.EINVAL)
	}
	if slices.ContainsFunc(t.links, func(s linkState) bool { return s.name == name }) {
		return syscall.EEXIST
	}
	return nil
}

// SetName gives a link another name, which no other link may have (EEXIST).
func (r *Router) SetName(index int, name string) error {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := r.link(index)
	if err != nil {
		return fmt.Errorf("set name %q: %w", name, err)
	}
	if index == LoopbackLink {
		return fmt.Errorf("set name of %s: it has this one for good: %w", s.name, syscall.EINVAL)
	}
	if name == s.name {
		return nil
	}
	if err := r.tables.Load().checkName(name); err != nil {
		return fmt.Errorf("set name of %s to %q: %w", s.name, name, err)
	}
	r.updateLink(index, func(s *linkState) { s.name = name })
	return nil
}

// SetUp sets a link up or down. The first time up starts its port. A link that
// is down loses its neighbours, and routes through it are not used; they and the
// addresses stay.
func (r *Router) SetUp(index int, up bool) error {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	l, err := r.link(index)
	if err != nil {
		return fmt.Errorf("set link up: %w", err)
	}
	port := l.link.port
	if up && port != nil && !l.link.started {
		if err := port.Start(r.wake); err != nil {
			return fmt.Errorf("set %s up: %w", l.name, err)
		}
		l.link.started = true
	}
	r.updateLink(index, func(s *linkState) {
		s.up = up
		if port != nil {
			s.carrier = port.Carrier()
		}
	})
	return nil
}

// SetMTU sets the size of the largest packet that the link carries, in bytes:
// from 68 to what its device and the buffers allow.
func (r *Router) SetMTU(index, mtuBytes int) error {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	l, err := r.link(index)
	if err != nil {
		return fmt.Errorf("set MTU: %w", err)
	}
	if mtuBytes < minMTUBytes || mtuBytes > l.link.maxMTU {
		return fmt.Errorf("set MTU of %s to %d: want %d to %d: %w", l.name, mtuBytes, minMTUBytes, l.link.maxMTU, syscall.EINVAL)
	}
	r.updateLink(index, func(s *linkState) { s.mtu = mtuBytes })
	return nil
}

// readCarriers takes up what the ports say of their media. The worker calls it
// when it was woken and sees a difference: control work, but rare.
func (r *Router) readCarriers() {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.tables.Load().links[LoopbackLink+1:] {
		if c := s.link.port.Carrier(); c != s.carrier {
			r.updateLink(s.link.index, func(s *linkState) { s.carrier = c })
		}
	}
}

// updateLink publishes a changed link and chooses anew among the routes that
// depend on it. r.mu is held.
func (r *Router) updateLink(index int, change func(*linkState)) {
	r.publish(func(t *tables) {
		t.links = slices.Clone(t.links)
		was := t.links[index].running()
		change(&t.links[index])
		if t.links[index].running() == was {
			return
		}
		for destination, routes := range r.rib {
			if slices.ContainsFunc(routes, func(route Route) bool { return route.Link == index }) {
				r.choose(t, destination)
			}
		}
	})
}

// link finds a link by its index.
func (r *Router) link(index int) (*linkState, error) {
	t := r.tables.Load()
	if index < LoopbackLink || index >= len(t.links) {
		return nil, fmt.Errorf("no link has index %d: %w", index, syscall.ENODEV)
	}
	return &t.links[index], nil
}

// Links lists the links by index. Any goroutine may call it.
func (r *Router) Links() []LinkInfo {
	t := r.tables.Load()
	list := make([]LinkInfo, 0, len(t.links))
	for i := LoopbackLink; i < len(t.links); i++ {
		s := &t.links[i]
		list = append(list, LinkInfo{
			Index: i, Name: s.name, MAC: s.link.info.MAC, MTUBytes: s.mtu, MaxMTUBytes: s.link.maxMTU,
			AdminUp: s.up, Carrier: s.carrier, Counters: s.link.read(),
			Driver: s.link.info.Driver, Bus: s.link.info.Bus, Loopback: s.link.port == nil,
		})
	}
	return list
}
