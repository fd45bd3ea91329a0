package qemu

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// TestBursts sends bursts of all lengths with pauses of all lengths between
// them, so that ring, doorbell and interrupt meet in every state of rest: a
// doorbell or a wake-up that is lost would leave the last packet of a burst
// where it is. A burst within the ring's size may not lose any.
func TestBursts(t *testing.T) {
	const most = 200
	length := soakLength(t, 5*time.Second)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	eachBoard(t, func(t *testing.T, b Board) {
		random := rand.New(rand.NewPCG(seed, 0))
		_, wan, lan := bootWires(t, b, Options{})
		router := lan.Resolve("192.168.1.1")
		passes(t, lan, wan, router, 1)
		frames := 0
		for burst := 0; frames == 0 || length > 0; burst++ {
			begin := time.Now()
			n := 1 + random.IntN(most)>>random.IntN(7)
			for i := range n {
				lan.Send(lan.UDP(router, "10.0.2.2", 64, 7, uint16(i), nil))
			}
			for i := range n {
				wan.Receive("a packet of a burst", func(p gopacket.Packet) bool {
					u, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
					if ok && u.DstPort != layers.UDPPort(i) {
						t.Fatalf("burst %d of %d packets: packet %d came instead of %d", burst, n, u.DstPort, i)
					}
					return ok
				})
			}
			frames += n
			for pause := time.Now(); time.Since(pause) < time.Duration(random.IntN(1<<random.IntN(12)))*time.Microsecond; {
			}
			length -= time.Since(begin)
		}
		t.Logf("%d packets", frames)
	})
}

// TestFlood sends more than the machine can take, so that both rings are full
// again and again. What the transmit ring has no room for is lost, and counted;
// but behind each flood packets pass again.
func TestFlood(t *testing.T) {
	const flood, tries = 3000, 5
	length := soakLength(t, 5*time.Second)
	eachBoard(t, func(t *testing.T, b Board) {
		m, wan, lan := bootWires(t, b, Options{})
		router := lan.Resolve("192.168.1.1")
		passes(t, lan, wan, router, 1)
		frame := lan.UDP(router, "10.0.2.2", 64, 7, 7, nil)
		end := time.Now().Add(length)
		for round := 0; round == 0 || time.Now().Before(end); round++ {
			for range flood {
				lan.Send(frame)
			}
			came := 0
			for try := 1; came == 0; try++ {
				if try > tries {
					t.Fatalf("round %d: the machine forwards nothing any more: %v", round, m.lost())
				}
				probe := uint16(1000 + round%1000*tries + try)
				lan.Send(lan.UDP(router, "10.0.2.2", 64, 7, probe, nil))
				came = wan.drainTo(probe, 3*time.Second)
			}
		}
	})
}

// drainTo takes frames until a datagram to the port is among them, and returns
// how many it took; 0 when none came for so long.
func (w *Wire) drainTo(port uint16, patience time.Duration) (n int) {
	for {
		select {
		case frame := <-w.frames:
			n++
			p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.NoCopy)
			if u, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP); ok && u.DstPort == layers.UDPPort(port) {
				return n
			}
		case <-time.After(patience):
			return 0
		}
	}
}
