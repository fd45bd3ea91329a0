package config

import (
	"net"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"barewire/nic"
)

// Load reads the netplan file data, called name in messages, for a machine
// with the given ports. Zeros behind the text, as a boot loader pads a file,
// are ignored. The error is of type Errors and has everything that is wrong;
// Desired is the zero value then.
func Load(name string, data []byte, ports []PortFact) (Desired, error) {
	d := &decoder{report: report{file: name}}
	root := readDocument(data, &d.report)
	switch {
	case root != nil:
		d.readRoot(root)
	case len(d.errors) == 0:
		d.whole("no configuration, expected 'network:'")
	}
	d.check(ports)
	if len(d.errors) > 0 {
		return Desired{}, d.errors.sorted()
	}
	return d.desired(), nil
}

// decoder walks the document. What it reads is kept with its places until
// check has seen it.
type decoder struct {
	report
	network   bool // the file has a network section
	ethernets []*ethernet
}

type ethernet struct {
	Ethernet
	id      *token.Token
	matched bool // by a match section: ID is no port's name then
	mac     *token.Token
	setName *token.Token
	mtu     *token.Token
	routes  []*route
	unsure  bool // an address was wrong: what depends on addresses is not reported, too
}

type route struct {
	Route
	to, via *token.Token
}

func (d *decoder) desired() Desired {
	var out Desired
	for _, e := range d.ethernets {
		for _, r := range e.routes {
			e.Routes = append(e.Routes, r.Route)
		}
		out.Ethernets = append(out.Ethernets, e.Ethernet)
	}
	sortEthernets(out.Ethernets)
	return out
}

func (d *decoder) readRoot(n ast.Node) {
	readMapping(d, n, "the file", fields[decoder]{
		"network": func(d *decoder, _ *decoder, _ *token.Token, value ast.Node) {
			d.network = true
			readMapping(d, value, "network", networkKeys, d)
		},
	}, d)
	if !d.network && len(d.errors) == 0 {
		d.at(start(n), "no network section, expected 'network:'")
	}
}

var networkKeys = fields[decoder]{
	"version": func(d *decoder, _ *decoder, _ *token.Token, value ast.Node) { d.number(value, "version", 2, 2) },
	"renderer": func(d *decoder, _ *decoder, _ *token.Token, value ast.Node) {
		d.renderer(value)
	},
	"ethernets": func(d *decoder, _ *decoder, _ *token.Token, value ast.Node) {
		d.eachEntry(value, "ethernets", d.readEthernet)
	},

	"bonds": nil, "bridges": nil, "dummy-devices": nil, "modems": nil, "nm-devices": nil, "openvswitch": nil,
	"tunnels": nil, "virtual-ethernets": nil, "vlans": nil, "vrfs": nil, "wifis": nil,
}

func (d *decoder) renderer(value ast.Node) {
	switch text, ok := d.scalar(value, "renderer", "networkd"); {
	case !ok || text == "networkd":
	case text == "NetworkManager" || text == "sriov":
		d.at(value.GetToken(), "renderer: %s: not supported, expected networkd", text)
	default:
		d.at(value.GetToken(), "renderer: '%s', expected networkd", firstWord(text))
	}
}

// maxIDBytes bounds an ID; netplan's is the length of a file name.
const maxIDBytes = 64

func (d *decoder) readEthernet(id *token.Token, value ast.Node) {
	e := &ethernet{Ethernet: Ethernet{ID: id.Value}, id: id}
	if bad := strings.IndexFunc(id.Value, func(c rune) bool { return c <= ' ' || c > '~' || c == '/' }); bad >= 0 || id.Value == "" || len(id.Value) > maxIDBytes {
		d.at(id, "'%s', expected an ID of at most %d letters, digits and signs without '/'", firstWord(id.Value), maxIDBytes)
		return
	}
	readMapping(d, value, id.Value, ethernetKeys, e)
	if e.setName != nil && !e.matched {
		d.at(e.setName, "set-name: '%s' needs a match, expected match: {macaddress: ...}", e.SetName)
	}
	d.ethernets = append(d.ethernets, e)
}

