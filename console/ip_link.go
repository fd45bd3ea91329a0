package console

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"barewire/nic"
	"barewire/router"
)

// linkFilter says which links are shown.
type linkFilter struct {
	link int // index; 0: all
	up   bool
}

func (f linkFilter) accepts(l router.LinkInfo) bool {
	return (f.link == 0 || l.Index == f.link) && (!f.up || l.AdminUp)
}

// takeLinkFilter reads [ [ dev ] LINK ] [ up ].
func (s *session) takeLinkFilter(a *args) (linkFilter, error) {
	var f linkFilter
	for {
		w, given := a.next()
		switch {
		case !given:
			return f, nil
		case w == "up":
			f.up = true
			continue
		case w == "scope" || w == "to" || w == "label" || w == "master" || w == "type" || w == "group" || w == "vrf":
			return f, notYet(w)
		case w == "dev":
			var err error
			if w, err = a.value(); err != nil {
				return f, err
			}
		}
		if f.link != 0 {
			return f, garbage("dev", w)
		}
		l, err := s.link(w)
		if err != nil {
			return f, refuse(`Device "%s" does not exist.`, w)
		}
		f.link = l.Index
	}
}

func showLinks(s *session, a *args) error {
	f, err := s.takeLinkFilter(a)
	if err != nil {
		return err
	}
	links := s.links()
	for _, l := range links {
		if !f.accepts(l) {
			continue
		}
		if s.ip.brief {
			mac := formatMAC(l.MAC)
			s.printf("%-16s %-14s %s <%s> \n", l.Name, operState(l), mac, strings.Join(linkFlags(l), ","))
			continue
		}
		s.printLink(l, " mode DEFAULT")
		s.printLinkAddress(l)
		if s.ip.statistics {
			s.printf("%s", s.newLine())
			s.printStatistics(l)
		}
		s.printf("\n")
	}
	return nil
}

// printLink prints the first line of a link, without its end.
func (s *session) printLink(l router.LinkInfo, mode string) {
	discipline := "noqueue"
	if !l.AdminUp {
		discipline = "noop"
	}
	s.printf("%d: %s: <%s> mtu %d qdisc %s state %s%s group default qlen 1000",
		l.Index, l.Name, strings.Join(linkFlags(l), ","), l.MTUBytes, discipline, operState(l), mode)
}

// printLinkAddress prints the line of the Ethernet address and, with -d, where
// the port was found.
func (s *session) printLinkAddress(l router.LinkInfo) {
	kind, broadcast := "ether", "ff:ff:ff:ff:ff:ff"
	if l.Loopback {
		kind, broadcast = "loopback", "00:00:00:00:00:00"
	}
	s.printf("%s    link/%s %s brd %s", s.newLine(), kind, formatMAC(l.MAC), broadcast)
	if s.ip.details && l.Driver != "" {
		s.printf(" driver %s parentdev %s ", l.Driver, l.Bus)
	}
}

// hasCarrier: a device that does not tell counts as up.
func hasCarrier(l router.LinkInfo) bool { return l.Carrier != nic.CarrierDown }

func linkFlags(l router.LinkInfo) []string {
	var flags []string
	if l.AdminUp && !hasCarrier(l) {
		flags = append(flags, "NO-CARRIER")
	}
	if l.Loopback {
		flags = append(flags, "LOOPBACK")
	} else {
		flags = append(flags, "BROADCAST", "MULTICAST")
	}
	if l.AdminUp {
		flags = append(flags, "UP")
		if hasCarrier(l) {
			flags = append(flags, "LOWER_UP")
		}
	}
	return flags
}

// operState is RFC 2863's ifOperStatus.
func operState(l router.LinkInfo) string {
	switch {
	case !l.AdminUp || !hasCarrier(l):
		return "DOWN"
	case l.Loopback || l.Carrier == nic.CarrierUnknown:
		return "UNKNOWN"
	}
	return "UP"
}

// receiveStatistics are the counters of the RX line, in the order of its columns.
func receiveStatistics(c router.LinkCounters) [6]uint64 {
	return [6]uint64{c.RxBytes, c.RxPackets, c.RxErrors, c.RxDropped, c.RxMissed, c.RxMulticast}
}

