package qemu

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
)

func eachBoardBench(b *testing.B, bench func(b *testing.B, board Board)) {
	for _, board := range Boards {
		b.Run(board.Name, func(b *testing.B) { bench(b, board) })
	}
}

// BenchmarkBoot boots until a packet was forwarded. Reported are the machine's
// own figures: milliseconds from the kernel's first instruction to the ready
// console and to the first forwarded packet. They depend on the computer and
// what else it does; BenchmarkBootInstructions does not.
func BenchmarkBoot(b *testing.B) {
	eachBoardBench(b, func(b *testing.B, board Board) {
		var ready, first float64
		for range b.N {
			wan, port0 := NewWire(b, "02:00:00:00:02:02", "10.0.2.2")
			lan, port1 := NewWire(b, "02:00:00:00:01:02", "192.168.1.2")
			m := Boot(b, board, Options{Ports: []Port{port0, port1}})
			ready += milliseconds(b, m.Expect(`barewire ready in ([0-9.]+m?s)`)[1])
			m.WaitPrompt()
			router := lan.Resolve("192.168.1.1")
			lan.Send(lan.UDP(router, "10.0.2.2", 64, 7, 7, nil))
			first += milliseconds(b, m.Expect(`first packet forwarded ([0-9.]+m?s)`)[1])
			_ = wan
			m.Kill()
		}
		b.ReportMetric(ready/float64(b.N), "ms/ready")
		b.ReportMetric(first/float64(b.N), "ms/forwarded")
	})
}

func milliseconds(b *testing.B, s string) float64 {
	d, err := time.ParseDuration(s)
	if err != nil {
		b.Fatal(err)
	}
	return float64(d) / float64(time.Millisecond)
}

// BenchmarkBootInstructions counts what the processor executes until the console
// is ready: QEMU lets its clock run by a nanosecond an instruction.
func BenchmarkBootInstructions(b *testing.B) {
	eachBoardBench(b, func(b *testing.B, board Board) {
		total := 0.0
		for range b.N {
			m := Boot(b, board, Options{
				Ports:     []Port{UserNetwork(), UserNetwork()},
				Arguments: []string{"-icount", "shift=0,sleep=off"},
			})
			total += milliseconds(b, m.Expect(`barewire ready in ([0-9.]+m?s)`)[1])
			m.Kill()
		}
		b.ReportMetric(total/float64(b.N), "Minstructions/boot")
	})
}

// BenchmarkForward moves datagrams of 64 bytes through the machine, at most 64
// on the way at a time. One operation is one packet.
func BenchmarkForward(b *testing.B) {
	const window = 64
	eachBoardBench(b, func(b *testing.B, board Board) {
		_, wan, lan := bootWires(b, board, Options{})
		router := lan.Resolve("192.168.1.1")
		payload := make([]byte, 64-14-20-8)
		frame := lan.UDP(router, "10.0.2.2", 64, 7, 7, payload)
		frame[40], frame[41] = 0, 0 // no UDP checksum: the payload changes
		arrived := 0
		// take waits for one datagram and checks that none was lost before it.
		take := func() {
			f := <-wan.frames
			for f[23] != uint8(layers.IPProtocolUDP) {
				f = <-wan.frames
			}
			if n := int(binary.BigEndian.Uint32(f[42:])); n != arrived {
				b.Fatalf("packet %d came, want %d", n, arrived)
			}
			arrived++
		}
		send := func(n int) {
			binary.BigEndian.PutUint32(frame[42:], uint32(n))
			lan.Send(frame)
		}
		// The first packet waits for ARP; it is not what is measured.
		send(0)
		take()
		b.ResetTimer()
		for sent := 1; arrived <= b.N; {
			for sent <= b.N && sent-arrived < window {
				send(sent)
				sent++
			}
			take()
		}
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
	})
}