var ethernetKeys = fields[ethernet]{
	"match": func(d *decoder, e *ethernet, key *token.Token, value ast.Node) {
		e.matched = true
		before := len(d.errors)
		readMapping(d, value, "match", matchKeys, e)
		if e.mac == nil && len(d.errors) == before {
			d.at(key, "match: nothing to match by, expected macaddress")
		}
	},
	"set-name": func(d *decoder, e *ethernet, _ *token.Token, value ast.Node) {
		const expected = "a link name of at most 15 letters, digits and signs without '/' and ':'"
		name, ok := d.scalar(value, "set-name", expected)
		if ok && !linkName(name) {
			d.at(value.GetToken(), "set-name: '%s', expected %s", firstWord(name), expected)
		} else if ok {
			e.SetName, e.setName = name, value.GetToken()
		}
	},
	"renderer": func(d *decoder, _ *ethernet, _ *token.Token, value ast.Node) { d.renderer(value) },
	"mtu": func(d *decoder, e *ethernet, _ *token.Token, value ast.Node) {
		if mtu, ok := d.number(value, "mtu", minMTU, maxMTU); ok {
			e.MTUBytes, e.mtu = int(mtu), value.GetToken()
		}
	},
	"optional": func(d *decoder, e *ethernet, _ *token.Token, value ast.Node) {
		e.Optional, _ = d.boolean(value, "optional")
	},
	"dhcp4":     mustBeFalse,
	"dhcp6":     mustBeFalse,
	"accept-ra": mustBeFalse,
	"link-local": func(d *decoder, _ *ethernet, key *token.Token, value ast.Node) {
		d.eachItem(value, "link-local", func(item ast.Node) {
			switch family, ok := d.scalar(item, "link-local", "ipv4 or ipv6"); {
			case !ok:
			case family == "ipv4" || family == "ipv6":
				d.at(item.GetToken(), "link-local: %s: not supported yet, expected []", family)
			default:
				d.at(item.GetToken(), "link-local: '%s', expected []", firstWord(family))
			}
		})
	},
	"addresses": func(d *decoder, e *ethernet, _ *token.Token, value ast.Node) {
		before := len(d.errors)
		d.eachItem(value, "addresses", func(item ast.Node) { d.readAddress(e, item) })
		e.unsure = len(d.errors) > before
	},
	"gateway4": func(d *decoder, e *ethernet, key *token.Token, value ast.Node) {
		if via, ok := d.address(value, "gateway4"); ok {
			e.routes = append(e.routes, &route{Route: Route{To: anywhere, Via: via}, to: key, via: value.GetToken()})
		}
	},
	"routes": func(d *decoder, e *ethernet, _ *token.Token, value ast.Node) {
		d.eachItem(value, "routes", func(item ast.Node) { d.readRoute(e, item) })
	},

	"activation-mode": nil, "auth": nil, "critical": nil, "delay-virtual-functions-rebind": nil, "dhcp-identifier": nil,
	"dhcp4-overrides": nil, "dhcp6-overrides": nil, "embedded-switch-mode": nil, "emit-lldp": nil, "gateway6": nil,
	"generic-receive-offload": nil, "generic-segmentation-offload": nil, "hairpin": nil, "ignore-carrier": nil,
	"infiniband-mode": nil, "ipv6-address-generation": nil, "ipv6-address-token": nil, "ipv6-mtu": nil, "ipv6-privacy": nil,
	"large-receive-offload": nil, "link": nil, "macaddress": nil, "nameservers": nil, "neigh-suppress": nil,
	"networkmanager": nil, "openvswitch": nil, "optional-addresses": nil, "port-mac-learning": nil, "ra-overrides": nil,
	"receive-checksum-offload": nil, "routing-policy": nil, "tcp-segmentation-offload": nil, "tcp6-segmentation-offload": nil,
	"transmit-checksum-offload": nil, "virtual-function-count": nil, "wakeonlan": nil,
}

// mustBeFalse reads a switch that can only stay off so far.
func mustBeFalse(d *decoder, _ *ethernet, key *token.Token, value ast.Node) {
	if on, ok := d.boolean(value, key.Value); ok && on {
		d.at(key, "%s: not supported yet, expected false", key.Value)
	}
}

var matchKeys = fields[ethernet]{
	"macaddress": func(d *decoder, e *ethernet, _ *token.Token, value ast.Node) {
		const expected = "an Ethernet address such as 52:54:00:12:34:56"
		text, ok := d.scalar(value, "macaddress", expected)
		if !ok {
			return
		}
		e.mac = value.GetToken()
		mac, err := net.ParseMAC(text)
		if err != nil || len(mac) != len(nic.MAC{}) || strings.ContainsAny(text, ".") {
			d.at(e.mac, "macaddress: '%s', expected %s", firstWord(text), expected)
			return
		}
		e.MatchMAC = nic.MAC(mac)
		if e.MatchMAC == (nic.MAC{}) || e.MatchMAC[0]&1 != 0 {
			d.at(e.mac, "macaddress: '%s' is no port's address", text)
			e.MatchMAC = nic.MAC{}
		}
	},
	"driver": nil, "name": nil,
}

// Limits of an MTU in bytes: RFC 791 asks every link for 68, and an IPv4
// packet cannot be longer than 65535.
const (
	minMTU = 68
	maxMTU = 65535
)

// linkName says whether a link may have this name. Linux's rules.
func linkName(name string) bool {
	return name != "" && len(name) <= 15 && name != "." && name != ".." &&
		!strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || c == '/' || c == ':' })
}
