package console

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"barewire/nic"
	"barewire/router"
)

// ipWord is the ip command of iproute2 6.1. The order of words is iproute2's:
// it decides what an abbreviation means.
func ipWord() word {
	return word{
		name: "ip", title: "ip", noun: "Object", byPrefix: true,
		synopsis: "[ -s | -d | -br | -o | -4 ] OBJECT { COMMAND | help }",
		summary:  "show and change links, addresses, routes and neighbours",
		options:  takeIPOptions,
		words: []word{
			{name: "address", title: "ip address", noun: "Command", byPrefix: true, run: showAddresses, words: []word{
				{name: "add", synopsis: "PREFIX dev LINK [ brd + ]", run: addAddress, hints: hintLinks("add")},
				{name: "delete", synopsis: "PREFIX dev LINK", run: deleteAddress, hints: hintLinks("delete")},
				{name: "show", also: []string{"lst", "list"}, synopsis: "[ [ dev ] LINK ] [ up ]", run: showAddresses, hints: hintLinks("")},
				{name: "flush", synopsis: "dev LINK", run: flushAddresses, hints: hintLinks("")},
			}},
			{name: "link", title: "ip link", noun: "Command", byPrefix: true, run: showLinks, words: []word{
				{name: "set", synopsis: "[ dev ] LINK { up | down | mtu BYTES | name NAME }", run: setLink, hints: hintLinks("")},
				{name: "show", also: []string{"lst", "list"}, synopsis: "[ [ dev ] LINK ] [ up ]", run: showLinks, hints: hintLinks("")},
			}},
			{name: "neighbour", also: []string{"neighbor"}, title: "ip neigh", noun: "Command", byPrefix: true, run: showNeighbours, words: []word{
				{name: "add", synopsis: "ADDRESS lladdr MAC dev LINK", run: addNeighbour, hints: hintLinks("add")},
				{name: "delete", synopsis: "ADDRESS dev LINK", run: deleteNeighbour, hints: hintLinks("delete")},
				{name: "show", also: []string{"lst", "list"}, synopsis: "[ dev LINK ]", run: showNeighbours, hints: hintLinks("")},
				{name: "flush", synopsis: "{ dev LINK | all }", run: flushNeighbours, hints: hintLinks("")},
			}},
			{name: "route", title: "ip route", noun: "Command", byPrefix: true, run: showRoutes, words: []word{
				{name: "list", also: []string{"show", "lst"}, synopsis: "[ PREFIX ] [ dev LINK ] [ via ADDRESS ] [ proto PROTOCOL ] [ scope SCOPE ] [ table { main | local | all } ]", run: showRoutes, hints: hintLinks("")},
				{name: "get", synopsis: "ADDRESS", run: getRoute},
				{name: "add", synopsis: "[ TYPE ] PREFIX [ via ADDRESS ] [ dev LINK ] [ src ADDRESS ] [ metric NUMBER ] [ proto PROTOCOL ] [ onlink ]", run: addRoute, hints: hintLinks("add")},
				{name: "delete", synopsis: "[ TYPE ] PREFIX [ via ADDRESS ] [ dev LINK ] [ src ADDRESS ] [ metric NUMBER ] [ proto PROTOCOL ]", run: deleteRoute, hints: hintLinks("delete")},
			}},
		},
	}
}

// ipOptions are the options before the object.
type ipOptions struct {
	statistics, details, brief, oneLine bool
	family                              byte // '4', '6', or 0 for all
}

// takeIPOptions takes the options. They may be abbreviated as in iproute2.
func takeIPOptions(s *session, a *args) error {
	for len(a.words) > 0 && strings.HasPrefix(a.words[0], "-") {
		given, _ := a.next()
		option := strings.TrimPrefix(given, "-")
		option = strings.TrimPrefix(option, "-")
		is := func(least, full string) bool {
			return strings.HasPrefix(option, least) && strings.HasPrefix(full, option)
		}
		switch {
		case option == "4":
			s.ip.family = '4'
		case option == "6":
			s.ip.family = '6'
		case is("f", "family"):
			family, err := a.value()
			if err != nil {
				return err
			}
			switch family {
			case "inet":
				s.ip.family = '4'
			case "inet6":
				s.ip.family = '6'
			default:
				return wrongArgument(family, "invalid protocol family")
			}
		case is("s", "statistics"), is("s", "stats"):
			s.ip.statistics = true
		case is("d", "details"):
			s.ip.details = true
		case is("br", "brief"):
			s.ip.brief = true
		case is("o", "oneline"):
			s.ip.oneLine = true
		default:
			return refuse(`Option "%s" is unknown, try "ip -help".`, given)
		}
	}
	return nil
}

// newLine is what ends a line inside the description of one thing.
func (s *session) newLine() string {
	if s.ip.oneLine {
		return `\`
	}
	return "\n"
}

// Errors as iproute2 words them.

func wrongArgument(argument, why string) error {
	return refuse("Error: argument \"%s\" is wrong: %s\n", argument, why)
}

func garbage(key, argument string) error {
	return refuse(`Error: either "%s" is duplicate, or "%s" is a garbage.`, key, argument)
}

func notYet(what string) error { return refuse(`Error: "%s" is not supported yet.`, what) }

// answer is the kernel's refusal.
func answer(err error) error {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return err
	}
	return refuse("RTNETLINK answers: %s", strerror(number))
}

// strerror is the C library's text, which has a capital letter where Go's has none.
func strerror(number syscall.Errno) string {
	text := number.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// Values.

func (s *session) links() []router.LinkInfo { return s.console.namespace.Router().Links() }

func (s *session) link(name string) (router.LinkInfo, error) {
	for _, l := range s.links() {
		if l.Name == name {
			return l, nil
		}
	}
	return router.LinkInfo{}, refuse(`Cannot find device "%s"`, name)
}

// linkNames are the names by index.
func (s *session) linkNames() map[int]string {
	names := map[int]string{}
	for _, l := range s.links() {
		names[l.Index] = l.Name
	}
	return names
}

// prefixArgument reads a prefix, or one address. The bits behind the length stay.
func prefixArgument(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		var a netip.Addr
		if a, err = netip.ParseAddr(text); err == nil {
			p = netip.PrefixFrom(a, a.BitLen())
		}
	}
	switch {
	case err != nil:
		return netip.Prefix{}, refuse(`Error: any valid prefix is expected rather than "%s".`, text)
	case !p.Addr().Is4():
		return netip.Prefix{}, notYet(text)
	}
	return p, nil
}

// routePrefix is a destination: also "default".
func routePrefix(text string) (netip.Prefix, error) {
	if text == "default" || text == "any" || text == "all" {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0), nil
	}
	return prefixArgument(text)
}

func addressArgument(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return netip.Addr{}, refuse(`Error: inet address is expected rather than "%s".`, text)
	case !a.Is4():
		return netip.Addr{}, notYet(text)
	}
	return a, nil
}

// number reads a decimal or 0x hexadecimal number.
func number(text string, bits int) (uint64, error) { return strconv.ParseUint(text, 0, bits) }

func formatMAC(m nic.MAC) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// hintLinks completes the names of links: at the start of the arguments,
// unless something else must stand there, and after "dev".
func hintLinks(notAfter string) func(c *Console, before string) []string {
	return func(c *Console, before string) []string {
		if before == notAfter {
			return nil
		}
		var list []string
		for _, l := range c.namespace.Router().Links() {
			list = append(list, l.Name)
		}
		if before != "dev" && before != "set" && before != "show" && before != "list" {
			return []string{"dev"}
		}
		return list
	}
}
