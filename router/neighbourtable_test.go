package router

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"barewire/internal/testnet"
	"barewire/packet"
)

// hostAddress is the i-th address of r0's subnet.
func hostAddress(i int) string { return fmt.Sprintf("192.168.1.%d", i) }

// A scan of unused addresses neither takes the place of hosts that answered,
// nor keeps a new one from being resolved (RFC 6583).
func TestScan(t *testing.T) {
	const known = 60
	l := newLab(t, labOptions{options: Options{NeighbourLimit: 100}})
	toHost := func(i int) []byte {
		return testnet.IPv4{From: addrS, To: hostAddress(i)}.UDP(5, 5, nil).Frame(macR1, macG)
	}
	answer := func(i int) {
		l.in(testnet.Reply(macR0, macH, hostAddress(i), addrR0))
	}
	for i := 2; i < 2+known; i++ {
		l.in1(toHost(i))
		answer(i)
	}
	l.r0.Sent()
	l.wantDrops(nil)
	for round := range 10 { // 1,900 packets, in ten seconds
		for i := 62; i < 252; i++ {
			l.in1(toHost(i))
		}
		l.wait(time.Second)
		l.r0.Sent()
		l.r1.Sent()
		answered := 0
		for _, n := range l.r.Neighbours() {
			if n.State == NeighbourReachable {
				answered++
			}
		}
		if answered != known {
			t.Fatalf("round %d: %d hosts are known, want %d", round, answered, known)
		}
	}
	if n := len(l.r.Neighbours()); n > 100 {
		t.Errorf("%d entries, limit 100", n)
	}
	l.in1(toHost(253))
	l.in(testnet.Reply(macR0, macK, hostAddress(253), addrR0))
	frames := l.r0.Sent()
	if p := l.ipv4(frames[len(frames)-1]); p.Destination().String() != hostAddress(253) {
		t.Errorf("the new host got %x", []byte(p))
	}
	drops := l.drops()
	if drops["NeighbourEvicted"] == 0 || drops["NeighbourLimit"] != 0 {
		t.Errorf("counted %v", drops)
	}
	// Who is known gets packets without being asked.
	l.in1(toHost(5))
	l.ipv4(l.one(l.r0))
}

// When all places are taken by hosts that answered, the one that is stale for
// longest makes room; gateways and those in use do not.
func TestFullOfAnswers(t *testing.T) {
	l := newLab(t, labOptions{options: Options{NeighbourLimit: 4}}) // three that answered, one that has not
	ask := func(i int) { l.in(testnet.Request(macH, hostAddress(i), addrR0)) }
	l.in(udp(0).Frame(macR0, macH))
	l.in1(testnet.Reply(macR1, macG, addrG, addrR1))
	l.wait(46 * time.Second) // the gateway is the oldest that is stale
	ask(2)
	ask(3)
	ask(4)
	want := func(link int, address string, s NeighbourState) {
		t.Helper()
		if got := l.state(link, address); got != s {
			t.Errorf("%s is %v, want %v", address, got, s)
		}
	}
	want(linkR0, hostAddress(2), NeighbourNone)
	want(linkR0, hostAddress(3), NeighbourStale)
	want(linkR0, hostAddress(4), NeighbourStale)
	want(linkR1, addrG, NeighbourStale)
	l.wantDrops(nil)
	// All in use: the newcomer is not learned, and counted; it is answered.
	for _, i := range []int{3, 4} {
		l.in1(testnet.IPv4{From: addrS, To: hostAddress(i)}.UDP(5, 5, nil).Frame(macR1, macG))
	}
	l.r0.Sent()
	ask(5)
	l.one(l.r0)
	want(linkR0, hostAddress(5), NeighbourNone)
	l.wantDrops(map[string]uint64{"NeighbourLimit": 1})
}

// One neighbour holds back so much and no more; the oldest packet goes.
func TestWaitingLimit(t *testing.T) {
	l := newLab(t, labOptions{buffers: 1024, ring: 256})
	for i := range 150 {
		d := udp(0)
		d.ID = uint16(i)
		l.in(d.Frame(macR0, macH))
	}
	const most = waitingBytes / 2048
	l.wantDrops(map[string]uint64{"NeighbourQueue": 150 - most})
	l.r1.Sent()
	l.in1(testnet.Reply(macR1, macG, addrG, addrR1))
	frames := l.r1.Sent()
	if len(frames) != most {
		t.Fatalf("%d packets left, want %d", len(frames), most)
	}
	if id := l.ipv4(frames[0]).ID(); id != 150-most {
		t.Errorf("the oldest left is %d, want %d", id, 150-most)
	}
}

// All neighbours together hold back a part of the pool, whoever they are.
func TestWaitingLimitOfAll(t *testing.T) {
	l := newLab(t, labOptions{buffers: 256})
	for i := range 100 {
		l.in1(testnet.IPv4{From: addrS, To: hostAddress(100 + i)}.UDP(5, 5, nil).Frame(macR1, macG))
		l.r0.Sent()
	}
	if w := l.r.worker.neighbours.waiting; w != 64 {
		t.Errorf("%d packets wait, want 64", w)
	}
	l.wantDrops(map[string]uint64{"NeighbourEvicted": 36})
	// The rest of the pool serves others.
	l.know()
	l.in(udp(0).Frame(macR0, macH))
	l.one(l.r1)
}

