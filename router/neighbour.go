package router

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"barewire/nic"
	"barewire/packet"
)

// NeighbourState is a state of RFC 4861 7.3.2, as Linux has them.
//
//	              ask, by broadcast           answered
//	NONE ---------------------> INCOMPLETE --------------> REACHABLE <---------+
//	  ^                          |  ^                       |      ^           |
//	  | idle                     |  | used                  | 15 to 45 s       |
//	  |        3 times, 1 s each |  |                       |      | answered  |
//	  +--------------- FAILED <--+--+     used         +----+      |           |
//	                     ^         DELAY <----- STALE <+           |           |
//	                     |           |                             |           |
//	                     |           | 5 s: ask directly           |           |
//	                     +--------- PROBE -------------------------+-----------+
//	                   3 times, 1 s each
//
// A neighbour that asks for us by ARP becomes STALE. In REACHABLE, STALE, DELAY
// and PROBE packets are sent; in INCOMPLETE they wait.
type NeighbourState uint8

// States of a neighbour.
const (
	NeighbourNone       NeighbourState = iota
	NeighbourIncomplete                // asked by broadcast, no answer yet; packets wait
	NeighbourReachable                 // confirmed a short time ago
	NeighbourStale                     // was confirmed once; used as it is, and then checked
	NeighbourDelay                     // in use after STALE: will be checked
	NeighbourProbe                     // asked directly, no answer yet
	NeighbourFailed                    // did not answer
	NeighbourPermanent                 // set by the operator
)

// Masks of states.
const (
	maskSettled = 1<<NeighbourReachable | 1<<NeighbourDelay | 1<<NeighbourProbe | 1<<NeighbourPermanent
	maskValid   = maskSettled | 1<<NeighbourStale
)

// settled tells whether a packet can be sent without a look at the state.
func (s NeighbourState) settled() bool { return maskSettled>>s&1 != 0 }

// valid tells whether the Ethernet address is known.
func (s NeighbourState) valid() bool { return maskValid>>s&1 != 0 }

// String is iproute2's word.
func (s NeighbourState) String() string {
	switch s {
	case NeighbourIncomplete:
		return "INCOMPLETE"
	case NeighbourReachable:
		return "REACHABLE"
	case NeighbourStale:
		return "STALE"
	case NeighbourDelay:
		return "DELAY"
	case NeighbourProbe:
		return "PROBE"
	case NeighbourFailed:
		return "FAILED"
	case NeighbourPermanent:
		return "PERMANENT"
	}
	return "NONE"
}

// Neighbour is a snapshot of an entry of the neighbour table.
type Neighbour struct {
	Address netip.Addr
	Link    int
	MAC     nic.MAC // zero while it is not known
	State   NeighbourState
}

// neighbour is an entry. It belongs to the worker, which changes what a
// snapshot reads only under the table's lock. Two cache lines; what forwarding
// reads is in the first (a test holds that).
type neighbour struct {
	inBucket *neighbour // the next with the same hash
	used     time.Duration
	address  packet.Addr4
	link     uint16
	state    NeighbourState
	probes   uint8                          // requests sent in this state
	gateway  bool                           // the next hop of a route
	header   [packet.EthernetHeaderLen]byte // of frames to the neighbour; valid with the state
	timer    int32                          // place in the table's timers; noTimer when without

	confirmed time.Duration // when the neighbour last proved to be there
	updated   time.Duration // when state or address last changed
	reachable time.Duration // how long a confirmation lasts, this time
	deadline  time.Duration // when the state is to be looked at
	waiting   nic.Chain     // packets; while INCOMPLETE

	list         *neighbourList // the one that it is in, by age; nil for none
	older, newer *neighbour
}

// mac is the neighbour's Ethernet address.
func (n *neighbour) mac() nic.MAC { return nic.MAC(n.header[:6]) }

// writeHeader makes b's packet a frame to the neighbour. Packet context.
func (n *neighbour) writeHeader(b *nic.Buffer) {
	*(*[packet.EthernetHeaderLen]byte)(b.Bytes()) = n.header
}

// Neighbours lists the neighbour table, by link and address. Any goroutine may
// call it.
func (r *Router) Neighbours() []Neighbour {
	list := r.worker.neighbours.snapshot()
	slices.SortFunc(list, func(a, b Neighbour) int {
		if a.Link != b.Link {
			return a.Link - b.Link
		}
		return a.Address.Compare(b.Address)
	})
	return list
}

// AddNeighbour sets a neighbour's Ethernet address for good (PERMANENT); ARP
// does not change it. The worker takes it up with its next round.
func (r *Router) AddNeighbour(n Neighbour) error {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	l, err := r.link(n.Link)
	if err != nil {
		return fmt.Errorf("add neighbour %v: %w", n.Address, err)
	}
	if !n.Address.Is4() {
		return fmt.Errorf("add neighbour %v: not an IPv4 address: %w", n.Address, syscall.EAFNOSUPPORT)
	}
	if l.link.port == nil || packet.IsGroup(n.MAC) || n.MAC == (nic.MAC{}) {
		return fmt.Errorf("add neighbour %v on %s: no host can have this: %w", n.Address, l.name, syscall.EINVAL)
	}
	n.State = NeighbourPermanent
	have := r.tables.Load().static
	if slices.ContainsFunc(have, n.sameAs) {
		return fmt.Errorf("add neighbour %v on %s: %w", n.Address, l.name, syscall.EEXIST)
	}
	r.publish(func(t *tables) { t.static = append(slices.Clone(have), n) })
	return nil
}

// DeleteNeighbour takes back what AddNeighbour set.
func (r *Router) DeleteNeighbour(link int, address netip.Addr) error {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	have := r.tables.Load().static
	i := slices.IndexFunc(have, Neighbour{Link: link, Address: address}.sameAs)
	if i < 0 {
		return fmt.Errorf("delete neighbour %v: %w", address, syscall.ENOENT)
	}
	r.publish(func(t *tables) { t.static = slices.Delete(slices.Clone(have), i, i+1) })
	return nil
}

// sameAs tells whether two entries are of one neighbour.
func (n Neighbour) sameAs(o Neighbour) bool { return n.Link == o.Link && n.Address == o.Address }
