package qemu

import (
	"encoding/binary"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// lost reads the counters of lost packets from the console.
func (m *Machine) lost() map[string]int {
	m.t.Helper()
	counts := make(map[string]int)
	for _, line := range strings.Split(m.Command("nstat"), "\n") {
		if f := strings.Fields(line); len(f) > 1 {
			counts[f[0]] = number(m.t, f[1])
		}
	}
	return counts
}

// passes sends a datagram through the router and waits for it: a proof of life.
func passes(t *testing.T, from, to *Wire, router net.HardwareAddr, port uint16) {
	t.Helper()
	from.Send(from.UDP(router, to.IP.String(), 64, 7, port, []byte("still there")))
	to.Receive("the datagram to port "+strconv.Itoa(int(port)), func(p gopacket.Packet) bool {
		u, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
		return ok && u.DstPort == layers.UDPPort(port)
	})
}

// TestBadFrames sends frames that no host should send, each kind a number of
// times, and finds each of them counted under its reason, and nothing else.
func TestBadFrames(t *testing.T) {
	const times = 20
	eachBoard(t, func(t *testing.T, b Board) {
		m, wan, lan := bootWires(t, b, Options{})
		router := lan.Resolve("192.168.1.1")
		passes(t, lan, wan, router, 1)
		before := m.lost()

		good := func() []byte { return lan.UDP(router, "10.0.2.2", 64, 9, 9, []byte("a payload of some length")) }
		// change gives a good frame with a difference in its IPv4 header, whose
		// checksum is right for it.
		change := func(edit func(ip []byte)) []byte {
			f := good()
			edit(f[14:34])
			return sum(f)
		}
		from := func(address string) []byte {
			return change(func(ip []byte) { copy(ip[12:16], net.ParseIP(address).To4()) })
		}
		to := func(address string) []byte {
			return change(func(ip []byte) { copy(ip[16:20], net.ParseIP(address).To4()) })
		}
		want := make(map[string]int)
		for _, c := range []struct {
			name   string
			frame  []byte
			reason string
		}{
			{"nothing but addresses", good()[:13], "FrameShort"},
			{"802.3 length", edit(good(), 12, 0x00, 0x26), "FrameLength"},
			{"unknown EtherType", edit(good(), 12, 0x88, 0xb5), "EtherType"},
			{"VLAN tag", slices.Insert(good(), 12, 0x81, 0x00, 0x00, 0x07), "Tagged"},
			{"other host's", edit(good(), 0, 0x02, 0x99), "OtherHost"},
			{"broadcast frame, one host's packet", edit(good(), 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "GroupFrame"},
			{"no IPv4 header", good()[:14+12], "HeaderShort"},
			{"version 6", edit(good(), 14, 0x65), "Version"},
			{"IHL 4", edit(good(), 14, 0x44), "HeaderLength"},
			{"total length below the header", change(func(ip []byte) { binary.BigEndian.PutUint16(ip[2:], 19) }), "TotalLength"},
			{"total length beyond the frame", change(func(ip []byte) { binary.BigEndian.PutUint16(ip[2:], 1500) }), "Truncated"},
			{"header checksum", edit(good(), 24, 0x12, 0x34), "Checksum"},
			{"loose source route", withOption(lan, router, 131), "SourceRoute"},
			{"strict source route", withOption(lan, router, 137), "SourceRoute"},
			{"from loopback", from("127.0.0.1"), "MartianSource"},
			{"from nobody", from("0.0.0.0"), "MartianSource"},
			{"from all", from("255.255.255.255"), "MartianSource"},
			{"from a group", from("224.0.0.5"), "MartianSource"},
			{"from ourselves", from("192.168.1.1"), "MartianSource"},
			{"from a link-local address", from("169.254.9.9"), "NotForwarded"},
			{"to loopback", to("127.0.0.1"), "MartianDestination"},
			{"to a link-local address", to("169.254.1.1"), "NotForwarded"},
			{"to a whole other subnet", to("10.0.2.255"), "DirectedBroadcast"},
			{"to a group", to("239.1.1.1"), "Multicast"},
			{"TTL 0", change(func(ip []byte) { ip[8] = 0 }), "TTL"},
			{"short ARP", edit(good(), 12, 0x08, 0x06)[:14+20], "ARPMalformed"},
		} {
			want[c.reason] += times
			for range times {
				lan.Send(c.frame)
			}
			// In order behind what was sent, so that all of it was looked at.
			passes(t, lan, wan, router, uint16(1000+len(want)))
		}
		got := m.lost()
		for name, n := range want {
			if got[name]-before[name] != n {
				t.Errorf("%s: %d counted, want %d", name, got[name]-before[name], n)
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok && name != "ErrorLimit" && got[name] != before[name] {
				t.Errorf("%s: %d counted, none sent", name, got[name]-before[name])
			}
		}
	})
}

// edit overwrites bytes of a frame.
func edit(frame []byte, at int, b ...byte) []byte {
	copy(frame[at:], b)
	return frame
}

// sum makes the header checksum of an IPv4 frame right (RFC 1071).
func sum(frame []byte) []byte {
	header := frame[14 : 14+int(frame[14]&15)*4]
	header[10], header[11] = 0, 0
	s := uint32(0)
	for i := 0; i < len(header); i += 2 {
		s += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	binary.BigEndian.PutUint16(header[10:], ^uint16(s))
	return frame
}

// withOption is a datagram with an option that names one address.
func withOption(w *Wire, router net.HardwareAddr, kind uint8) []byte {
	return Frame(
		&layers.Ethernet{SrcMAC: w.MAC, DstMAC: router, EthernetType: layers.EthernetTypeIPv4},
		&layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: w.IP.AsSlice(), DstIP: net.IPv4(10, 0, 2, 2).To4(),
			Options: []layers.IPv4Option{{OptionType: kind, OptionLength: 7, OptionData: []byte{4, 10, 0, 2, 2}}, {OptionType: 0}}},
		&layers.UDP{SrcPort: 9, DstPort: 9}, gopacket.Payload("x"))
}

// TestScan floods the router with packets to hosts that do not exist, more than
// the neighbour table holds. A host that answers must still be reached.
func TestScan(t *testing.T) {
	const netplan = `network:
  version: 2
  ethernets:
    eth0: {addresses: [10.0.2.15/24]}
    eth1: {addresses: [172.16.0.1/12]}
`
	eachBoard(t, func(t *testing.T, b Board) {
		wan, port0 := NewWire(t, "02:00:00:00:02:02", "10.0.2.2")
		lan, port1 := NewWire(t, "02:00:00:00:01:02", "172.16.0.2")
		m := Boot(t, b, Options{Initrd: netplan, Ports: []Port{port0, port1}})
		m.WaitPrompt()
		router := wan.Resolve("10.0.2.15")
		passes(t, wan, lan, router, 1)
		for i := range 20_000 {
			address := net.IPv4(172, 17, byte(i>>8), byte(i))
			wan.Send(wan.UDP(router, address.String(), 64, 7, 7, []byte("scan")))
			if i%1000 == 999 {
				passes(t, wan, lan, router, uint16(1000+i/1000))
			}
		}
		lost := m.lost()
		if lost["NeighbourEvicted"] == 0 {
			t.Errorf("20000 unresolvable destinations and no neighbour given up: %v", lost)
		}
		if out := m.Command("ping -c 1 172.16.0.2"); !strings.Contains(out, "packets transmitted") {
			t.Errorf("ping:\n%s", out)
		}
		if out := m.Command("ip neigh show 172.16.0.2"); !strings.Contains(out, "lladdr 02:00:00:00:01:02") {
			t.Errorf("the host that answered was pushed out: %q", out)
		}
		m.Running()
	})
}

// TestGarbage types what no operator types.
func TestGarbage(t *testing.T) {
	eachBoard(t, func(t *testing.T, b Board) {
		m := Boot(t, b, Options{Ports: []Port{UserNetwork()}})
		m.WaitPrompt()
		m.Type(strings.Repeat("long ", 2000) + "\r")
		m.Expect(`command not found`)
		m.Type("\x00\xff\xfe\x1b[\x1b[999999C\x1bO\x07\t\t\x03")
		m.Type("\r")
		m.Type("uptime\r")
		m.Expect(` up \d+ min`)
		m.Running()
	})
}
