package console

import (
	"errors"
	"net/netip"
	"syscall"

	"barewire/router"
)

func showAddresses(s *session, a *args) error {
	f, err := s.takeLinkFilter(a)
	if err != nil {
		return err
	}
	all := s.console.namespace.Router().Addresses()
	for _, l := range s.links() {
		if !f.accepts(l) {
			continue
		}
		var addresses []router.Address
		for _, a := range all {
			if a.Link == l.Index && s.ip.family != '6' {
				addresses = append(addresses, a)
			}
		}
		if s.ip.family != 0 && len(addresses) == 0 {
			continue // with a family only links that have an address of it
		}
		switch {
		case s.ip.brief:
			s.printf("%-16s %-14s ", l.Name, operState(l))
			for _, a := range addresses {
				s.printf("%v ", a.Prefix)
			}
			s.printf("\n")
		case s.ip.oneLine:
			for _, a := range addresses {
				s.printf("%d: %s    ", l.Index, l.Name)
				s.printAddress(l, a)
			}
		default:
			s.printLink(l, "")
			if s.ip.family == 0 {
				s.printLinkAddress(l)
			}
			s.printf("\n")
			for _, a := range addresses {
				s.printf("    ")
				s.printAddress(l, a)
			}
			if s.ip.statistics {
				s.printStatistics(l)
				s.printf("\n")
			}
		}
	}
	return nil
}

// printAddress prints one address, from its family to the end of its lines.
func (s *session) printAddress(l router.LinkInfo, a router.Address) {
	s.printf("inet %v", a.Prefix)
	if a.Broadcast.IsValid() {
		s.printf(" brd %v", a.Broadcast)
	}
	s.printf(" scope %v ", a.Scope)
	if a.Secondary {
		s.printf("secondary ")
	}
	s.printf("%s%s       valid_lft forever preferred_lft forever\n", l.Name, s.newLine())
}

// addressArguments are what add and delete take.
type addressArguments struct {
	prefix netip.Prefix
	link   router.LinkInfo
}

func (s *session) takeAddress(a *args) (addressArguments, error) {
	var got addressArguments
	var dev string
	for {
		w, given := a.next()
		if !given {
			break
		}
		var err error
		switch {
		case w == "dev":
			dev, err = a.value()
		case w == "broadcast" || w == "brd":
			if w, err = a.value(); err == nil && w != "+" {
				if _, err = addressArgument(w); err == nil || w == "-" {
					err = notYet("broadcast " + w)
				}
			}
		case w == "scope" || w == "label" || w == "peer" || w == "anycast" || w == "metric" || w == "valid_lft" || w == "preferred_lft" || w == "noprefixroute":
			err = notYet(w)
		default:
			if w == "local" {
				if w, err = a.value(); err != nil {
					return got, err
				}
			}
			if got.prefix.IsValid() {
				return got, garbage("local", w)
			}
			got.prefix, err = prefixArgument(w)
		}
		if err != nil {
			return got, err
		}
	}
	if dev == "" {
		return got, refuse(`Not enough information: "dev" argument is required.`)
	}
	var err error
	if got.link, err = s.link(dev); err != nil {
		return got, err
	}
	if !got.prefix.IsValid() {
		return got, refuse("RTNETLINK answers: Invalid argument")
	}
	return got, nil
}

func addAddress(s *session, a *args) error {
	got, err := s.takeAddress(a)
	if err != nil {
		return err
	}
	err = s.console.namespace.Router().AddAddress(got.link.Index, got.prefix)
	if errors.Is(err, syscall.EEXIST) {
		return refuse("Error: ipv4: Address already assigned.")
	}
	return answer(err)
}

func deleteAddress(s *session, a *args) error {
	got, err := s.takeAddress(a)
	if err != nil {
		return err
	}
	err = s.console.namespace.Router().DeleteAddress(got.link.Index, got.prefix)
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return refuse("Error: ipv4: Address not found.")
	}
	return answer(err)
}

func flushAddresses(s *session, a *args) error {
	if len(a.words) == 0 {
		return refuse("Flush requires arguments.")
	}
	f, err := s.takeLinkFilter(a)
	if err != nil {
		return err
	}
	r := s.console.namespace.Router()
	for _, l := range s.links() {
		if !f.accepts(l) {
			continue
		}
		for _, a := range r.Addresses() {
			if a.Link != l.Index {
				continue
			}
			if err := r.DeleteAddress(a.Link, a.Prefix); err != nil {
				return answer(err)
			}
		}
	}
	return nil
}
