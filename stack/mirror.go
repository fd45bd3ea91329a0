package stack

import (
	"net/netip"
	"slices"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"barewire/router"
)

// maxMirrored bounds the routes that gVisor gets: it looks through them one by
// one. Sockets find the source address for the routes beyond by the default
// route. A router with that many routes has few addresses of its own.
const maxMirrored = 256

const defaultMTUBytes = 1500

// mirror is what gVisor was told last.
type mirror struct {
	sync.Mutex
	addresses []netip.Prefix // sorted
	routes    []tcpip.Route
}

// mirror makes gVisor's copies of addresses, routes and MTU agree with the
// router's.
func (n *Namespace) mirror() {
	m := &n.mirrored
	m.Lock()
	defer m.Unlock()

	var want []netip.Prefix
	for _, a := range n.router.Addresses() {
		want = append(want, a.Prefix)
	}
	slices.SortFunc(want, comparePrefixes)
	want = slices.CompactFunc(want, func(a, b netip.Prefix) bool { return a.Addr() == b.Addr() })
	for _, p := range m.addresses {
		if !slices.Contains(want, p) {
			n.host.RemoveAddress(nicID, hostAddress(p.Addr()))
		}
	}
	for _, p := range want {
		if !slices.Contains(m.addresses, p) {
			n.host.AddProtocolAddress(nicID, tcpip.ProtocolAddress{
				Protocol:          ipv4.ProtocolNumber,
				AddressWithPrefix: tcpip.AddressWithPrefix{Address: hostAddress(p.Addr()), PrefixLen: p.Bits()},
			}, stack.AddressProperties{})
		}
	}
	m.addresses = want

	if routes := n.sources(); !slices.Equal(routes, m.routes) {
		// gVisor links the entries that it is given to each other.
		n.host.SetRouteTable(slices.Clone(routes))
		m.routes = routes
	}
	n.host.SetNICMTU(nicID, n.smallestMTU())
}

func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// sources are the router's usable routes as gVisor needs them: not where to
// send, which the router decides, but which address to send from. Longer
// prefixes are first, as gVisor takes the first that matches.
func (n *Namespace) sources() []tcpip.Route {
	var usable []router.Route
	for _, r := range n.router.Routes() {
		switch {
		case r.Dead || r.LinkDown:
		case r.Type == router.RouteUnicast || r.Type == router.RouteLocal || r.Type == router.RouteBroadcast:
			usable = append(usable, r)
		}
	}
	slices.SortStableFunc(usable, func(a, b router.Route) int { return b.Destination.Bits() - a.Destination.Bits() })
	if len(usable) > maxMirrored {
		// Keep the last one, which is the default route if there is one.
		usable = append(usable[:maxMirrored-1], usable[len(usable)-1])
	}
	routes := make([]tcpip.Route, 0, len(usable)+1)
	for _, r := range usable {
		destination := tcpip.AddressWithPrefix{Address: hostAddress(r.Destination.Addr()), PrefixLen: r.Destination.Bits()}
		routes = append(routes, tcpip.Route{Destination: destination.Subnet(), NIC: nicID, SourceHint: n.sourceOf(r)})
	}
	return routes
}

// sourceOf is the address that packets of our own that take a route get.
func (n *Namespace) sourceOf(r router.Route) tcpip.Address {
	source := r.Source
	if !source.IsValid() {
		towards := r.Gateway
		if !towards.IsValid() {
			towards = r.Destination.Addr()
		}
		_, source, _ = n.router.Lookup(towards)
	}
	if !source.IsValid() || !source.Is4() {
		return tcpip.Address{}
	}
	return hostAddress(source)
}

// smallestMTU is a size that every link carries, so that a packet of the
// host's never needs a fragment or an ICMP error from its own router.
func (n *Namespace) smallestMTU() uint32 {
	smallest := 0
	for _, l := range n.router.Links() {
		if !l.Loopback && l.AdminUp && (smallest == 0 || l.MTUBytes < smallest) {
			smallest = l.MTUBytes
		}
	}
	if smallest == 0 {
		return defaultMTUBytes
	}
	return uint32(smallest)
}

// hostAddress is an IPv4 address as gVisor has it.
func hostAddress(a netip.Addr) tcpip.Address { return tcpip.AddrFrom4(a.As4()) }
