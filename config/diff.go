package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"barewire/router"
)

// State is what a namespace has now, as far as a configuration speaks of it:
// the ports with their addresses, and the routes that somebody asked for.
// Routes that come with an address are not in it.
type State struct {
	Links  []LinkState // by index, without lo
	Routes []router.Route
}

// LinkState is a link's state.
type LinkState struct {
	Link      int
	Name      string
	Up        bool
	MTUBytes  int
	Addresses []netip.Prefix
}

// ChangeKind is what a change does.
type ChangeKind uint8

// Kinds of changes, in the order in which they are made: nothing is sent where
// it no longer belongs, and a route finds its gateway's network in place.
const (
	DeleteRoute ChangeKind = iota + 1
	SetDown
	DeleteAddress
	SetName
	SetMTU
	AddAddress
	SetUp
	AddRoute
)

// Change is one step from a State towards a Desired.
type Change struct {
	Kind     ChangeKind
	Link     int
	Name     string       // of the link at that moment, for the operator
	NewName  string       // SetName
	MTUBytes int          // SetMTU
	Address  netip.Prefix // DeleteAddress, AddAddress
	Route    router.Route // DeleteRoute, AddRoute
}

// String is the ip(8) command that does the same.
func (c Change) String() string {
	switch c.Kind {
	case SetDown:
		return fmt.Sprintf("ip link set %s down", c.Name)
	case SetUp:
		return fmt.Sprintf("ip link set %s up", c.Name)
	case SetName:
		return fmt.Sprintf("ip link set %s name %s", c.Name, c.NewName)
	case SetMTU:
		return fmt.Sprintf("ip link set %s mtu %d", c.Name, c.MTUBytes)
	case AddAddress:
		return fmt.Sprintf("ip address add %v dev %s", c.Address, c.Name)
	case DeleteAddress:
		return fmt.Sprintf("ip address del %v dev %s", c.Address, c.Name)
	case AddRoute:
		return "ip route add " + routeWords(c.Route, c.Name)
	case DeleteRoute:
		return "ip route del " + routeWords(c.Route, c.Name)
	}
	return fmt.Sprintf("change of kind %d", c.Kind)
}

// routeWords is the route as ip(8) takes it.
func routeWords(r router.Route, dev string) string {
	s := r.Destination.String()
	if r.Destination == anywhere {
		s = "default"
	}
	if r.Type != router.RouteUnicast {
		s = r.Type.String() + " " + s
	}
	if r.Gateway.IsValid() {
		s += " via " + r.Gateway.String()
	}
	if r.Link != 0 {
		s += " dev " + dev
	}
	if r.Metric != 0 {
		s += fmt.Sprintf(" metric %d", r.Metric)
	}
	if r.OnLink {
		s += " onlink"
	}
	return s
}

// Diff lists what separates the state now from the desired one, in the order
// in which it is to be done. Nothing to do is an empty list.
func Diff(now State, d Desired) []Change { return diff(now, d.over(now)) }

// over is the state that a namespace which has the state now gets.
func (d Desired) over(now State) State {
	want := map[int]Ethernet{}
	var next State
	for _, e := range d.Ethernets {
		want[e.Link] = e
		for _, r := range e.Routes {
			next.Routes = append(next.Routes, r.through(e.Link))
		}
	}
	for _, l := range now.Links {
		e, configured := want[l.Link]
		l.Up, l.Addresses = configured, e.Addresses
		if e.MTUBytes != 0 {
			l.MTUBytes = e.MTUBytes
		}
		if e.SetName != "" {
			l.Name = e.SetName
		}
		next.Links = append(next.Links, l)
	}
	return next
}

// through is the route as the router has it.
func (r Route) through(link int) router.Route {
	return router.Route{
		Destination: r.To, Gateway: r.Via, Link: link, Metric: r.Metric, OnLink: r.OnLink,
		Protocol: router.ProtocolStatic, Type: router.RouteUnicast, Table: router.TableMain,
	}
}

// diff lists the changes from one state to another of the same links.
func diff(now, next State) []Change {
	var changes []Change
	names, renamed := map[int]string{}, map[int]string{}
	for i, l := range now.Links {
		names[l.Link], renamed[l.Link] = l.Name, next.Links[i].Name
		changes = append(changes, diffLink(l, next.Links[i])...)
	}
	changes = append(changes, diffNames(names, renamed)...)
	changes = append(changes, diffRoutes(now.Routes, next.Routes)...)
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.Kind, b.Kind) })
	for i := range changes {
		c := &changes[i]
		switch {
		case c.Kind < SetName:
			c.Name = names[c.Link]
		case c.Kind > SetName:
			c.Name = renamed[c.Link]
		}
	}
	return changes
}

func diffLink(now, next LinkState) []Change {
	var changes []Change
	add := func(c Change) {
		c.Link = now.Link
		changes = append(changes, c)
	}
	switch {
	case now.Up && !next.Up:
		add(Change{Kind: SetDown})
	case !now.Up && next.Up:
		add(Change{Kind: SetUp})
	}
	if now.MTUBytes != next.MTUBytes {
		add(Change{Kind: SetMTU, MTUBytes: next.MTUBytes})
	}
	// The order of addresses counts: the first of a network is the source of
	// what the router sends. What is kept is a head of what is wanted.
	kept := 0
	for _, a := range now.Addresses {
		if kept < len(next.Addresses) && a == next.Addresses[kept] {
			kept++
		} else {
			add(Change{Kind: DeleteAddress, Address: a})
		}
	}
	for _, a := range next.Addresses[kept:] {
		add(Change{Kind: AddAddress, Address: a})
	}
	return changes
}

// diffNames orders renames so that a name is free when it is given. Links that
// change names in a circle go through a name of their own.
func diffNames(now, next map[int]string) []Change {
	var changes []Change
	current := maps.Clone(now)
	rename := func(link int, name string) {
		changes = append(changes, Change{Kind: SetName, Link: link, Name: current[link], NewName: name})
		current[link] = name
	}
	for {
		var waiting []int
		progress := false
		for _, link := range slices.Sorted(maps.Keys(next)) {
			name := next[link]
			switch {
			case current[link] == name:
			case slices.Contains(slices.Collect(maps.Values(current)), name):
				waiting = append(waiting, link)
			default:
				rename(link, name)
				progress = true
			}
		}
		if len(waiting) == 0 {
			return changes
		}
		if !progress {
			rename(waiting[0], fmt.Sprintf("rename%d", waiting[0]))
		}
	}
}

func diffRoutes(now, next []router.Route) []Change {
	var changes []Change
	for _, r := range now {
		if !slices.Contains(next, r) {
			changes = append(changes, Change{Kind: DeleteRoute, Link: r.Link, Route: r})
		}
	}
	for _, r := range next {
		if !slices.Contains(now, r) {
			changes = append(changes, Change{Kind: AddRoute, Link: r.Link, Route: r})
		}
	}
	return changes
}
