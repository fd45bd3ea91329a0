package config

import (
	"fmt"
	"net/netip"
	"strings"

	"barewire/nic"
)

// check holds what was read against the machine and against itself.
func (d *decoder) check(ports []PortFact) {
	d.checkPorts(ports)
	d.checkNames(ports)
	d.checkRoutes()
}

// checkPorts finds each entry's port.
func (d *decoder) checkPorts(ports []PortFact) {
	taken := map[int]*ethernet{}
	for _, e := range d.ethernets {
		port := findPort(e, ports)
		switch {
		case e.matched && e.MatchMAC == nic.MAC{}: // reported already
			continue
		case port == nil && e.matched:
			d.at(e.mac, "macaddress: no port with the address '%s', the machine has %s", e.mac.Value, list(ports, func(p PortFact) string { return formatMAC(p.MAC) }))
			continue
		case port == nil:
			d.at(e.id, "no port named '%s', the machine has %s", e.ID, list(ports, func(p PortFact) string { return p.Name }))
			continue
		case taken[port.Link] != nil:
			d.at(e.id, "'%s' is port %s, which '%s' in line %d is already", e.ID, port.Name, taken[port.Link].ID, taken[port.Link].id.Position.Line)
			continue
		}
		taken[port.Link] = e
		e.Link = port.Link
		if e.mtu != nil && port.MTUBytes > 0 && e.MTUBytes > port.MTUBytes {
			d.at(e.mtu, "mtu: %d, expected at most %d, which is what %s carries", e.MTUBytes, port.MTUBytes, port.Name)
		}
	}
}

func findPort(e *ethernet, ports []PortFact) *PortFact {
	for i, p := range ports {
		if e.matched && p.MAC == e.MatchMAC || !e.matched && p.Name == e.ID {
			return &ports[i]
		}
	}
	return nil
}

// checkNames sees that no two links get the same name.
func (d *decoder) checkNames(ports []PortFact) {
	names := map[string]int{"lo": 0}
	renamed := map[int]bool{}
	for _, e := range d.ethernets {
		renamed[e.Link] = renamed[e.Link] || e.setName != nil
	}
	for _, p := range ports {
		if !renamed[p.Link] {
			names[p.Name] = p.Link
		}
	}
	for _, e := range d.ethernets {
		if e.setName == nil {
			continue
		}
		if link, taken := names[e.SetName]; taken && link != e.Link {
			d.at(e.setName, "set-name: '%s' is another link's name", e.SetName)
		}
		names[e.SetName] = e.Link
	}
}

// checkRoutes sees that gateways can be reached and no route comes twice.
func (d *decoder) checkRoutes() {
	type key struct {
		to     netip.Prefix
		metric uint32
	}
	first := map[key]*route{}
	for _, e := range d.ethernets {
		for _, r := range e.routes {
			if !r.OnLink && !e.unsure && !reachable(r.Via, e.Addresses) {
				d.at(r.via, "via: '%v' is in no network of '%s', which has %s: expected a gateway there, or on-link: true", r.Via, e.ID,
					list(e.Addresses, func(p netip.Prefix) string { return p.Masked().String() }))
			}
			for _, own := range e.Addresses {
				if own.Addr() == r.Via {
					d.at(r.via, "via: '%v' is the router's own address, expected another's", r.Via)
				}
			}
			k := key{r.To, r.Metric}
			if other := first[k]; other != nil {
				d.at(r.to, "second route to %v with metric %d, the first is in line %d", r.To, r.Metric, other.to.Position.Line)
				continue
			}
			first[k] = r
		}
	}
}

func reachable(a netip.Addr, addresses []netip.Prefix) bool {
	for _, p := range addresses {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// list is the items for a message; at most eight of them.
func list[T any](items []T, text func(T) string) string {
	if len(items) == 0 {
		return "none"
	}
	var words []string
	for i, item := range items {
		if i == 8 {
			words = append(words, fmt.Sprintf("%d more", len(items)-i))
			break
		}
		words = append(words, text(item))
	}
	return strings.Join(words, ", ")
}

func formatMAC(m nic.MAC) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}
