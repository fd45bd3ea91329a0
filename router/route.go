package router

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"syscall"

	"barewire/packet"
)

// Protocol tells who made a route (rtm_protocol).
type Protocol uint8

// Origins of a route, with Linux's numbers.
const (
	ProtocolUnspecified Protocol = 0
	ProtocolRedirect    Protocol = 1
	ProtocolKernel      Protocol = 2 // by an address
	ProtocolBoot        Protocol = 3 // by hand, without saying more
	ProtocolStatic      Protocol = 4 // by the configuration
	ProtocolRA          Protocol = 9
	ProtocolDHCP        Protocol = 16
)

// String is iproute2's word.
func (p Protocol) String() string {
	switch p {
	case ProtocolUnspecified:
		return "unspec"
	case ProtocolRedirect:
		return "redirect"
	case ProtocolKernel:
		return "kernel"
	case ProtocolBoot:
		return "boot"
	case ProtocolStatic:
		return "static"
	case ProtocolRA:
		return "ra"
	case ProtocolDHCP:
		return "dhcp"
	}
	return strconv.Itoa(int(p))
}

// Scope is how far a destination or an address reaches (rtm_scope).
type Scope uint8

// Scopes, with Linux's numbers.
const (
	ScopeGlobal  Scope = 0
	ScopeSite    Scope = 200
	ScopeLink    Scope = 253
	ScopeHost    Scope = 254
	ScopeNowhere Scope = 255
)

// String is iproute2's word.
func (s Scope) String() string {
	switch s {
	case ScopeGlobal:
		return "global"
	case ScopeSite:
		return "site"
	case ScopeLink:
		return "link"
	case ScopeHost:
		return "host"
	case ScopeNowhere:
		return "nowhere"
	}
	return strconv.Itoa(int(s))
}

// RouteType is what happens to a packet that a route matches (rtm_type).
type RouteType uint8

// Route types, with Linux's numbers. The zero value means RouteUnicast.
const (
	RouteUnicast     RouteType = 1 // forwarded to the gateway or on the link
	RouteLocal       RouteType = 2 // delivered to the host
	RouteBroadcast   RouteType = 3 // delivered, and sent as a broadcast frame
	RouteBlackhole   RouteType = 6 // dropped silently
	RouteUnreachable RouteType = 7 // dropped, ICMP host unreachable
	RouteProhibit    RouteType = 8 // dropped, ICMP administratively prohibited
)

// String is iproute2's word.
func (t RouteType) String() string {
	switch t {
	case RouteUnicast:
		return "unicast"
	case RouteLocal:
		return "local"
	case RouteBroadcast:
		return "broadcast"
	case RouteBlackhole:
		return "blackhole"
	case RouteUnreachable:
		return "unreachable"
	case RouteProhibit:
		return "prohibit"
	}
	return strconv.Itoa(int(t))
}

// discards tells whether a route of this type has neither link nor gateway.
func (t RouteType) discards() bool {
	return t == RouteBlackhole || t == RouteUnreachable || t == RouteProhibit
}

// Table is the routing table that a route stands in.
type Table uint8

// Tables, with Linux's numbers. The local table is looked up first and is kept
// by the addresses. The zero value means TableMain.
const (
	TableMain  Table = 254
	TableLocal Table = 255
)

// Route is a way to a destination. It is comparable and holds no pointers into
// the router.
type Route struct {
	Destination netip.Prefix
	Gateway     netip.Addr // invalid: the destination is on the link
	Link        int        // 0: the link through which the gateway is reached
	Source      netip.Addr // for packets of our own; invalid: chosen by link
	Metric      uint32     // the lowest of the usable ones wins
	Protocol    Protocol
	Scope       Scope
	Type        RouteType
	Table       Table
	OnLink      bool // do not ask whether the gateway is on the link

	// Set in what Router.Routes returns.
	LinkDown bool // the link has no carrier: the route is not used
	Dead     bool // the link is set down: the route is not used
}

// String is the route in words, for error messages.
func (r Route) String() string {
	s := r.Destination.String()
	if r.Type != 0 && r.Type != RouteUnicast {
		s = r.Type.String() + " " + s
	}
	if r.Gateway.IsValid() {
		s += " via " + r.Gateway.String()
	}
	if r.Metric != 0 {
		s += fmt.Sprintf(" metric %d", r.Metric)
	}
	return s
}

