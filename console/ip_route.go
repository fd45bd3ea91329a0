package console

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"barewire/router"
)

// routeFilter says which routes are shown. What it fixes to one value is not
// printed again with each route.
type routeFilter struct {
	prefix   netip.Prefix
	link     int
	gateway  netip.Addr
	protocol *router.Protocol
	scope    *router.Scope
	kind     router.RouteType
	source   netip.Addr
	table    router.Table // 0: all
}

func (f *routeFilter) accepts(r router.Route) bool {
	return (!f.prefix.IsValid() || r.Destination == f.prefix) &&
		(f.link == 0 || r.Link == f.link) &&
		(!f.gateway.IsValid() || r.Gateway == f.gateway) &&
		(f.protocol == nil || r.Protocol == *f.protocol) &&
		(f.scope == nil || r.Scope == *f.scope) &&
		(f.kind == 0 || r.Type == f.kind) &&
		(!f.source.IsValid() || r.Source == f.source) &&
		(f.table == 0 || r.Table == f.table)
}

func showRoutes(s *session, a *args) error {
	f := routeFilter{table: router.TableMain}
	if err := s.takeRouteFilter(a, &f); err != nil {
		return err
	}
	if s.ip.family == '6' {
		return nil
	}
	links := s.linkNames()
	for _, r := range s.console.namespace.Router().Routes() {
		if f.accepts(r) {
			s.printRoute(r, links, &f)
		}
	}
	return nil
}

func (s *session) takeRouteFilter(a *args, f *routeFilter) error {
	for {
		w, given := a.next()
		if !given {
			return nil
		}
		key := w
		switch w {
		case "dev", "via", "proto", "protocol", "scope", "type", "src", "table", "to", "exact", "oif":
			var err error
			if w, err = a.value(); err != nil {
				return err
			}
		case "root", "match", "cache", "cached", "from", "vrf", "metric", "realms", "tos":
			return notYet(w)
		default:
			key = "to"
		}
		if err := s.setRouteFilter(f, key, w); err != nil {
			return err
		}
	}
}

func (s *session) setRouteFilter(f *routeFilter, key, value string) (err error) {
	switch key {
	case "dev", "oif":
		l, err := s.link(value)
		if err != nil {
			return err
		}
		f.link = l.Index
	case "via":
		f.gateway, err = addressArgument(value)
	case "src":
		f.source, err = addressArgument(value)
	case "proto", "protocol":
		if value == "all" {
			f.protocol = nil
			return nil
		}
		var p router.Protocol
		if p, err = protocolArgument(value, `invalid "protocol"`); err == nil {
			f.protocol = &p
		}
	case "scope":
		var scope router.Scope
		if scope, err = scopeArgument(value, `invalid "scope"`); err == nil {
			f.scope = &scope
		}
	case "type":
		var known bool
		if f.kind, known = routeTypes[value]; !known {
			return wrongArgument(value, "node type value is invalid")
		}
	case "table":
		f.table, err = tableArgument(value)
	default:
		if f.prefix.IsValid() {
			return garbage("to", value)
		}
		f.prefix, err = routePrefix(value)
	}
	return err
}

// printRoute prints one route.
func (s *session) printRoute(r router.Route, links map[int]string, f *routeFilter) {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format+" ", args...) }
	if r.Type != router.RouteUnicast || s.ip.details {
		add("%v", r.Type)
	}
	switch {
	case r.Destination.Bits() == 0:
		add("default")
	case r.Destination.IsSingleIP():
		add("%v", r.Destination.Addr())
	default:
		add("%v", r.Destination)
	}
	if r.Gateway.IsValid() && !f.gateway.IsValid() {
		add("via %v", r.Gateway)
	}
	if r.Link != 0 && f.link == 0 {
		add("dev %s", links[r.Link])
	}
	if f.table == 0 && r.Table == router.TableLocal {
		add("table local")
	}
	if (r.Protocol != router.ProtocolBoot || s.ip.details) && f.protocol == nil {
		add("proto %v", r.Protocol)
	}
	if (r.Scope != router.ScopeGlobal || s.ip.details) && f.scope == nil {
		add("scope %v", r.Scope)
	}
	if r.Source.IsValid() {
		add("src %v", r.Source)
	}
	if r.Metric != 0 {
		add("metric %d", r.Metric)
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{{r.Dead, "dead"}, {r.OnLink, "onlink"}, {r.LinkDown, "linkdown"}} {
		if flag.set {
			add("%s", flag.name)
		}
	}
	s.printf("%s\n", b.String())
}

// getRoute prints the way of a packet of our own.
func getRoute(s *session, a *args) error {
	text, given := a.next()
	if !given {
		return refuse("need at least a destination address")
	}
	if text == "to" {
		var err error
		if text, err = a.value(); err != nil {
			return err
		}
	}
	if w, more := a.next(); more {
		return notYet(w)
	}
	p, err := prefixArgument(text)
	if err != nil {
		return err
	}
	if !p.IsSingleIP() {
		s.printf("Warning: /%d as prefix is invalid, only /32 (or none) is supported.\n", p.Bits())
	}
	r, source, err := s.console.namespace.Router().Lookup(p.Addr())
	if err != nil {
		return answer(err)
	}
	links := s.linkNames()
	device, kind, cache := links[r.Link], "", ""
	switch r.Type {
	case router.RouteLocal:
		device, kind, cache = links[router.LoopbackLink], "local ", "<local> "
	case router.RouteBroadcast:
		kind, cache = "broadcast ", "<local,brd> "
	}
	via := ""
	if r.Gateway.IsValid() {
		via = fmt.Sprintf("via %v ", r.Gateway)
	}
	from := ""
	if source.IsValid() {
		from = fmt.Sprintf("src %v ", source)
	}
	s.printf("%s%v %sdev %s %suid 0 %s    cache %s\n", kind, p.Addr(), via, device, from, s.newLine(), cache)
	return nil
}

