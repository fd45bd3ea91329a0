package router

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"barewire/packet"
)

// Address is an address of a link.
type Address struct {
	Link      int
	Prefix    netip.Prefix // the address with the length of its subnet
	Broadcast netip.Addr   // invalid for /31, /32 and the loopback link
	Scope     Scope
	Secondary bool // another address of the link and subnet came first
}

// AddAddress gives a link an address. With it come the routes that Linux adds:
// the address itself (local), its subnet (on the link), and its broadcast
// address. The same address and length must not be there (EEXIST).
func (r *Router) AddAddress(index int, p netip.Prefix) error {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	l, err := r.link(index)
	if err != nil {
		return fmt.Errorf("add address %v: %w", p, err)
	}
	if !p.IsValid() || !p.Addr().Is4() {
		return fmt.Errorf("add address %v to %s: not an IPv4 address: %w", p, l.name, syscall.EAFNOSUPPORT)
	}
	a := p.Addr()
	if a.IsUnspecified() || a.IsMulticast() || packet.Addr4From(a) == packet.Broadcast4 || a.IsLoopback() && index != LoopbackLink {
		return fmt.Errorf("add address %v to %s: not an address for a host: %w", p, l.name, syscall.EINVAL)
	}
	have := r.tables.Load().addresses
	if slices.ContainsFunc(have, func(h Address) bool { return h.Link == index && h.Prefix == p }) {
		return fmt.Errorf("add address %v to %s: %w", p, l.name, syscall.EEXIST)
	}
	added := Address{Link: index, Prefix: p, Secondary: slices.ContainsFunc(have, func(h Address) bool { return h.Link == index && sameSubnet(h.Prefix, p) })}
	if a.IsLoopback() {
		added.Scope = ScopeHost
	}
	if index != LoopbackLink {
		added.Broadcast = broadcastOf(p)
	}
	r.publish(func(t *tables) {
		for _, route := range routesOf(added) {
			r.insertRoute(t, route)
		}
		t.setAddresses(append(slices.Clone(t.addresses), added))
	})
	return nil
}

// DeleteAddress takes an address from a link, and with it its routes and those
// that have it as their source. When it was the first of its subnet, the next
// one takes its place.
// Differs from Linux: as with net.ipv4.conf.all.promote_secondaries=1, which
// every distribution sets; Linux by itself deletes the others of the subnet.
func (r *Router) DeleteAddress(index int, p netip.Prefix) error {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	l, err := r.link(index)
	if err != nil {
		return fmt.Errorf("delete address %v: %w", p, err)
	}
	have := r.tables.Load().addresses
	i := slices.IndexFunc(have, func(h Address) bool { return h.Link == index && h.Prefix == p })
	if i < 0 {
		return fmt.Errorf("delete address %v from %s: %w", p, l.name, syscall.EADDRNOTAVAIL)
	}
	gone := have[i]
	rest := slices.Delete(slices.Clone(have), i, i+1)
	r.publish(func(t *tables) {
		for _, route := range routesOf(gone) {
			r.removeExactly(t, route)
		}
		if next := slices.IndexFunc(rest, func(h Address) bool { return h.Link == index && sameSubnet(h.Prefix, p) }); next >= 0 && !gone.Secondary {
			local := routesOf(rest[next])[:1]
			rest[next].Secondary = false
			for _, route := range routesOf(rest[next])[len(local):] {
				r.insertRoute(t, route)
			}
		}
		if !slices.ContainsFunc(rest, func(h Address) bool { return h.Prefix.Addr() == p.Addr() }) {
			r.removeWithSource(t, p.Addr())
		}
		t.setAddresses(rest)
	})
	return nil
}

// sameSubnet tells whether two addresses are of one subnet of one length.
func sameSubnet(a, b netip.Prefix) bool { return a.Masked() == b.Masked() }

// routesOf lists the routes that come with an address, the local one first; a
// secondary address has only that one. What is 127.0.0.0/8 on the loopback link
// is local as a whole.
func routesOf(a Address) []Route {
	addr := a.Prefix.Addr()
	kernel := Route{Link: a.Link, Source: addr, Protocol: ProtocolKernel, Scope: ScopeHost, Type: RouteLocal, Table: TableLocal}
	local := kernel
	local.Destination = netip.PrefixFrom(addr, 32)
	routes := []Route{local}
	if a.Secondary || a.Prefix.Bits() == 32 {
		return routes
	}
	subnet := kernel
	subnet.Destination = a.Prefix.Masked()
	if a.Link != LoopbackLink {
		subnet.Scope, subnet.Type, subnet.Table = ScopeLink, RouteUnicast, TableMain
	}
	routes = append(routes, subnet)
	if b := broadcastOf(a.Prefix); b.IsValid() {
		broadcast := kernel
		broadcast.Destination, broadcast.Scope, broadcast.Type = netip.PrefixFrom(b, 32), ScopeLink, RouteBroadcast
		routes = append(routes, broadcast)
	}
	return routes
}

// removeExactly removes one route that is there as it is given.
func (r *Router) removeExactly(t *tables, route Route) {
	route = route.normalized()
	if i := r.rib.find(route.Destination, func(have Route) bool { return have == route }); i >= 0 {
		r.removeRoute(t, route.Destination, i)
	}
}

// removeWithSource removes the routes whose source an address was.
func (r *Router) removeWithSource(t *tables, source netip.Addr) {
	for _, route := range r.rib.all() {
		if route.Source == source {
			r.removeExactly(t, route)
		}
	}
}

// setAddresses replaces the addresses and what is derived from them.
func (t *tables) setAddresses(list []Address) {
	t.addresses = list
	t.links = slices.Clone(t.links)
	for i := range t.links {
		t.links[i].addresses = nil
	}
	var own []packet.Addr4
	for _, a := range list {
		address := packet.Addr4From(a.Prefix.Addr())
		s := &t.links[a.Link]
		s.addresses = append(s.addresses, localAddress{address, maskOf(a.Prefix.Bits())})
		own = append(own, address)
		if a.Broadcast.IsValid() {
			own = append(own, packet.Addr4From(a.Broadcast))
		}
	}
	t.own = newAddressSet(own)
}

// Addresses lists the addresses by link, in the order in which they were added.
// Any goroutine may call it.
func (r *Router) Addresses() []Address {
	list := slices.Clone(r.tables.Load().addresses)
	slices.SortStableFunc(list, func(a, b Address) int { return a.Link - b.Link })
	return list
}
