package packet

import (
	"encoding/hex"
	"net/netip"
	"testing"
)

func TestIPv4Fields(t *testing.T) {
	p := IPv4(decode(t, udpFrame)[14:46])
	if !ValidIPv4(p) || !p.ChecksumOK() {
		t.Fatalf("not valid: %x", []byte(p))
	}
	for name, c := range map[string]struct{ got, want any }{
		"version": {p.Version(), 4}, "header": {p.HeaderLen(), 20}, "TOS": {p.TOS(), uint8(0)}, "length": {p.TotalLen(), 32},
		"ID": {p.ID(), uint16(0x1234)}, "DF": {p.DontFragment(), true}, "MF": {p.MoreFragments(), false}, "offset": {p.FragmentOffset(), 0},
		"fragment": {p.Fragment(), false}, "TTL": {p.TTL(), uint8(64)}, "protocol": {p.Proto(), uint8(17)},
		"source": {p.Source().String(), "192.168.1.10"}, "destination": {p.Destination().String(), "198.51.100.7"},
		"source port": {UDP(p.Payload()).Ports().Source(), uint16(5)}, "destination port": {UDP(p.Payload()).Ports().Destination(), uint16(7)},
		"datagram": {UDP(p.Payload()).Len(), 12}, "data": {string(UDP(p.Payload()).Payload()), "data"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, want %v", name, c.got, c.want)
		}
	}
	p.SetFragment(MoreFragments, 1480, 32)
	if p.FragmentOffset() != 1480 || !p.MoreFragments() || p.DontFragment() || !p.Fragment() {
		t.Errorf("fragment fields of %x", []byte(p))
	}
}

// Set is the inverse of the accessors: headers as other machines wrote them.
func TestSet(t *testing.T) {
	frame := decode(t, udpFrame)
	p := IPv4(frame[14:46])
	b := make(IPv4, 32)
	b.Set(Header4{TTL: 64, Proto: 17, ID: 0x1234, Fragment: DontFragment, TotalLen: 32, Source: p.Source(), Destination: p.Destination()})
	if string(b[:20]) != string(p[:20]) {
		t.Errorf("IPv4 %x, want %x", []byte(b[:20]), []byte(p[:20]))
	}
	e := make(Ethernet, 14)
	e.Set(Ethernet(frame).Destination(), Ethernet(frame).Source(), Ethernet(frame).EtherType())
	if string(e) != string(frame[:14]) {
		t.Errorf("Ethernet %x", []byte(e))
	}
	// An echo request and a datagram; sums computed by hand.
	m := ICMP4(decode(t, "0000000000000000"+"6162"))
	m.Set(ICMP4EchoRequest, 0, 0x00010002)
	if got := hex.EncodeToString(m); got != "0800969a000100026162" {
		t.Errorf("ICMP %s", got)
	}
	u := UDP(append(make([]byte, 8), "data"...))
	u.Set(p.Source(), p.Destination(), 5, 7)
	if u.Len() != 12 || Sum(u, PseudoSum(p.Source(), p.Destination(), ProtoUDP, len(u))) != 0xffff {
		t.Errorf("UDP %x", []byte(u))
	}
}

