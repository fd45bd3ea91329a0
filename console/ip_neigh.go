package console

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"barewire/nic"
	"barewire/router"
)

func showNeighbours(s *session, a *args) error {
	link, to, err := s.takeNeighbourFilter(a)
	if err != nil {
		return err
	}
	if s.ip.family == '6' {
		return nil
	}
	links := s.linkNames()
	for _, n := range s.console.namespace.Router().Neighbours() {
		if link != 0 && n.Link != link || to.IsValid() && !to.Contains(n.Address) || n.State == router.NeighbourNone {
			continue
		}
		known := n.MAC != nic.MAC{}
		if s.ip.brief {
			mac := ""
			if known {
				mac = formatMAC(n.MAC)
			}
			s.printf("%-39v %-16s %s\n", n.Address, links[n.Link], mac)
			continue
		}
		s.printf("%v ", n.Address)
		if link == 0 {
			s.printf("dev %s ", links[n.Link])
		}
		if known {
			s.printf("lladdr %s ", formatMAC(n.MAC))
		}
		s.printf("%v \n", n.State)
	}
	return nil
}

// takeNeighbourFilter reads [ to PREFIX ] [ dev LINK ].
func (s *session) takeNeighbourFilter(a *args) (link int, to netip.Prefix, err error) {
	for {
		w, given := a.next()
		if !given {
			return link, to, nil
		}
		switch w {
		case "nud", "proxy", "vrf", "nomaster", "unused":
			return 0, to, notYet(w)
		case "dev":
			if w, err = a.value(); err != nil {
				return 0, to, err
			}
			l, err := s.link(w)
			if err != nil {
				return 0, to, err
			}
			link = l.Index
			continue
		case "to":
			if w, err = a.value(); err != nil {
				return 0, to, err
			}
		}
		if to.IsValid() {
			return 0, to, garbage("to", w)
		}
		if to, err = routePrefix(w); err != nil {
			return 0, to, err
		}
	}
}

// takeNeighbour reads what add and delete take.
func (s *session) takeNeighbour(a *args) (router.Neighbour, bool, error) {
	n := router.Neighbour{State: router.NeighbourPermanent}
	hasMAC := false
	for {
		w, given := a.next()
		if !given {
			break
		}
		var err error
		switch w {
		case "dev":
			if w, err = a.value(); err != nil {
				return n, false, err
			}
			l, err := s.link(w)
			if err != nil {
				return n, false, err
			}
			n.Link = l.Index
			continue
		case "lladdr":
			if w, err = a.value(); err != nil {
				return n, false, err
			}
			mac, bad := net.ParseMAC(w)
			if bad != nil || len(mac) != len(n.MAC) {
				return n, false, refuse(`"%s" is invalid lladdr.`, w)
			}
			n.MAC, hasMAC = nic.MAC(mac), true
			continue
		case "nud":
			if w, err = a.value(); err != nil {
				return n, false, err
			}
			if w != "permanent" {
				return n, false, notYet("nud " + w)
			}
			continue
		case "proxy", "router", "use", "managed", "extern_learn", "protocol":
			return n, false, notYet(w)
		case "to":
			if w, err = a.value(); err != nil {
				return n, false, err
			}
		}
		if n.Address.IsValid() {
			return n, false, garbage("to", w)
		}
		if n.Address, err = addressArgument(w); err != nil {
			return n, false, err
		}
	}
	if !n.Address.IsValid() || n.Link == 0 {
		return n, false, refuse("Device and destination are required arguments.")
	}
	return n, hasMAC, nil
}

func addNeighbour(s *session, a *args) error {
	n, hasMAC, err := s.takeNeighbour(a)
	switch {
	case err != nil:
		return err
	case !hasMAC:
		return refuse("Error: No link layer address given.")
	}
	return answer(s.console.namespace.Router().AddNeighbour(n))
}

func deleteNeighbour(s *session, a *args) error {
	n, _, err := s.takeNeighbour(a)
	if err != nil {
		return err
	}
	return s.forget(n.Link, n.Address)
}

// forget deletes one neighbour.
func (s *session) forget(link int, address netip.Addr) error {
	r := s.console.namespace.Router()
	err := r.DeleteNeighbour(link, address)
	isThis := func(n router.Neighbour) bool { return n.Link == link && n.Address == address }
	if errors.Is(err, syscall.ENOENT) && slices.ContainsFunc(r.Neighbours(), isThis) {
		return refuse("Error: %v was learned: deleting learned neighbours is not supported yet.", address)
	}
	return answer(err)
}

// flushNeighbours forgets all neighbours but the permanent ones.
func flushNeighbours(s *session, a *args) error {
	if len(a.words) == 0 {
		return refuse("Flush requires arguments.")
	}
	if a.words[0] == "all" {
		a.next()
	}
	link, to, err := s.takeNeighbourFilter(a)
	if err != nil {
		return err
	}
	for _, n := range s.console.namespace.Router().Neighbours() {
		if link != 0 && n.Link != link || to.IsValid() && !to.Contains(n.Address) || n.State == router.NeighbourPermanent {
			continue
		}
		if err := s.forget(n.Link, n.Address); err != nil {
			return err
		}
	}
	return nil
}
