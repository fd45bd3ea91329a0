package router

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"barewire/internal/testnet"
	"barewire/nic"
	"barewire/packet"
)

// words are routes as `ip route show table all` nearly has them.
func words(r *Router) []string {
	var list []string
	for _, route := range r.Routes() {
		s := route.String()
		if route.Link != 0 {
			s += " dev " + r.Links()[route.Link-1].Name
		}
		if route.Table == TableLocal {
			s += " table local"
		}
		s += " proto " + route.Protocol.String() + " scope " + route.Scope.String()
		if route.Source.IsValid() {
			s += " src " + route.Source.String()
		}
		if route.Dead {
			s += " dead"
		}
		if route.LinkDown {
			s += " linkdown"
		}
		list = append(list, s)
	}
	return list
}

func TestRoutesOfAddresses(t *testing.T) {
	l := newLab(t, labOptions{})
	l.must(l.r.AddAddress(linkR0, netip.MustParsePrefix("192.168.1.2/24")))
	l.must(l.r.AddAddress(linkR0, netip.MustParsePrefix("10.0.0.1/32")))
	l.must(l.r.AddAddress(linkR0, netip.MustParsePrefix("10.0.0.4/31")))
	want := `0.0.0.0/0 via 203.0.113.254 dev r1 proto static scope global
10.0.0.4/31 dev r0 proto kernel scope link src 10.0.0.4
192.168.1.0/24 dev r0 proto kernel scope link src 192.168.1.1
203.0.113.0/24 dev r1 proto kernel scope link src 203.0.113.1
local 10.0.0.1/32 dev r0 table local proto kernel scope host src 10.0.0.1
local 10.0.0.4/32 dev r0 table local proto kernel scope host src 10.0.0.4
local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
local 127.0.0.1/32 dev lo table local proto kernel scope host src 127.0.0.1
broadcast 127.255.255.255/32 dev lo table local proto kernel scope link src 127.0.0.1
local 192.168.1.1/32 dev r0 table local proto kernel scope host src 192.168.1.1
local 192.168.1.2/32 dev r0 table local proto kernel scope host src 192.168.1.2
broadcast 192.168.1.255/32 dev r0 table local proto kernel scope link src 192.168.1.1
local 203.0.113.1/32 dev r1 table local proto kernel scope host src 203.0.113.1
broadcast 203.0.113.255/32 dev r1 table local proto kernel scope link src 203.0.113.1`
	if got := strings.Join(words(l.r), "\n"); got != want {
		t.Errorf("routes:\n%s\nwant:\n%s", got, want)
	}

	// The first address goes, the second of the subnet takes its place.
	l.must(l.r.DeleteAddress(linkR0, netip.MustParsePrefix("192.168.1.1/24")))
	got := words(l.r)
	if !slices.Contains(got, "192.168.1.0/24 dev r0 proto kernel scope link src 192.168.1.2") ||
		!slices.Contains(got, "broadcast 192.168.1.255/32 dev r0 table local proto kernel scope link src 192.168.1.2") ||
		strings.Contains(strings.Join(got, "\n"), "192.168.1.1/32") {
		t.Errorf("routes after the first address went:\n%s", strings.Join(got, "\n"))
	}
	for _, p := range []string{"192.168.1.2/24", "10.0.0.1/32", "10.0.0.4/31"} {
		l.must(l.r.DeleteAddress(linkR0, netip.MustParsePrefix(p)))
	}
	for _, w := range words(l.r) {
		if strings.Contains(w, "dev r0") {
			t.Errorf("left: %s", w)
		}
	}
	if hop := l.r.tables.Load().fib.lookup(testnet.Addr("192.168.1.2")); hop.link != linkR1 {
		t.Errorf("the FIB still has %+v", hop)
	}
}