// A UDP checksum that comes out as 0 is sent as 0xffff: 0 means none.
func TestUDPChecksumZero(t *testing.T) {
	u := make(UDP, 10)
	for v := range 0x10000 {
		u[8], u[9] = byte(v>>8), byte(v)
		u.Set(1, 2, 3, 4)
		if u.Checksum() == 0 {
			t.Fatalf("data %#x has checksum 0", v)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		options string
		types   []byte
		bad     bool
		at      int // of the fault
	}{
		{"", nil, false, 0},
		{"01010101", nil, false, 0},
		{"94040000", []byte{148}, false, 0},
		{"0107070401020304", []byte{7}, false, 0},
		{"00070704", nil, false, 0}, // nothing counts behind the end
		{"44040500" + "83040400", []byte{68, 131}, false, 0},
		{"07000000", nil, true, 0},
		{"01070100", nil, true, 1},
		{"01010107", nil, true, 3},
		{"94040000" + "01014405", []byte{148}, true, 6},
	} {
		o := Options4{Bytes: decode(t, c.options)}
		var types []byte
		for o.Next() {
			types = append(types, o.Type)
		}
		if string(types) != string(c.types) || o.Bad != c.bad || c.bad && o.At != c.at {
			t.Errorf("%s: types %v bad %v at %d, want %v %v %d", c.options, types, o.Bad, o.At, c.types, c.bad, c.at)
		}
	}
}

func TestAddr4(t *testing.T) {
	for s, want := range map[string]struct{ multicast, loopback, this, linkLocal bool }{
		"0.0.0.0": {this: true}, "0.255.255.255": {this: true}, "1.0.0.0": {}, "126.255.255.255": {}, "127.0.0.0": {loopback: true},
		"127.255.255.255": {loopback: true}, "128.0.0.0": {}, "169.253.255.255": {}, "169.254.0.0": {linkLocal: true},
		"169.254.255.255": {linkLocal: true}, "169.255.0.0": {}, "223.255.255.255": {}, "224.0.0.0": {multicast: true},
		"239.255.255.255": {multicast: true}, "240.0.0.0": {}, "255.255.255.255": {},
	} {
		n := netip.MustParseAddr(s)
		a := Addr4From(n)
		if a.Netip() != n || a.String() != s {
			t.Errorf("%s became %v", s, a)
		}
		if a.Multicast() != want.multicast || a.Loopback() != want.loopback || a.ThisNetwork() != want.this || a.LinkLocal() != want.linkLocal {
			t.Errorf("%s is taken for something else", s)
		}
		if n.IsMulticast() != a.Multicast() || n.IsLoopback() != a.Loopback() || n.IsLinkLocalUnicast() != a.LinkLocal() {
			t.Errorf("%s: package netip does not agree", s)
		}
	}
}

func TestICMPError(t *testing.T) {
	for kind := range 256 {
		m := ICMP4{byte(kind), 0, 0, 0, 0, 0, 0, 0}
		want := kind == 3 || kind == 4 || kind == 5 || kind == 11 || kind == 12
		if m.Error() != want {
			t.Errorf("type %d: %v", kind, m.Error())
		}
	}
}

func TestValid(t *testing.T) {
	tcp := make([]byte, 20)
	tcp[12] = 0x50
	long := append([]byte(nil), tcp...)
	long[12] = 0x60
	for name, c := range map[string]struct{ got, want bool }{
		"Ethernet of 13": {ValidEthernet(make([]byte, 13)), false}, "Ethernet of 14": {ValidEthernet(make([]byte, 14)), true},
		"ports of 3": {ValidPorts(make([]byte, 3)), false}, "ports of 4": {ValidPorts(make([]byte, 4)), true},
		"ICMP of 7": {ValidICMP4(make([]byte, 7)), false}, "ICMP of 8": {ValidICMP4(make([]byte, 8)), true},
		"TCP": {ValidTCP(tcp), true}, "TCP of 19": {ValidTCP(tcp[:19]), false}, "TCP with options cut": {ValidTCP(long), false}, "TCP offset 0": {ValidTCP(make([]byte, 20)), false},
		"UDP of 7": {ValidUDP(make([]byte, 7)), false}, "UDP length 7": {ValidUDP([]byte{0, 1, 0, 1, 0, 7, 0, 0}), false},
		"UDP length 8": {ValidUDP([]byte{0, 1, 0, 1, 0, 8, 0, 0}), true}, "UDP length 9": {ValidUDP([]byte{0, 1, 0, 1, 0, 9, 0, 0}), false},
		"ARP of 27": {ValidARP(make([]byte, 27)), false}, "ARP of zeros": {ValidARP(make([]byte, 28)), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}
