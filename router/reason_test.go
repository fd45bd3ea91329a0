package router

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"barewire/internal/testnet"
	"barewire/nic"
	"barewire/packet"
)

// drivers has, for each reason, what makes a packet be dropped for it. The other
// tests look at each closely; this one holds that none is out of reach.
var drivers = map[verdict]func(*lab){
	dropLinkDown:    func(l *lab) { l.must(l.r.SetUp(linkR0, false)); l.in(udp(0).Frame(macR0, macH)) },
	dropFrameShort:  func(l *lab) { l.in(make([]byte, 13)) },
	dropFrameLength: func(l *lab) { l.in(testnet.Ethernet(macR0, macH, 46, make([]byte, 46))) },
	dropOtherHost:   func(l *lab) { l.in(udp(0).Frame(macK, macH)) },
	dropTagged:      func(l *lab) { l.in(testnet.Ethernet(macR0, macH, packet.EtherTypeVLAN, []byte{0, 5, 8, 6})) },
	dropEtherType:   func(l *lab) { l.in(testnet.Ethernet(macR0, macH, packet.EtherTypeIPv6, make([]byte, 40))) },

	dropARPMalformed:   func(l *lab) { l.in(testnet.Ethernet(macR0, macH, packet.EtherTypeARP, make([]byte, 28))) },
	dropARPOperation:   func(l *lab) { l.in(testnet.ARP(macR0, macH, 8, addrH, macH, addrR0)) },
	dropARPSender:      func(l *lab) { l.in(testnet.Request(testnet.BroadcastMAC, addrH, addrR0)) },
	dropARPConflict:    func(l *lab) { l.in(testnet.Request(macH, addrR0, addrR0)) },
	dropARPNotOurs:     func(l *lab) { l.in(testnet.Request(macH, addrH, addrR1)) },
	dropARPUnsolicited: func(l *lab) { l.in(testnet.Reply(macR0, macH, addrH, addrR0)) },

	dropHeaderShort:        func(l *lab) { l.in(testnet.Ethernet(macR0, macH, packet.EtherTypeIPv4, make([]byte, 19))) },
	dropVersion:            func(l *lab) { l.in(patched(0, 0x65)) },
	dropHeaderLength:       func(l *lab) { l.in(patched(0, 0x44)) },
	dropTotalLength:        func(l *lab) { l.in(patched(3, 19)) },
	dropTruncated:          func(l *lab) { l.in(patched(3, 200)) },
	dropChecksum:           func(l *lab) { l.in(patched(10, 0)) },
	dropMartianSource:      func(l *lab) { l.in(testnet.IPv4{From: "127.0.0.1", To: addrS}.Frame(macR0, macH)) },
	dropMartianDestination: func(l *lab) { l.in(testnet.IPv4{From: addrH, To: "127.0.0.1"}.Frame(macR0, macH)) },
	dropGroupFrame:         func(l *lab) { l.in(udp(0).Frame(testnet.BroadcastMAC, macH)) },
	dropMulticast: func(l *lab) {
		l.in(testnet.IPv4{From: addrH, To: "224.0.0.251"}.Frame(nic.MAC{1, 0, 0x5e, 0, 0, 251}, macH))
	},
	dropOptions: func(l *lab) {
		l.in(testnet.IPv4{From: addrH, To: addrS, Options: []byte{7, 1, 0, 0}}.Frame(macR0, macH))
	},
	dropSourceRoute: func(l *lab) {
		l.in(testnet.IPv4{From: addrH, To: addrS, Options: []byte{packet.OptionLooseSourceRoute, 3, 4, 0}}.Frame(macR0, macH))
	},

	dropNoRoute: func(l *lab) {
		l.must(l.r.DeleteRoute(Route{Destination: netip.MustParsePrefix("0.0.0.0/0")}))
		l.in(udp(0).Frame(macR0, macH))
	},
	dropBlackhole:         func(l *lab) { l.discard(RouteBlackhole) },
	dropUnreachable:       func(l *lab) { l.discard(RouteUnreachable) },
	dropProhibited:        func(l *lab) { l.discard(RouteProhibit) },
	dropDirectedBroadcast: func(l *lab) { l.in(testnet.IPv4{From: addrH, To: "203.0.113.255"}.Frame(macR0, macH)) },

	dropNoHost: func(l *lab) {
		l.r.worker.host = nil
		l.r.host.Store(nil)
		l.in(testnet.IPv4{From: addrH, To: addrR0}.Frame(macR0, macH))
	},
	dropEchoBroadcast: func(l *lab) {
		l.in(testnet.IPv4{From: addrH, To: "192.168.1.255"}.ICMP(packet.ICMP4EchoRequest, 0, 0, nil).Frame(testnet.BroadcastMAC, macH))
	},
	dropOutputFull: func(l *lab) {
		p := testnet.IPv4{From: addrR0, To: addrH}.UDP(5, 5, make([]byte, 60000)).Bytes()
		for l.r.Output(p) == nil {
		}
	},

	dropNotForwarded: func(l *lab) { l.in(testnet.IPv4{From: addrH, To: "169.254.1.1"}.Frame(macR0, macH)) },
	dropTTL:          func(l *lab) { l.in(testnet.IPv4{From: addrH, To: addrS, TTL: 1}.Frame(macR0, macH)) },
	dropTooBig: func(l *lab) {
		l.must(l.r.SetMTU(linkR1, 68))
		l.in(testnet.IPv4{From: addrH, To: addrS, Flags: packet.DontFragment}.UDP(5, 5, make([]byte, 60)).Frame(macR0, macH))
	},

	dropNeighbourFailed: func(l *lab) { l.in(udp(0).Frame(macR0, macH)); l.wait(3 * retransmitTime) },
	dropNeighbourQueue: func(l *lab) {
		for range 200 {
			l.in(udp(0).Frame(macR0, macH))
		}
	},
	dropNeighbourEvicted: func(l *lab) {
		for i := range 200 {
			l.in1(testnet.IPv4{From: addrS, To: hostAddress(2 + i)}.Frame(macR1, macG))
		}
	},
	dropNeighbourLimit: func(l *lab) {
		for i := range 4 { // in use at once: one more than there is room for
			l.in1(testnet.IPv4{From: addrS, To: hostAddress(2 + i)}.Frame(macR1, macG))
			l.in(testnet.Reply(macR0, macH, hostAddress(2+i), addrR0))
		}
	},

	dropEgressDown: func(l *lab) { l.in(udp(0).Frame(macR0, macH)); l.must(l.r.SetUp(linkR1, false)); l.poll() },
	dropNoBuffer: func(l *lab) {
		l.poll() // reclaims
		for l.pool.Free() > 0 {
			b := l.pool.Get()
			l.Cleanup(func() { l.pool.Put(b) })
		}
		l.send(testnet.IPv4{From: addrR0, To: addrH})
	},
	dropRingFull: func(l *lab) {
		l.know().r1.HoldTransmits(true)
		for range 200 {
			l.in(udp(0).Frame(macR0, macH))
		}
		l.r1.HoldTransmits(false)
	},
	dropErrorLimit: func(l *lab) {
		for range 7 {
			l.in(testnet.IPv4{From: addrH, To: addrS, TTL: 1}.Frame(macR0, macH))
		}
	},
}