// transmitStatistics are those of the TX line.
func transmitStatistics(c router.LinkCounters) [6]uint64 {
	return [6]uint64{c.TxBytes, c.TxPackets, c.TxErrors, c.TxDropped, c.TxCarrier, c.TxCollisions}
}

// statisticsWidths are the widths of the columns for one link: iproute2's
// least widths, or what the largest number needs.
func statisticsWidths(c router.LinkCounters) [7]int {
	widths := [7]int{10, 7, 6, 7, 7, 7, 10} // the last is for compressed packets, of which there are none
	for _, line := range [][6]uint64{receiveStatistics(c), transmitStatistics(c)} {
		for i, v := range line {
			widths[i] = max(widths[i], len(fmt.Sprint(v)))
		}
	}
	return widths
}

// printStatistics prints what -s adds, without the end of its last line.
func (s *session) printStatistics(l router.LinkInfo) {
	w := statisticsWidths(l.Counters)
	s.printStatisticsLine("RX:", "missed", "mcast", w, receiveStatistics(l.Counters))
	s.printf("%s", s.newLine())
	s.printStatisticsLine("TX:", "carrier", "collsns", w, transmitStatistics(l.Counters))
}

func (s *session) printStatisticsLine(title, fifth, sixth string, w [7]int, values [6]uint64) {
	s.printf("    %s %*s %*s %*s %*s %*s %*s %*s%s    ", title, w[0]-4, "bytes", w[1], "packets",
		w[2], "errors", w[3], "dropped", w[4], fifth, w[5], sixth, w[6], "", s.newLine())
	for i, v := range values {
		s.printf("%*d ", w[i], v)
	}
}

// setLink runs ip link set. All words are read before anything is changed.
func setLink(s *session, a *args) error {
	var link router.LinkInfo
	var changes []func() error
	r := s.console.namespace.Router()
	for {
		w, given := a.next()
		if !given {
			break
		}
		switch w {
		case "up", "down":
			changes = append(changes, func() error { return answer(r.SetUp(link.Index, w == "up")) })
			continue
		case "mtu":
			text, err := a.value()
			if err != nil {
				return err
			}
			mtu, err := number(text, 31)
			if err != nil {
				return wrongArgument(text, `Invalid "mtu" value`)
			}
			changes = append([]func() error{func() error { return setMTU(r, link, int(mtu)) }}, changes...)
			continue
		case "name":
			name, err := a.value()
			if err != nil {
				return err
			}
			changes = append(changes, func() error { return setName(r, link, name) })
			continue
		case "address", "txqueuelen", "txqlen", "qlen", "promisc", "multicast", "allmulticast", "arp", "netns", "master", "nomaster", "alias", "vrf", "group", "type":
			return notYet(w)
		case "dev":
			var err error
			if w, err = a.value(); err != nil {
				return err
			}
		}
		if link.Index != 0 {
			return garbage("dev", w)
		}
		var err error
		if link, err = s.link(w); err != nil {
			return err
		}
	}
	if link.Index == 0 {
		return refuse(`Not enough information: "dev" argument is required.`)
	}
	for _, change := range changes {
		if err := change(); err != nil {
			return err
		}
	}
	return nil
}

// setName renames a link.
// Differs from Linux: the link may be up.
func setName(r *router.Router, l router.LinkInfo, name string) error {
	err := r.SetName(l.Index, name)
	if errors.Is(err, syscall.EINVAL) && !l.Loopback {
		return refuse(`Error: argument "%s" is wrong: "name" not a valid ifname`, name)
	}
	return answer(err)
}

func setMTU(r *router.Router, l router.LinkInfo, mtuBytes int) error {
	err := r.SetMTU(l.Index, mtuBytes)
	switch {
	case errors.Is(err, syscall.EINVAL) && mtuBytes > l.MaxMTUBytes:
		return refuse("Error: mtu greater than device maximum.")
	case errors.Is(err, syscall.EINVAL):
		return refuse("Error: mtu less than device minimum.")
	case err != nil:
		return answer(err)
	}
	return nil
}