// normalized fills in what zero values stand for.
func (r Route) normalized() Route {
	r.Destination = r.Destination.Masked()
	if r.Type == 0 {
		r.Type = RouteUnicast
	}
	if r.Table == 0 {
		r.Table = TableMain
	}
	if r.Scope == ScopeGlobal && r.Type == RouteUnicast && !r.Gateway.IsValid() {
		r.Scope = ScopeLink // as ip(8) fills it in
	}
	r.LinkDown, r.Dead = false, false
	return r
}

var loopbackPrefix = netip.MustParsePrefix("127.0.0.0/8")

// AddRoute adds a route to the main table. A route with the same destination
// and metric must not be there (EEXIST); its gateway must be on the subnet of
// an address (ENETUNREACH), unless OnLink. Link may be 0 when a gateway says it.
// The route may wait for its link to come up.
func (r *Router) AddRoute(route Route) error {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	route, err := r.checkRoute(route)
	if err != nil {
		return fmt.Errorf("add route %v: %w", route, err)
	}
	same := func(have Route) bool { return have.Table == route.Table && have.Metric == route.Metric }
	if r.rib.find(route.Destination, same) >= 0 {
		return fmt.Errorf("add route %v: %w", route, syscall.EEXIST)
	}
	r.publish(func(t *tables) { r.insertRoute(t, route) })
	return nil
}

// checkRoute completes a route of the main table, or says what is wrong.
func (r *Router) checkRoute(route Route) (Route, error) {
	d := route.Destination
	if !d.IsValid() || !d.Addr().Is4() {
		return route, fmt.Errorf("destination is not an IPv4 prefix: %w", syscall.EAFNOSUPPORT)
	}
	if d != d.Masked() {
		return route, fmt.Errorf("destination has bits behind its length: %w", syscall.EINVAL)
	}
	route = route.normalized()
	if route.Table != TableMain {
		return route, fmt.Errorf("only the main table takes routes: %w", syscall.EOPNOTSUPP)
	}
	if d.Bits() >= loopbackPrefix.Bits() && loopbackPrefix.Contains(d.Addr()) {
		return route, fmt.Errorf("loopback addresses are not routed: %w", syscall.EOPNOTSUPP)
	}
	if route.Source.IsValid() && !r.isOwn(route.Source) {
		return route, fmt.Errorf("source %v is no address of ours: %w", route.Source, syscall.EINVAL)
	}
	switch {
	case route.Type.discards():
		if route.Gateway.IsValid() || route.Link != 0 {
			return route, fmt.Errorf("a %v route has no next hop: %w", route.Type, syscall.EINVAL)
		}
		return route, nil
	case route.Type != RouteUnicast:
		return route, fmt.Errorf("routes of type %v come with addresses only: %w", route.Type, syscall.EOPNOTSUPP)
	case route.Gateway.IsValid():
		return r.checkGateway(route)
	case route.Link == 0:
		return route, fmt.Errorf("neither gateway nor link: %w", syscall.EINVAL)
	}
	return route, r.checkEgress(route.Link)
}

// checkGateway finds the link of a route with a gateway.
func (r *Router) checkGateway(route Route) (Route, error) {
	g := route.Gateway
	if !g.Is4() || g.IsUnspecified() || g.IsMulticast() || g.IsLoopback() || r.isOwn(g) {
		return route, fmt.Errorf("invalid gateway: %w", syscall.EINVAL)
	}
	if route.OnLink {
		if route.Link == 0 {
			return route, fmt.Errorf("onlink needs a link: %w", syscall.EINVAL)
		}
		return route, r.checkEgress(route.Link)
	}
	if link := r.onLink(g, route.Link); link != 0 {
		route.Link = link
		return route, nil
	}
	if route.Link != 0 {
		if _, err := r.link(route.Link); err != nil {
			return route, err
		}
	}
	return route, fmt.Errorf("gateway is not on the link: %w", syscall.ENETUNREACH)
}

// onLink is the link that reaches a without a gateway, or 0. With link given,
// only that one counts.
func (r *Router) onLink(a netip.Addr, link int) int {
	for bits := a.BitLen(); bits >= 0; bits-- {
		for _, have := range r.rib[netip.PrefixFrom(a, bits).Masked()] {
			if have.Type == RouteUnicast && !have.Gateway.IsValid() && (link == 0 || link == have.Link) {
				return have.Link
			}
		}
	}
	return 0
}