// takeRoute reads what add and delete take. The zero value of a field is what
// was not given.
func (s *session) takeRoute(a *args) (router.Route, error) {
	var r router.Route
	for {
		w, given := a.next()
		if !given {
			break
		}
		key := w
		switch w {
		case "via", "dev", "oif", "src", "metric", "priority", "preference", "proto", "protocol", "scope", "table", "to":
			var err error
			if w, err = a.value(); err != nil {
				return r, err
			}
		case "onlink":
			r.OnLink = true
			continue
		case "nexthop", "nhid", "encap", "mtu", "advmss", "window", "rtt", "rttvar", "tos", "dsfield", "initcwnd", "initrwnd", "hoplimit",
			"congctl", "quickack", "realms", "weight", "pref", "expires", "features", "rto_min", "ttl-propagate", "vrf", "pervasive", "lock":
			return r, notYet(w)
		default:
			if t, isType := routeTypes[w]; isType && r.Type == 0 && !r.Destination.IsValid() {
				r.Type = t
				continue
			}
			key = "to"
		}
		if err := s.setRoute(&r, key, w); err != nil {
			return r, err
		}
	}
	if !r.Destination.IsValid() {
		r.Destination = netip.PrefixFrom(netip.IPv4Unspecified(), 0) // as ip(8) takes it
	}
	return r, nil
}

func (s *session) setRoute(r *router.Route, key, value string) (err error) {
	switch key {
	case "via":
		r.Gateway, err = addressArgument(value)
	case "dev", "oif":
		l, err := s.link(value)
		if err != nil {
			return err
		}
		r.Link = l.Index
	case "src":
		r.Source, err = addressArgument(value)
	case "metric", "priority", "preference":
		metric, bad := number(value, 32)
		if bad != nil {
			return wrongArgument(value, `"metric" value is invalid`)
		}
		r.Metric = uint32(metric)
	case "proto", "protocol":
		r.Protocol, err = protocolArgument(value, `"protocol" value is invalid`)
	case "scope":
		r.Scope, err = scopeArgument(value, `invalid "scope" value`)
	case "table":
		if value != "main" && value != "254" {
			return notYet("table " + value)
		}
	default:
		if r.Destination.IsValid() {
			return garbage("to", value)
		}
		r.Destination, err = routePrefix(value)
	}
	return err
}

func addRoute(s *session, a *args) error {
	if len(a.words) == 0 {
		return s.routeUsage()
	}
	r, err := s.takeRoute(a)
	if err != nil {
		return err
	}
	if r.Protocol == router.ProtocolUnspecified {
		r.Protocol = router.ProtocolBoot
	}
	err = s.console.namespace.Router().AddRoute(r)
	switch {
	case errors.Is(err, syscall.EINVAL) && r.Destination != r.Destination.Masked():
		return refuse("Error: Invalid prefix for given prefix length.")
	case errors.Is(err, syscall.ENETUNREACH):
		return refuse("Error: Nexthop has invalid gateway.")
	case errors.Is(err, syscall.EINVAL) && r.Link == 0 && !r.Gateway.IsValid() && (r.Type == 0 || r.Type == router.RouteUnicast):
		return answer(syscall.ENODEV)
	}
	return answer(err)
}

func deleteRoute(s *session, a *args) error {
	if len(a.words) == 0 {
		return s.routeUsage()
	}
	r, err := s.takeRoute(a)
	if err != nil {
		return err
	}
	return answer(s.console.namespace.Router().DeleteRoute(r))
}

func (s *session) routeUsage() error {
	s.printf("%s", s.console.root.find("ip").find("route").usage())
	return nil
}

// Words for the numbers of a route. A number is taken as it is. iproute2 words
// its refusals differently for show and for add.

var routeTypes = map[string]router.RouteType{
	"unicast": router.RouteUnicast, "local": router.RouteLocal, "broadcast": router.RouteBroadcast,
	"blackhole": router.RouteBlackhole, "unreachable": router.RouteUnreachable, "prohibit": router.RouteProhibit,
}

func protocolArgument(text, invalid string) (router.Protocol, error) {
	all := []router.Protocol{router.ProtocolUnspecified, router.ProtocolRedirect, router.ProtocolKernel,
		router.ProtocolBoot, router.ProtocolStatic, router.ProtocolRA, router.ProtocolDHCP}
	if i := slices.IndexFunc(all, func(p router.Protocol) bool { return p.String() == text }); i >= 0 {
		return all[i], nil
	}
	n, err := number(text, 8)
	if err != nil {
		return 0, wrongArgument(text, invalid)
	}
	return router.Protocol(n), nil
}

func scopeArgument(text, invalid string) (router.Scope, error) {
	all := []router.Scope{router.ScopeGlobal, router.ScopeSite, router.ScopeLink, router.ScopeHost, router.ScopeNowhere}
	if i := slices.IndexFunc(all, func(s router.Scope) bool { return s.String() == text }); i >= 0 {
		return all[i], nil
	}
	n, err := number(text, 8)
	if err != nil {
		return 0, wrongArgument(text, invalid)
	}
	return router.Scope(n), nil
}

func tableArgument(text string) (router.Table, error) {
	switch text {
	case "main", "254":
		return router.TableMain, nil
	case "local", "255":
		return router.TableLocal, nil
	case "all", "0", "unspec":
		return 0, nil
	}
	if _, err := number(text, 32); err != nil {
		return 0, wrongArgument(text, "table id value is invalid")
	}
	return 0, refuse("Error: ipv4: FIB table does not exist.\nDump terminated")
}