func TestAddresses(t *testing.T) {
	l := newLab(t, labOptions{})
	l.must(l.r.AddAddress(linkR0, netip.MustParsePrefix("192.168.1.2/24")))
	l.must(l.r.AddAddress(LoopbackLink, netip.MustParsePrefix("10.255.0.1/32")))
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	want := []Address{
		{Link: 1, Prefix: prefix("127.0.0.1/8"), Scope: ScopeHost},
		{Link: 1, Prefix: prefix("10.255.0.1/32")},
		{Link: 2, Prefix: prefix("192.168.1.1/24"), Broadcast: addr("192.168.1.255")},
		{Link: 2, Prefix: prefix("192.168.1.2/24"), Broadcast: addr("192.168.1.255"), Secondary: true},
		{Link: 3, Prefix: prefix("203.0.113.1/24"), Broadcast: addr("203.0.113.255")},
	}
	if got := l.r.Addresses(); !slices.Equal(got, want) {
		t.Errorf("addresses %v, want %v", got, want)
	}
}

func TestControlErrors(t *testing.T) {
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	for name, c := range map[string]struct {
		act  func(*Router) error
		want error
	}{
		"address twice":        {func(r *Router) error { return r.AddAddress(linkR0, prefix(addrR0+"/24")) }, syscall.EEXIST},
		"address on no link":   {func(r *Router) error { return r.AddAddress(9, prefix("10.0.0.1/8")) }, syscall.ENODEV},
		"address on link 0":    {func(r *Router) error { return r.AddAddress(0, prefix("10.0.0.1/8")) }, syscall.ENODEV},
		"IPv6 address":         {func(r *Router) error { return r.AddAddress(linkR0, prefix("2001:db8::1/64")) }, syscall.EAFNOSUPPORT},
		"no address":           {func(r *Router) error { return r.AddAddress(linkR0, netip.Prefix{}) }, syscall.EAFNOSUPPORT},
		"address 0.0.0.0":      {func(r *Router) error { return r.AddAddress(linkR0, prefix("0.0.0.0/8")) }, syscall.EINVAL},
		"multicast address":    {func(r *Router) error { return r.AddAddress(linkR0, prefix("224.0.0.1/8")) }, syscall.EINVAL},
		"broadcast address":    {func(r *Router) error { return r.AddAddress(linkR0, prefix("255.255.255.255/32")) }, syscall.EINVAL},
		"loopback address":     {func(r *Router) error { return r.AddAddress(linkR0, prefix("127.0.0.2/8")) }, syscall.EINVAL},
		"delete no address":    {func(r *Router) error { return r.DeleteAddress(linkR0, prefix(addrR1+"/24")) }, syscall.EADDRNOTAVAIL},
		"delete other length":  {func(r *Router) error { return r.DeleteAddress(linkR0, prefix(addrR0+"/25")) }, syscall.EADDRNOTAVAIL},
		"route twice":          {func(r *Router) error { return r.AddRoute(Route{Destination: prefix("0.0.0.0/0"), Link: linkR0}) }, syscall.EEXIST},
		"route like a subnet":  {func(r *Router) error { return r.AddRoute(Route{Destination: prefix("192.168.1.0/24"), Link: linkR1}) }, syscall.EEXIST},
		"route without prefix": {func(r *Router) error { return r.AddRoute(Route{Link: linkR0}) }, syscall.EAFNOSUPPORT},
		"route with host bits": {func(r *Router) error { return r.AddRoute(Route{Destination: prefix("10.0.0.1/8"), Link: linkR0}) }, syscall.EINVAL},
		"route to nowhere":     {func(r *Router) error { return r.AddRoute(Route{Destination: prefix("10.0.0.0/8")}) }, syscall.EINVAL},
		"route on no link":     {func(r *Router) error { return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Link: 7}) }, syscall.ENODEV},
		"route on lo":          {func(r *Router) error { return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Link: 1}) }, syscall.EOPNOTSUPP},
		"route into 127/8":     {func(r *Router) error { return r.AddRoute(Route{Destination: prefix("127.1.0.0/16"), Link: linkR0}) }, syscall.EOPNOTSUPP},
		"local route": {func(r *Router) error {
			return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Link: linkR0, Type: RouteLocal})
		}, syscall.EOPNOTSUPP},
		"route in local table": {func(r *Router) error {
			return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Link: linkR0, Table: TableLocal})
		}, syscall.EOPNOTSUPP},
		"gateway off link": {func(r *Router) error {
			return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Gateway: addr("10.0.0.1")})
		}, syscall.ENETUNREACH},
		"gateway on other link": {func(r *Router) error {
			return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Gateway: addr(addrG), Link: linkR0})
		}, syscall.ENETUNREACH},
		"gateway on no link": {func(r *Router) error {
			return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Gateway: addr(addrG), Link: 8})
		}, syscall.ENODEV},
		"gateway ours": {func(r *Router) error {
			return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Gateway: addr(addrR1)})
		}, syscall.EINVAL},
		"gateway IPv6": {func(r *Router) error {
			return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Gateway: addr("fe80::1"), Link: 2})
		}, syscall.EINVAL},
		"onlink without link": {func(r *Router) error {
			return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Gateway: addr(addrG), OnLink: true})
		}, syscall.EINVAL},
		"blackhole with gateway": {func(r *Router) error {
			return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Gateway: addr(addrG), Type: RouteBlackhole})
		}, syscall.EINVAL},
		"foreign source": {func(r *Router) error {
			return r.AddRoute(Route{Destination: prefix("10.0.0.0/8"), Link: linkR0, Source: addr(addrH)})
		}, syscall.EINVAL},
		"delete no route": {func(r *Router) error { return r.DeleteRoute(Route{Destination: prefix("10.0.0.0/8")}) }, syscall.ESRCH},
		"delete other gateway": {func(r *Router) error {
			return r.DeleteRoute(Route{Destination: prefix("0.0.0.0/0"), Gateway: addr(addrH)})
		}, syscall.ESRCH},
		"delete nothing":         {func(r *Router) error { return r.DeleteRoute(Route{}) }, syscall.ESRCH},
		"link up":                {func(r *Router) error { return r.SetUp(4, true) }, syscall.ENODEV},
		"small MTU":              {func(r *Router) error { return r.SetMTU(linkR0, 67) }, syscall.EINVAL},
		"MTU above the device's": {func(r *Router) error { return r.SetMTU(linkR0, 1501) }, syscall.EINVAL},
		"MTU of no link":         {func(r *Router) error { return r.SetMTU(-1, 1500) }, syscall.ENODEV},
		"neighbour on lo": {func(r *Router) error {
			return r.AddNeighbour(Neighbour{Address: addr("127.0.0.2"), Link: 1, MAC: macK})
		}, syscall.EINVAL},
		"neighbour with group": {func(r *Router) error {
			return r.AddNeighbour(Neighbour{Address: addr(addrK), Link: 2, MAC: testnet.BroadcastMAC})
		}, syscall.EINVAL},
		"neighbour IPv6":    {func(r *Router) error { return r.AddNeighbour(Neighbour{Address: addr("fe80::1"), Link: 2, MAC: macK}) }, syscall.EAFNOSUPPORT},
		"name of another":   {func(r *Router) error { return r.SetName(linkR0, "r1") }, syscall.EEXIST},
		"name of lo":        {func(r *Router) error { return r.SetName(1, "lo0") }, syscall.EINVAL},
		"name of no link":   {func(r *Router) error { return r.SetName(5, "r5") }, syscall.ENODEV},
		"name with a slash": {func(r *Router) error { return r.SetName(linkR0, "a/b") }, syscall.EINVAL},
		"link twice":        {func(r *Router) error { _, err := r.AddPort("r0", testnet.NewPort(macK, 1500, 8)); return err }, syscall.EEXIST},
		"link without name": {func(r *Router) error { _, err := r.AddPort("", testnet.NewPort(macK, 1500, 8)); return err }, syscall.EINVAL},
		"link with long name": {func(r *Router) error {
			_, err := r.AddPort("abcdefghijklmnop", testnet.NewPort(macK, 1500, 8))
			return err
		}, syscall.EINVAL},
		"link of tiny packets": {func(r *Router) error { _, err := r.AddPort("r9", testnet.NewPort(macK, 60, 8)); return err }, syscall.EINVAL},
		"look up IPv6":         {func(r *Router) error { _, _, err := r.Lookup(addr("::1")); return err }, syscall.EAFNOSUPPORT},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, labOptions{})
			before := words(l.r)
			if err := c.act(l.r); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if after := words(l.r); !slices.Equal(before, after) {
				t.Errorf("routes changed to %v", after)
			}
		})
	}
}