// patched is a good frame with one byte of the IPv4 header changed.
func patched(at int, value byte) []byte {
	f := udp(40).Frame(macR0, macH)
	f[14+at] = value
	return f
}

// discard sends a packet to a route of a type that discards.
func (l *lab) discard(kind RouteType) {
	l.must(l.r.AddRoute(Route{Destination: netip.MustParsePrefix("198.51.100.0/24"), Type: kind}))
	l.in(udp(0).Frame(macR0, macH))
}

func TestEveryReason(t *testing.T) {
	for v := firstReason; v < numReasons; v++ {
		name := reasons[v].name
		t.Run(name, func(t *testing.T) {
			drive := drivers[v]
			if drive == nil {
				t.Fatal("no test drives this reason")
			}
			o := labOptions{buffers: 256}
			if v == dropNeighbourLimit {
				o.options.NeighbourLimit = 4
			}
			l := newLab(t, o)
			drive(l)
			if l.drops()[name] == 0 {
				t.Errorf("not counted; counted were %v", l.drops())
			}
			l.wait(time.Millisecond)
		})
	}
}

// Each reason has one line with all three parts, and a name of its own.
func TestReasonTable(t *testing.T) {
	seen := map[string]bool{}
	for v := firstReason; v < numReasons; v++ {
		r := reasons[v]
		switch {
		case r.name == "" || r.sentence == "" || r.authority == "":
			t.Errorf("reason %d is not complete: %+v", v, r)
		case seen[r.name]:
			t.Errorf("%s is there twice", r.name)
		case strings.HasSuffix(r.sentence, ".") || strings.ContainsAny(r.name, " _"):
			t.Errorf("%s: %q", r.name, r.sentence)
		}
		seen[r.name] = true
	}
	for result, v := range parseReasons {
		if result != int(packet.OK) && v < firstReason {
			t.Errorf("packet.Parse's result %d has no reason", result)
		}
	}
}