// A flood to one address that nobody has keeps within the limit as well.
func TestFloodToOne(t *testing.T) {
	l := newLab(t, labOptions{buffers: 256})
	for range 300 {
		l.in(udp(0).Frame(macR0, macH))
	}
	l.wantDrops(map[string]uint64{"NeighbourQueue": 300 - 64})
}

func TestLinkDownForgets(t *testing.T) {
	l := newLab(t, labOptions{})
	l.in(testnet.Request(macH, addrH, addrR0))
	l.in1(testnet.IPv4{From: addrS, To: addrK}.UDP(5, 5, nil).Frame(macR1, macG))
	l.in(udp(0).Frame(macR0, macH)) // for the gateway, on the other link
	l.must(l.r.SetUp(linkR0, false))
	l.poll()
	for _, n := range l.r.Neighbours() {
		if n.Link == linkR0 {
			t.Errorf("%v is left", n)
		}
	}
	if s := l.state(linkR1, addrG); s != NeighbourIncomplete {
		t.Errorf("the other link's neighbour is %v", s)
	}
	l.wantDrops(map[string]uint64{"EgressDown": 1})
}

// The table under any sequence of operations agrees with a map, and its lists,
// timers and counts with each other.
func TestNeighbourTableProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table neighbourTable
		table.init(64, 64, 2048, rapid.Uint32().Draw(t, "seed"))
		type key struct {
			link uint16
			a    packet.Addr4
		}
		twin := map[key]NeighbourState{}
		draw := func() key {
			return key{uint16(rapid.IntRange(2, 3).Draw(t, "link")), packet.Addr4(rapid.IntRange(1, 20).Draw(t, "address"))}
		}
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				k := draw()
				n := table.lookup(k.link, k.a)
				if n == nil {
					n = table.insert(k.link, k.a)
				}
				s := NeighbourState(rapid.IntRange(1, 7).Draw(t, "state"))
				table.setState(n, s, time.Duration(rapid.IntRange(0, 5).Draw(t, "deadline")))
				twin[k] = s
			},
			"remove": func(t *rapid.T) {
				k := draw()
				if n := table.lookup(k.link, k.a); n != nil {
					table.remove(n)
				}
				delete(twin, k)
			},
			"": func(t *rapid.T) {
				list := table.snapshot()
				if len(list) != len(twin) {
					t.Fatalf("%d entries, want %d", len(list), len(twin))
				}
				unresolved, stale, timers := 0, 0, 0
				for k, s := range twin {
					n := table.lookup(k.link, k.a)
					if n == nil || n.state != s {
						t.Fatalf("%v is %v, want %v", k, n, s)
					}
					switch s {
					case NeighbourIncomplete, NeighbourFailed:
						unresolved++
					case NeighbourStale:
						stale++
					}
					if n.timer != noTimer {
						timers++
						if table.timers[n.timer] != n {
							t.Fatalf("%v does not know its place", k)
						}
					}
				}
				if table.unresolved.n != unresolved || table.stale.n != stale || table.resolved != len(twin)-unresolved || len(table.timers) != timers {
					t.Fatalf("counts: %d unresolved, %d stale, %d resolved, %d timers", table.unresolved.n, table.stale.n, table.resolved, len(table.timers))
				}
				for i := range table.timers {
					if table.timers[i].deadline < table.timers[max(i-1, 0)/2].deadline {
						t.Fatalf("timer %d is before its parent", i)
					}
				}
			},
		})
	})
}

// Above a hundred and a few, neighbours that nobody used for a minute go;
// gateways, and those below that number, stay.
func TestIdleGo(t *testing.T) {
	l := newLab(t, labOptions{})
	l.in(udp(0).Frame(macR0, macH))
	l.in1(testnet.Reply(macR1, macG, addrG, addrR1))
	for i := 2; i < 152; i++ {
		l.in(testnet.Request(macH, hostAddress(i), addrR0))
	}
	l.wait(idleTime - time.Second)
	if n := len(l.r.Neighbours()); n != 151 {
		t.Fatalf("%d neighbours before their time, want 151", n)
	}
	l.wait(3 * idleTime)
	if n := len(l.r.Neighbours()); n != keptIdle {
		t.Errorf("%d neighbours are left, want %d", n, keptIdle)
	}
	if s := l.state(linkR1, addrG); s != NeighbourStale {
		t.Errorf("the gateway is %v", s)
	}
	l.wantDrops(nil)
}

// The neighbour that a packet is for is not the one given up for its sake, even
// when it is the one that was asked for longest.
func TestRoomForTheOldest(t *testing.T) {
	l := newLab(t, labOptions{buffers: 256}).know()
	to := func(i int) []byte {
		return testnet.IPv4{From: addrS, To: hostAddress(i)}.UDP(5, 5, nil).Frame(macR1, macG)
	}
	l.in1(to(2))
	l.wait(3 * retransmitTime) // failed: nothing waits, and it is the oldest
	for i := range 64 {
		l.in1(to(100 + i))
	}
	l.in1(to(2))
	if s := l.state(linkR0, hostAddress(2)); s != NeighbourIncomplete {
		t.Errorf("it is %v", s)
	}
	if s := l.state(linkR0, hostAddress(100)); s != NeighbourNone {
		t.Errorf("the oldest of the others is %v", s)
	}
	if w := l.r.worker.neighbours.waiting; w != 64 {
		t.Errorf("%d packets wait, want 64", w)
	}
	l.wantDrops(map[string]uint64{"NeighbourFailed": 1, "NeighbourEvicted": 1})
}