// Lower metric first; what is down gives way and comes back.
func TestMetricAndLinkState(t *testing.T) {
	l := newLab(t, labOptions{})
	d := netip.MustParsePrefix("198.51.100.0/24")
	l.must(l.r.AddRoute(Route{Destination: d, Gateway: netip.MustParseAddr(addrG), Metric: 100}))
	l.must(l.r.AddRoute(Route{Destination: d, Gateway: netip.MustParseAddr(addrK), Metric: 200}))
	want := func(link int, gateway string) {
		t.Helper()
		route, source, err := l.r.Lookup(netip.MustParseAddr(addrS))
		if err != nil || route.Link != link || route.Gateway.String() != gateway {
			t.Errorf("Lookup = %v on %d, %v", route, route.Link, err)
		}
		if wantSource := map[int]string{linkR0: addrR0, linkR1: addrR1}[link]; source.String() != wantSource {
			t.Errorf("source %v, want %v", source, wantSource)
		}
	}
	want(linkR1, addrG)
	l.r1.SetCarrier(nic.CarrierDown)
	l.poll()
	want(linkR0, addrK)
	if got := words(l.r); !slices.Contains(got, "198.51.100.0/24 via 203.0.113.254 metric 100 dev r1 proto unspec scope global linkdown") {
		t.Errorf("routes:\n%s", strings.Join(got, "\n"))
	}
	if info := l.r.Links()[linkR1-1]; !info.AdminUp || info.Carrier != nic.CarrierDown {
		t.Errorf("link without carrier: %+v", info)
	}
	l.r1.SetCarrier(nic.CarrierUp)
	l.poll()
	want(linkR1, addrG)
	l.must(l.r.SetUp(linkR1, false))
	want(linkR0, addrK)
	if got := words(l.r); !slices.Contains(got, "198.51.100.0/24 via 203.0.113.254 metric 100 dev r1 proto unspec scope global dead linkdown") {
		t.Errorf("routes:\n%s", strings.Join(got, "\n"))
	}
	l.must(l.r.SetUp(linkR1, true))
	want(linkR1, addrG)
	l.must(l.r.DeleteRoute(Route{Destination: d, Metric: 100}))
	want(linkR0, addrK)
	l.must(l.r.DeleteRoute(Route{Destination: d}))
	want(linkR1, addrG) // the default route

	// An address of ours answers whatever its link's state.
	l.must(l.r.SetUp(linkR0, false))
	if route, _, err := l.r.Lookup(netip.MustParseAddr(addrR0)); err != nil || route.Type != RouteLocal {
		t.Errorf("Lookup of our address: %v, %v", route, err)
	}
}

