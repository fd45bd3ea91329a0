package config

import (
	"errors"
	"fmt"

	"barewire/router"
	"barewire/stack"
)

// Ports are the facts of a namespace's ports, for Load.
func Ports(n *stack.Namespace) []PortFact {
	var ports []PortFact
	for _, l := range n.Router().Links() {
		if !l.Loopback {
			ports = append(ports, PortFact{Link: l.Index, Name: l.Name, MAC: l.MAC, MTUBytes: l.MaxMTUBytes})
		}
	}
	return ports
}

// Now is the state that a namespace has.
func Now(n *stack.Namespace) State {
	var s State
	r := n.Router()
	addresses := r.Addresses()
	for _, l := range r.Links() {
		if l.Loopback {
			continue
		}
		state := LinkState{Link: l.Index, Name: l.Name, Up: l.AdminUp, MTUBytes: l.MTUBytes}
		for _, a := range addresses {
			if a.Link == l.Index {
				state.Addresses = append(state.Addresses, a.Prefix)
			}
		}
		s.Links = append(s.Links, state)
	}
	for _, route := range r.Routes() {
		if configurable(route) {
			route.Dead, route.LinkDown = false, false // the link's state, not the route's
			s.Routes = append(s.Routes, route)
		}
	}
	return s
}

// configurable tells whether a configuration decides about a route: those that
// come with an address, and those of routing protocols, are not its own.
func configurable(r router.Route) bool {
	return r.Table == router.TableMain && (r.Protocol == router.ProtocolStatic || r.Protocol == router.ProtocolBoot)
}

// Apply brings a namespace to the desired state. When the router refuses a
// change, those before it are taken back, and the error says which it was.
func Apply(n *stack.Namespace, d Desired) error {
	before := Now(n)
	err := makeAll(n, Diff(before, d))
	if err == nil {
		return nil
	}
	if undo := makeAll(n, diff(Now(n), before)); undo != nil {
		return errors.Join(err, fmt.Errorf("and going back: %w", undo))
	}
	return err
}

func makeAll(n *stack.Namespace, changes []Change) error {
	for _, c := range changes {
		if err := c.make(n.Router()); err != nil {
			return fmt.Errorf("%v: %w", c, err)
		}
	}
	return nil
}

func (c Change) make(r *router.Router) error {
	switch c.Kind {
	case DeleteRoute:
		return r.DeleteRoute(c.Route)
	case SetDown:
		return r.SetUp(c.Link, false)
	case DeleteAddress:
		return r.DeleteAddress(c.Link, c.Address)
	case SetName:
		return r.SetName(c.Link, c.NewName)
	case SetMTU:
		return r.SetMTU(c.Link, c.MTUBytes)
	case AddAddress:
		return r.AddAddress(c.Link, c.Address)
	case SetUp:
		return r.SetUp(c.Link, true)
	case AddRoute:
		return r.AddRoute(c.Route)
	}
	return fmt.Errorf("no such kind of change: %d", c.Kind)
}
