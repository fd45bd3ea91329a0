package router

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"barewire/packet"
)

// nextHop is the answer to a lookup: the best usable route of the longest
// prefix, as far as forwarding needs it. 12 bytes, no pointers.
type nextHop struct {
	gateway packet.Addr4 // 0: the destination itself
	source  packet.Addr4 // the route's own choice; 0: by link
	link    uint16
	kind    RouteType // 0: there is no route
}

// fib is the forwarding table, never changed once published: a change makes a
// new one that shares what did not change.
//
// Linux's tables local and main are one here. That gives the same answers, as
// a host route of the local table goes before one of the main table, except
// for main routes inside 127.0.0.0/8, which AddRoute refuses.
type fib struct {
	table *bart.Table[nextHop]
}

// lookup finds the longest prefix. Packet context.
func (f *fib) lookup(a packet.Addr4) nextHop {
	hop, _ := f.table.Lookup(a.Netip())
	return hop
}

// rib holds all routes, usable or not, by destination. Each slice is in order
// of preference: local table, lower metric, older. Protected by Router.mu.
type rib map[netip.Prefix][]Route

// find is the index of the first route that match accepts, or -1.
func (b rib) find(destination netip.Prefix, match func(Route) bool) int {
	return slices.IndexFunc(b[destination], match)
}

// insert adds a normalized route behind those that are preferred to it.
func (b rib) insert(r Route) {
	routes := b[r.Destination]
	i, _ := slices.BinarySearchFunc(routes, r, func(have, want Route) int {
		if c := preference(have, want); c != 0 {
			return c
		}
		return -1 // behind its equals
	})
	b[r.Destination] = slices.Insert(routes, i, r)
}

// remove takes out the i-th route of a destination.
func (b rib) remove(destination netip.Prefix, i int) {
	if b[destination] = slices.Delete(b[destination], i, i+1); len(b[destination]) == 0 {
		delete(b, destination)
	}
}

// preference orders the routes of one destination.
func preference(a, b Route) int {
	return cmp.Or(cmp.Compare(b.Table, a.Table), cmp.Compare(a.Metric, b.Metric))
}

// all lists the routes as `ip route show table all` would: the main table, then
// the local one, each by address, longer prefixes first, then by preference.
func (b rib) all() []Route {
	var routes []Route
	for _, rs := range b {
		routes = append(routes, rs...)
	}
	slices.SortStableFunc(routes, func(x, y Route) int {
		return cmp.Or(
			cmp.Compare(x.Table, y.Table),
			x.Destination.Addr().Compare(y.Destination.Addr()),
			cmp.Compare(y.Destination.Bits(), x.Destination.Bits()),
			cmp.Compare(x.Metric, y.Metric),
		)
	})
	return routes
}

// best is the hop of the first usable route, or the zero hop.
func (b rib) best(destination netip.Prefix, usable func(Route) bool) nextHop {
	for _, r := range b[destination] {
		if usable(r) {
			hop := nextHop{link: uint16(r.Link), kind: r.Type}
			if r.Gateway.IsValid() {
				hop.gateway = packet.Addr4From(r.Gateway)
			}
			if r.Source.IsValid() {
				hop.source = packet.Addr4From(r.Source)
			}
			return hop
		}
	}
	return nextHop{}
}

// with returns a table in which the destination has this hop; the zero hop
// takes the destination out.
func (f *fib) with(destination netip.Prefix, hop nextHop) *fib {
	have, ok := f.table.Get(destination)
	switch {
	case hop.kind == 0 && !ok, ok && have == hop:
		return f
	case hop.kind == 0:
		return &fib{f.table.DeletePersist(destination)}
	}
	return &fib{f.table.InsertPersist(destination, hop)}
}