func TestLookupErrors(t *testing.T) {
	l := newLab(t, labOptions{})
	for kind, want := range map[RouteType]error{RouteBlackhole: syscall.EINVAL, RouteUnreachable: syscall.EHOSTUNREACH, RouteProhibit: syscall.EACCES} {
		d := netip.MustParsePrefix("198.51.100.0/24")
		l.must(l.r.AddRoute(Route{Destination: d, Type: kind}))
		if _, _, err := l.r.Lookup(netip.MustParseAddr(addrS)); !errors.Is(err, want) {
			t.Errorf("%v: error %v, want %v", kind, err, want)
		}
		l.must(l.r.DeleteRoute(Route{Destination: d, Type: kind}))
	}
	l.must(l.r.DeleteRoute(Route{Destination: netip.MustParsePrefix("0.0.0.0/0")}))
	if _, _, err := l.r.Lookup(netip.MustParseAddr(addrS)); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("no route: error %v", err)
	}
}

func TestGatewayThroughHostRoute(t *testing.T) {
	l := newLab(t, labOptions{})
	l.must(l.r.AddRoute(Route{Destination: netip.MustParsePrefix("10.9.9.1/32"), Link: linkR0}))
	l.must(l.r.AddRoute(Route{Destination: netip.MustParsePrefix("10.0.0.0/8"), Gateway: netip.MustParseAddr("10.9.9.1")}))
	l.must(l.r.AddRoute(Route{Destination: netip.MustParsePrefix("11.0.0.0/8"), Gateway: netip.MustParseAddr("10.8.8.1"), Link: linkR0, OnLink: true}))
	for d, gateway := range map[string]string{"10.1.1.1": "10.9.9.1", "11.1.1.1": "10.8.8.1"} {
		route, source, err := l.r.Lookup(netip.MustParseAddr(d))
		if err != nil || route.Link != linkR0 || route.Gateway.String() != gateway || source.String() != addrR0 {
			t.Errorf("Lookup(%s) = %v on %d from %v, %v", d, route, route.Link, source, err)
		}
	}
}

