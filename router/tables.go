package router

import (
	"net/netip"
	"slices"

	"barewire/nic"
	"barewire/packet"
)

// tables are what the worker and the snapshots read: never changed once
// published. Each change of links, addresses or routes publishes new ones.
type tables struct {
	generation uint64
	links      []linkState // by index; 0 is not used
	fib        *fib
	own        addressSet // addresses and broadcast addresses of all links
	addresses  []Address  // in the order in which they were added
	static     []Neighbour
}

// linkState is a link as the packet path sees it.
type linkState struct {
	link      *link
	name      string
	up        bool // set up by the operator
	carrier   nic.Carrier
	mtu       int
	addresses []localAddress
}

// localAddress is an address of a link.
type localAddress struct {
	address packet.Addr4
	mask    packet.Addr4
}

// running tells whether packets can leave through the link.
func (l *linkState) running() bool { return l.up && l.carrier != nic.CarrierDown }

// has tells whether a is an address of the link.
func (l *linkState) has(a packet.Addr4) bool {
	for i := range l.addresses {
		if l.addresses[i].address == a {
			return true
		}
	}
	return false
}

// sourceFor is the link's best address for talking to a: one whose subnet a is
// in, else the first one (Linux's inet_select_addr, arp_announce 2).
// It returns 0 when the link has none.
func (l *linkState) sourceFor(a packet.Addr4) packet.Addr4 {
	for i := range l.addresses {
		if la := &l.addresses[i]; (la.address^a)&la.mask == 0 {
			return la.address
		}
	}
	if len(l.addresses) > 0 {
		return l.addresses[0].address
	}
	return 0
}

// sourceFor is the address for packets of our own that take the hop to a: the
// route's choice, else the link's, else the first of any other link, loopback
// excepted. It returns 0 when there is none.
func (t *tables) sourceFor(hop nextHop, a packet.Addr4) packet.Addr4 {
	if hop.source != 0 {
		return hop.source
	}
	if hop.kind == RouteLocal {
		return a
	}
	if hop.gateway != 0 {
		a = hop.gateway
	}
	if s := t.links[hop.link].sourceFor(a); s != 0 {
		return s
	}
	for i := LoopbackLink + 1; i < len(t.links); i++ {
		if s := t.links[i].sourceFor(a); s != 0 {
			return s
		}
	}
	return 0
}

// addressSet answers "is it one of these" for the source of each packet, which
// is nearly always no: a small bitmap is asked before the list.
type addressSet struct {
	bits [4]uint64
	list []packet.Addr4 // sorted
}

func newAddressSet(list []packet.Addr4) addressSet {
	slices.Sort(list)
	s := addressSet{list: slices.Compact(list)}
	for _, a := range s.list {
		h := hashAddress(a)
		s.bits[h>>6] |= 1 << (h & 63)
	}
	return s
}

// has tells whether a is in the set. Packet context.
func (s *addressSet) has(a packet.Addr4) bool {
	h := hashAddress(a)
	return s.bits[h>>6]&(1<<(h&63)) != 0 && s.search(a)
}

func (s *addressSet) search(a packet.Addr4) bool {
	_, ok := slices.BinarySearch(s.list, a)
	return ok
}

// hashAddress spreads addresses over 0 to 255 (Fibonacci hashing).
func hashAddress(a packet.Addr4) uint32 { return uint32(a) * 0x9e3779b1 >> 24 }

// broadcastOf is the broadcast address of a subnet; invalid for /31 and /32,
// which have none (RFC 3021).
func broadcastOf(p netip.Prefix) netip.Addr {
	if p.Bits() >= 31 {
		return netip.Addr{}
	}
	return (packet.Addr4From(p.Addr()) | ^maskOf(p.Bits())).Netip()
}

// maskOf is the netmask of an IPv4 prefix length.
func maskOf(bits int) packet.Addr4 { return ^packet.Addr4(0) << (32 - bits) }
