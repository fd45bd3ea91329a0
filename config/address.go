package config

import (
	"net/netip"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

func (d *decoder) readAddress(e *ethernet, item ast.Node) {
	const expected = "an address with its prefix length such as 192.168.1.1/24"
	if m, options := item.(*ast.MappingNode); options {
		d.at(start(m), "addresses: label and lifetime: not supported yet")
		return
	}
	text, ok := d.scalar(item, "addresses", expected)
	if !ok {
		return
	}
	at := item.GetToken()
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err == nil && prefix.Addr().Is6() || strings.Count(text, ":") > 1:
		d.at(at, "addresses: '%s': IPv6: not supported yet", firstWord(text))
		return
	case err != nil:
		d.at(at, "addresses: '%s', expected %s", firstWord(text), expected)
		return
	case !hostAddress(prefix.Addr()):
		d.at(at, "addresses: '%s' is not a host's address", text)
		return
	}
	for _, have := range e.Addresses {
		if have.Addr() == prefix.Addr() && have.Bits() == prefix.Bits() {
			d.at(at, "addresses: '%s' for the second time", text)
			return
		}
	}
	e.Addresses = append(e.Addresses, prefix)
}

// hostAddress says whether a link may have the address.
func hostAddress(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// address reads one host's address without a prefix length.
func (d *decoder) address(n ast.Node, what string) (netip.Addr, bool) {
	const expected = "an address such as 192.168.1.1"
	text, ok := d.scalar(n, what, expected)
	if !ok {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(text)
	switch {
	case err == nil && a.Is6() || strings.Count(text, ":") > 1:
		d.at(n.GetToken(), "%s: '%s': IPv6: not supported yet", what, firstWord(text))
		return netip.Addr{}, false
	case err != nil || !hostAddress(a):
		d.at(n.GetToken(), "%s: '%s', expected %s", what, firstWord(text), expected)
		return netip.Addr{}, false
	}
	return a, true
}

func (d *decoder) readRoute(e *ethernet, item ast.Node) {
	r := &route{}
	before := len(d.errors)
	readMapping(d, item, "routes", routeKeys, r)
	if len(d.errors) > before {
		return
	}
	switch {
	case r.to == nil:
		d.at(start(item), "route without 'to', expected to: default or a prefix")
	case r.via == nil:
		d.at(start(item), "route without 'via', expected the gateway's address")
	default:
		e.routes = append(e.routes, r)
	}
}

var routeKeys = fields[route]{
	"to": func(d *decoder, r *route, _ *token.Token, value ast.Node) {
		r.to = value.GetToken()
		if to, ok := d.destination(value); ok {
			r.To = to
		}
	},
	"via": func(d *decoder, r *route, _ *token.Token, value ast.Node) {
		r.via = value.GetToken()
		if via, ok := d.address(value, "via"); ok {
			r.Via = via
		}
	},
	"metric": func(d *decoder, r *route, _ *token.Token, value ast.Node) {
		metric, _ := d.number(value, "metric", 0, 1<<32-1)
		r.Metric = uint32(metric)
	},
	"on-link": func(d *decoder, r *route, _ *token.Token, value ast.Node) {
		r.OnLink, _ = d.boolean(value, "on-link")
	},
	"type": func(d *decoder, r *route, _ *token.Token, value ast.Node) {
		if text, ok := d.scalar(value, "type", "unicast"); ok && text != "unicast" {
			d.at(value.GetToken(), "type: '%s': not supported yet, expected unicast", firstWord(text))
		}
	},

	"advertised-mss": nil, "advertised-receive-window": nil, "congestion-window": nil, "from": nil, "mtu": nil,
	"scope": nil, "table": nil,
}

// destination reads a route's to: default, a prefix or one host.
func (d *decoder) destination(n ast.Node) (netip.Prefix, bool) {
	const expected = "default or a prefix such as 10.0.0.0/8"
	text, ok := d.scalar(n, "to", expected)
	if !ok {
		return netip.Prefix{}, false
	}
	if text == "default" {
		return anywhere, true
	}
	to, err := netip.ParsePrefix(text)
	if host, hostErr := netip.ParseAddr(text); err != nil && hostErr == nil {
		to, err = netip.PrefixFrom(host, host.BitLen()), nil
	}
	switch {
	case err == nil && to.Addr().Is6() || strings.Count(text, ":") > 1:
		d.at(n.GetToken(), "to: '%s': IPv6: not supported yet", firstWord(text))
	case err != nil:
		d.at(n.GetToken(), "to: '%s', expected %s", firstWord(text), expected)
	case to != to.Masked():
		d.at(n.GetToken(), "to: '%s' has bits set behind its prefix, expected %v", text, to.Masked())
	default:
		return to, true
	}
	return netip.Prefix{}, false
}
