package packet

import (
	"encoding/hex"
	"testing"
)

// A UDP packet, 192.168.1.10:5 to 198.51.100.7:7, "data", with 14 bytes of padding.
const udpFrame = "020000000001020000000101" + "0800" +
	"450000201234400040113cacc0a8010ac6336407" + "00050007000c0000" + "64617461" + "0000000000000000000000000000"

func decode(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	var m Meta
	frame := decode(t, udpFrame)
	if r := Parse(frame, &m); r != OK {
		t.Fatalf("result %d", r)
	}
	if want := (Meta{L3: 14, L4: 34, End: 46, EtherType: 0x0800, Proto: ProtoUDP}); m != want {
		t.Errorf("%+v, want %+v", m, want)
	}
	tagged := decode(t, udpFrame[:24]+"81002064"+udpFrame[24:])
	if r := Parse(tagged, &m); r != OK {
		t.Fatalf("result %d", r)
	}
	if want := (Meta{L3: 18, L4: 38, End: 50, EtherType: 0x0800, VLAN: 0x2064, Proto: ProtoUDP, Flags: FlagTagged}); m != want {
		t.Errorf("%+v, want %+v", m, want)
	}
	if VLANID(m.VLAN) != 100 {
		t.Errorf("VLAN %d", VLANID(m.VLAN))
	}
}

// FuzzParse holds Parse against its twin, and reads through every view that it
// says is safe.
func FuzzParse(f *testing.F) {
	f.Add(decode(f, udpFrame))
	f.Add(decode(f, udpFrame[:24]+"81002064"+udpFrame[24:]))
	f.Add(decode(f, "ffffffffffff020000000101"+"0806"+"0001080006040001020000000101c0a8010a000000000000c0a80101"))
	f.Add(decode(f, udpFrame[:28]+"4f00003c123420004001000001020304050607080707040102030400"+udpFrame[60:]+udpFrame[60:]))
	f.Add(decode(f, udpFrame[:28]+"46000020123440004001"+udpFrame[48:]))
	f.Fuzz(func(t *testing.T, frame []byte) {
		m := Meta{L3: 1, Proto: 99, Flags: 0xff} // what was there before does not matter
		r := Parse(frame, &m)
		wantMeta, want := slowParse(frame)
		if r != want {
			t.Fatalf("result %d, want %d", r, want)
		}
		if r == OK && m != wantMeta {
			t.Fatalf("%+v, want %+v", m, wantMeta)
		}
		if r != OK {
			return
		}
		l3 := frame[m.L3:m.End]
		if ValidARP(l3) {
			readARP(t, l3)
		}
		if m.EtherType != EtherTypeIPv4 {
			return
		}
		if !ValidIPv4(l3) {
			t.Fatal("Parse says yes, ValidIPv4 no")
		}
		readIPv4(t, l3, m)
	})
}

func readARP(t *testing.T, a ARP) {
	b := make(ARP, ARPLen)
	b.Set(a.Operation(), a.SenderMAC(), a.SenderAddress(), a.TargetMAC(), a.TargetAddress())
	if string(b) != string(a[:ARPLen]) {
		t.Fatalf("ARP %x became %x", []byte(a), []byte(b))
	}
}

func readIPv4(t *testing.T, p IPv4, m Meta) {
	if p.TotalLen() != len(p) || p.Proto() != m.Proto || len(p.Options())+20+len(p.Payload()) != len(p) {
		t.Fatalf("lengths of %x", []byte(p))
	}
	if p.Fragment() != m.Flags.Has(FlagFragment) || (p.FragmentOffset() != 0) != m.Flags.Has(FlagLaterFragment) {
		t.Fatalf("fragment of %x", []byte(p))
	}
	if got, want := p.ChecksumOK(), slowSum(p[:p.HeaderLen()], 0) == 0xffff; got != want {
		t.Fatalf("header checksum of %x: %v, want %v", []byte(p[:p.HeaderLen()]), got, want)
	}
	before := string(p)
	for o := (Options4{Bytes: p.Options()}); o.Next(); {
		if len(o.Data) < 2 || o.Data[0] != o.Type {
			t.Fatalf("option %d: %x", o.Type, o.Data)
		}
	}
	if string(p) != before {
		t.Fatal("reading changed the packet")
	}
	p.BlankUncopied()
	for o := (Options4{Bytes: p.Options()}); o.Next(); {
		if o.Type&optionCopied == 0 {
			t.Fatalf("option %d is left in %x", o.Type, p.Options())
		}
	}
	p.UpdateChecksum()
	if !p.ChecksumOK() {
		t.Fatalf("checksum of %x after UpdateChecksum", []byte(p[:p.HeaderLen()]))
	}
	if p.TTL() > 0 {
		p.DecrementTTL()
		if !p.ChecksumOK() {
			t.Fatalf("checksum of %x after DecrementTTL", []byte(p[:p.HeaderLen()]))
		}
	}
	readTransport(p.Payload())
}

func readTransport(b []byte) {
	if ValidPorts(b) {
		_, _ = Ports(b).Source(), Ports(b).Destination()
	}
	if ValidUDP(b) {
		_, _, _ = UDP(b).Ports(), UDP(b).Checksum(), UDP(b).Payload()
	}
	if ValidTCP(b) {
		_, _, _, _ = TCP(b).Ports(), TCP(b).Flags(), TCP(b).Checksum(), TCP(b).Payload()
	}
	if ValidICMP4(b) {
		_, _, _, _, _ = ICMP4(b).Type(), ICMP4(b).Code(), ICMP4(b).Checksum(), ICMP4(b).Rest(), ICMP4(b).Error()
	}
}

var sink uint16 // keeps a result alive

func TestNoAllocs(t *testing.T) {
	frame := decode(t, udpFrame)
	var m Meta
	for name, do := range map[string]func(){
		"Parse":          func() { Parse(frame, &m) },
		"Sum":            func() { Sum(frame, 0) },
		"ChecksumOK":     func() { IPv4(frame[14:]).ChecksumOK() },
		"DecrementTTL":   func() { frame[22] = 64; IPv4(frame[14:]).DecrementTTL() },
		"UpdateChecksum": func() { sink = UpdateChecksum(1, 2, 3) },
		"Options4": func() {
			for o := (Options4{Bytes: frame}); o.Next(); {
			}
		},
		"IPv4.Set":     func() { IPv4(frame[14:]).Set(Header4{TTL: 1, TotalLen: 40}) },
		"ARP.Set":      func() { ARP(frame[14:]).Set(ARPReply, [6]byte{}, 1, [6]byte{}, 2) },
		"ICMP4.Set":    func() { ICMP4(frame[34:]).Set(1, 2, 3) },
		"UDP.Set":      func() { UDP(frame[34:]).Set(1, 2, 3, 4) },
		"Ethernet.Set": func() { Ethernet(frame).Set([6]byte{}, [6]byte{}, 3) },
	} {
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	frame := decode(b, udpFrame)
	var m Meta
	b.ReportAllocs()
	for b.Loop() {
		Parse(frame, &m)
	}
}

func BenchmarkHeaderChecksumOK(b *testing.B) {
	p := IPv4(decode(b, udpFrame)[14:])
	b.ReportAllocs()
	for b.Loop() {
		p.ChecksumOK()
	}
}

func BenchmarkDecrementTTL(b *testing.B) {
	p := IPv4(decode(b, udpFrame)[14:])
	b.ReportAllocs()
	for b.Loop() {
		p[offIPv4TTL] = 64
		p.DecrementTTL()
	}
}