// checkEgress tells whether routes may name the link.
func (r *Router) checkEgress(index int) error {
	if index == LoopbackLink {
		return fmt.Errorf("a route through the loopback link goes nowhere, blackhole says so: %w", syscall.EOPNOTSUPP)
	}
	_, err := r.link(index)
	return err
}

// isOwn tells whether a is an address of any link.
func (r *Router) isOwn(a netip.Addr) bool {
	return slices.ContainsFunc(r.tables.Load().addresses, func(have Address) bool { return have.Prefix.Addr() == a })
}

// DeleteRoute removes the first route of the main table that has the
// destination and every field that is given: type, gateway, link, metric,
// protocol, source. Without any it is ESRCH.
func (r *Router) DeleteRoute(route Route) error {
	defer r.changed()
	r.mu.Lock()
	defer r.mu.Unlock()
	d := route.Destination
	if d.IsValid() {
		d = d.Masked()
	}
	i := r.rib.find(d, func(have Route) bool {
		return have.Table == TableMain &&
			(route.Type == 0 || route.Type == have.Type) &&
			(!route.Gateway.IsValid() || route.Gateway == have.Gateway) &&
			(route.Link == 0 || route.Link == have.Link) &&
			(route.Metric == 0 || route.Metric == have.Metric) &&
			(route.Protocol == 0 || route.Protocol == have.Protocol) &&
			(!route.Source.IsValid() || route.Source == have.Source)
	})
	if i < 0 {
		return fmt.Errorf("delete route %v: %w", route, syscall.ESRCH)
	}
	r.publish(func(t *tables) { r.removeRoute(t, d, i) })
	return nil
}

// insertRoute puts a normalized route into the RIB and, when it is the best,
// into t's FIB. r.mu is held.
func (r *Router) insertRoute(t *tables, route Route) {
	route = route.normalized()
	r.rib.insert(route)
	r.choose(t, route.Destination)
}

// removeRoute takes the i-th route of a destination out again. r.mu is held.
func (r *Router) removeRoute(t *tables, destination netip.Prefix, i int) {
	r.rib.remove(destination, i)
	r.choose(t, destination)
}

// choose puts the best usable route of a destination into t's FIB.
func (r *Router) choose(t *tables, destination netip.Prefix) {
	t.fib = t.fib.with(destination, r.rib.best(destination, t.usable))
}

// usable tells whether a route takes packets now. Local addresses answer
// whatever their link's state, as on Linux.
func (t *tables) usable(route Route) bool {
	return route.Type == RouteLocal || route.Type.discards() || t.links[route.Link].running()
}

// Routes lists all routes: main table first, then the local one, each by
// destination. Any goroutine may call it.
func (r *Router) Routes() []Route {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.rib.all()
	t := r.tables.Load()
	for i := range list {
		if l := list[i].Link; l != 0 {
			list[i].Dead = !t.links[l].up
			list[i].LinkDown = !t.links[l].running()
		}
	}
	return list
}

// Lookup is the way that a packet of our own to destination would take now,
// and the source address that it should have. Any goroutine may call it.
// Errors are those that a socket gets on Linux: ENETUNREACH without a route,
// EHOSTUNREACH, EACCES and EINVAL for the types that discard.
func (r *Router) Lookup(destination netip.Addr) (route Route, source netip.Addr, err error) {
	if !destination.Is4() {
		return Route{}, netip.Addr{}, fmt.Errorf("route to %v: %w", destination, syscall.EAFNOSUPPORT)
	}
	t := r.tables.Load()
	a := packet.Addr4From(destination)
	hop := t.lookupOutput(a)
	if err := hop.kind.socketError(); err != nil {
		return Route{}, netip.Addr{}, fmt.Errorf("route to %v: %w", destination, err)
	}
	route = Route{Destination: netip.PrefixFrom(destination, 32), Link: int(hop.link), Type: hop.kind, Table: TableMain}
	if hop.gateway != 0 {
		route.Gateway = hop.gateway.Netip()
	}
	if s := t.sourceFor(hop, a); s != 0 {
		source = s.Netip()
	}
	return route, source, nil
}

// socketError is what a socket's send gets for a lookup with this outcome.
func (t RouteType) socketError() error {
	switch t {
	case 0:
		return syscall.ENETUNREACH
	case RouteUnreachable:
		return syscall.EHOSTUNREACH
	case RouteProhibit:
		return syscall.EACCES
	case RouteBlackhole:
		return syscall.EINVAL
	}
	return nil
}