// Routes whose source goes, go with it.
func TestSourceGoes(t *testing.T) {
	l := newLab(t, labOptions{})
	l.must(l.r.AddAddress(linkR1, netip.MustParsePrefix("203.0.113.2/24")))
	l.must(l.r.AddRoute(Route{Destination: netip.MustParsePrefix("10.0.0.0/8"), Gateway: netip.MustParseAddr(addrG), Source: netip.MustParseAddr("203.0.113.2")}))
	if _, source, err := l.r.Lookup(netip.MustParseAddr("10.1.1.1")); err != nil || source.String() != "203.0.113.2" {
		t.Errorf("source %v, %v", source, err)
	}
	l.must(l.r.DeleteAddress(linkR1, netip.MustParsePrefix("203.0.113.2/24")))
	if route, _, err := l.r.Lookup(netip.MustParseAddr("10.1.1.1")); err != nil || l.r.rib[netip.MustParsePrefix("10.0.0.0/8")] != nil {
		t.Errorf("Lookup = %v, %v", route, err)
	}
}

// slowLookup is the twin of RIB and FIB: all routes, one after the other.
func slowLookup(routes []Route, usable func(Route) bool, a netip.Addr) (best Route, ok bool) {
	for _, r := range routes {
		if !r.Destination.Contains(a) || !usable(r) {
			continue
		}
		if !ok || r.Destination.Bits() > best.Destination.Bits() ||
			r.Destination.Bits() == best.Destination.Bits() && (r.Table > best.Table || r.Table == best.Table && r.Metric < best.Metric) {
			best, ok = r, true
		}
	}
	return best, ok
}

// Any sequence of changes: the FIB answers as a walk over all routes does.
func TestFIBProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := New(Options{})
		defer func() {
			if t.Failed() {
				t.Log(strings.Join(words(r), "\n"))
			}
		}()
		for _, name := range []string{"r0", "r1", "r2"} {
			index, err := r.AddPort(name, testnet.NewPort(macK, 1500, 8))
			if err != nil || r.SetUp(index, true) != nil {
				t.Fatal(err)
			}
		}
		var routes []Route
		address := func() packet.Addr4 {
			return packet.Addr4(0x0a000000 | rapid.Uint32Range(0, 0x3f).Draw(t, "low") | rapid.Uint32Range(0, 3).Draw(t, "high")<<16)
		}
		prefix := func() netip.Prefix {
			return netip.PrefixFrom(address().Netip(), rapid.IntRange(8, 32).Draw(t, "bits")).Masked()
		}
		link := func() int { return rapid.IntRange(2, 4).Draw(t, "link") }
		up := map[int]bool{2: true, 3: true, 4: true}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				route := Route{Destination: prefix(), Metric: rapid.Uint32Range(0, 2).Draw(t, "metric"), Type: RouteUnicast}
				if rapid.Bool().Draw(t, "discard") {
					route.Type = RouteBlackhole
				} else {
					route.Link = link()
				}
				exists := slices.ContainsFunc(routes, func(have Route) bool {
					return have.Destination == route.Destination && have.Metric == route.Metric && have.Table == TableMain
				})
				if err := r.AddRoute(route); (err != nil) != exists {
					t.Fatalf("add %v: %v, exists %v", route, err, exists)
				}
				if !exists {
					routes = append(routes, route.normalized())
				}
			},
			"delete": func(t *rapid.T) {
				if len(routes) == 0 {
					t.Skip("no routes")
				}
				i := rapid.IntRange(0, len(routes)-1).Draw(t, "which")
				route := routes[i]
				if route.Table != TableMain || route.Protocol == ProtocolKernel || route.Metric == 0 {
					t.Skip("comes with an address, or is not the only one that matches")
				}
				if err := r.DeleteRoute(route); err != nil {
					t.Fatal(err)
				}
				routes = slices.Delete(routes, i, i+1)
			},
			"address": func(t *rapid.T) {
				a := Address{Link: link(), Prefix: netip.PrefixFrom((address() | 0x40).Netip(), 32)}
				if r.AddAddress(a.Link, a.Prefix) == nil {
					routes = append(routes, routesOf(a)[0].normalized())
				}
			},
			"link": func(t *rapid.T) {
				i := link()
				up[i] = !up[i]
				if err := r.SetUp(i, up[i]); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				usable := func(route Route) bool { return route.Link == 0 || route.Type == RouteLocal || up[route.Link] }
				for range 20 {
					a := address() | packet.Addr4(rapid.SampledFrom([]uint32{0, 0x40}).Draw(t, "bit"))
					hop := r.tables.Load().fib.lookup(a)
					want, ok := slowLookup(routes, usable, a.Netip())
					if ok != (hop.kind != 0) || ok && (hop.kind != want.Type || want.Type != RouteLocal && int(hop.link) != want.Link) {
						t.Fatalf("%v: FIB says %+v, want %v on %d, %v", a, hop, want, want.Link, ok)
					}
				}
			},
		})
	})
}

