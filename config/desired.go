package config

import (
	"net/netip"
	"sort"

	"barewire/nic"
)

// Desired is the state that a file asks for: plain values, no reference into
// the runtime. Two files that ask for the same give a Desired that is deeply
// equal. The zero value asks for no addresses, no routes and every link down.
type Desired struct {
	Ethernets []Ethernet // in the order of their IDs
}

// Ethernet is one entry below network.ethernets.
type Ethernet struct {
	ID        string
	Link      int     // the router's index of the port that the entry is about
	MatchMAC  nic.MAC // the zero value: matched by ID
	SetName   string  // the name that the link gets; empty: keeps its own
	MTUBytes  int     // 0: as it is
	Optional  bool    // boot does not wait for it (no boot does)
	Addresses []netip.Prefix
	Routes    []Route
}

// Route is one entry below routes, or a gateway4.
type Route struct {
	To     netip.Prefix
	Via    netip.Addr
	Metric uint32
	OnLink bool // Via need not be in a network of the link
}

// PortFact is what a file is checked against: a port of this machine.
type PortFact struct {
	Link     int    // the router's index
	Name     string // "eth0"
	MAC      nic.MAC
	MTUBytes int // the largest packet that the port carries; 0 when unknown
}

// Default is the configuration of a machine that was given none: port 0 as
// QEMU's user network expects it, port 1 as a small network's router.
// A machine with fewer ports gets what fits.
func Default(ports []PortFact) Desired {
	builtin := []Ethernet{
		{
			Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.2.15/24")},
			Routes:    []Route{{To: anywhere, Via: netip.MustParseAddr("10.0.2.2")}},
		},
		{Addresses: []netip.Prefix{netip.MustParsePrefix("192.168.1.1/24")}},
	}
	var d Desired
	for i := 0; i < len(builtin) && i < len(ports); i++ {
		e := builtin[i]
		e.ID, e.Link = ports[i].Name, ports[i].Link
		d.Ethernets = append(d.Ethernets, e)
	}
	return d
}

// anywhere is the destination of a default route.
var anywhere = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

// sortEthernets brings entries into the one order that a Desired has.
func sortEthernets(es []Ethernet) {
	sort.Slice(es, func(i, j int) bool { return es[i].ID < es[j].ID })
}