// The words are iproute2's.
func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		ProtocolUnspecified.String(): "unspec", ProtocolRedirect.String(): "redirect", ProtocolKernel.String(): "kernel",
		ProtocolBoot.String(): "boot", ProtocolStatic.String(): "static", ProtocolRA.String(): "ra", ProtocolDHCP.String(): "dhcp",
		Protocol(186).String(): "186", ScopeGlobal.String(): "global", ScopeSite.String(): "site", ScopeLink.String(): "link",
		ScopeHost.String(): "host", ScopeNowhere.String(): "nowhere", Scope(7).String(): "7",
		RouteUnicast.String(): "unicast", RouteLocal.String(): "local", RouteBroadcast.String(): "broadcast",
		RouteBlackhole.String(): "blackhole", RouteUnreachable.String(): "unreachable", RouteProhibit.String(): "prohibit",
		RouteType(9).String(): "9", NeighbourNone.String(): "NONE", NeighbourIncomplete.String(): "INCOMPLETE",
		NeighbourReachable.String(): "REACHABLE", NeighbourStale.String(): "STALE", NeighbourDelay.String(): "DELAY",
		NeighbourProbe.String(): "PROBE", NeighbourFailed.String(): "FAILED", NeighbourPermanent.String(): "PERMANENT",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A link without addresses borrows one for what we send by it; with none
// anywhere, packets still pass, and errors are not sent.
func TestUnnumbered(t *testing.T) {
	l := newLab(t, labOptions{}).know()
	l.must(l.r.DeleteAddress(linkR0, netip.MustParsePrefix(addrR0+"/24")))
	l.must(l.r.AddRoute(Route{Destination: netip.MustParsePrefix("192.168.1.0/24"), Link: linkR0}))
	l.in(testnet.IPv4{From: addrH, To: addrS, TTL: 1}.UDP(5, 5, nil).Frame(macR0, macH))
	l.wantError(l.ipv4(l.one(l.r0)), 11, 0, addrR1, addrH)
	l.in1(testnet.IPv4{From: addrS, To: addrK}.UDP(5, 5, nil).Frame(macR1, macG))
	l.wantARP(l.r0, testnet.Request(macR0, addrR1, addrK))

	l.must(l.r.DeleteAddress(linkR1, netip.MustParsePrefix(addrR1+"/24")))
	l.in(testnet.IPv4{From: addrH, To: addrS, TTL: 1}.UDP(5, 5, nil).Frame(macR0, macH))
	l.none(l.r0)
	l.in(udp(0).Frame(macR0, macH))
	l.one(l.r1)
}
