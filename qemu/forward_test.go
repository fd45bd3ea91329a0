package qemu

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// bootWires boots the built-in configuration with a host on each port: wan is
// the gateway 10.0.2.2 behind eth0, lan 192.168.1.2 behind eth1.
func bootWires(t testing.TB, b Board, o Options) (m *Machine, wan, lan *Wire) {
	t.Helper()
	wan, port0 := NewWire(t, "02:00:00:00:02:02", "10.0.2.2")
	lan, port1 := NewWire(t, "02:00:00:00:01:02", "192.168.1.2")
	port0.MAC, port1.MAC = "52:54:00:00:02:01", "52:54:00:00:01:01"
	o.Ports = []Port{port0, port1}
	m = Boot(t, b, o)
	m.WaitPrompt()
	return m, wan, lan
}

// TestForward sends datagrams both ways and looks at every field that a router
// must change or leave alone.
func TestForward(t *testing.T) {
	eachBoard(t, func(t *testing.T, b Board) {
		m, wan, lan := bootWires(t, b, Options{})
		routerLAN, routerWAN := lan.Resolve("192.168.1.1"), wan.Resolve("10.0.2.15")
		if routerLAN.String() != "52:54:00:00:01:01" || routerWAN.String() != "52:54:00:00:02:01" {
			t.Fatalf("router is at %v and %v: ports in the wrong order", routerLAN, routerWAN)
		}
		for _, way := range []struct {
			from, to *Wire
			in, out  net.HardwareAddr
		}{{lan, wan, routerLAN, routerWAN}, {wan, lan, routerWAN, routerLAN}} {
			for _, size := range []int{0, 1, 18, 512, 1472} {
				payload := bytes.Repeat([]byte{byte(size), 0x5a}, size)[:size]
				way.from.Send(way.from.UDP(way.in, way.to.IP.String(), 64, 1000, uint16(2000+size), payload))
				p := way.to.Receive("the datagram", func(p gopacket.Packet) bool {
					u, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
					return ok && u.DstPort == layers.UDPPort(2000+size)
				})
				checkForwarded(t, p, way.from, way.to, way.out, payload)
			}
		}
		m.Expect(`first packet forwarded [0-9.]+m?s after the kernel's start`)
		m.Running()
	})
}

// checkForwarded compares with the frame that a correct router makes of what
// was sent: new hardware addresses, TTL one lower, the checksum of that, and
// nothing else.
func checkForwarded(t *testing.T, p gopacket.Packet, from, to *Wire, router net.HardwareAddr, payload []byte) {
	t.Helper()
	udp := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	sent := from.UDP(router, to.IP.String(), 63, uint16(udp.SrcPort), uint16(udp.DstPort), payload)
	sent = sent[:14+20+8+len(payload)] // without padding: the port adds its own where its medium needs it
	copy(sent[0:6], to.MAC)
	copy(sent[6:12], router)
	if !bytes.Equal(p.Data(), sent) {
		t.Errorf("forwarded frame\n%x, want\n%x", p.Data(), sent)
	}
}

// TestTimeExceeded sends a datagram whose hops end at the router.
func TestTimeExceeded(t *testing.T) {
	eachBoard(t, func(t *testing.T, b Board) {
		_, _, lan := bootWires(t, b, Options{})
		router := lan.Resolve("192.168.1.1")
		lan.Send(lan.UDP(router, "10.0.2.2", 1, 1000, 33434, []byte("traceroute")))
		p := lan.Receive("time exceeded", func(p gopacket.Packet) bool {
			i, ok := p.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4)
			return ok && i.TypeCode == layers.CreateICMPv4TypeCode(layers.ICMPv4TypeTimeExceeded, layers.ICMPv4CodeTTLExceeded)
		})
		if ip := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4); ip.SrcIP.String() != "192.168.1.1" {
			t.Errorf("time exceeded comes from %v, want 192.168.1.1", ip.SrcIP)
		}
	})
}

// TestLinuxHosts puts the Linux stack on both ports.
func TestLinuxHosts(t *testing.T) {
	eachBoard(t, func(t *testing.T, b Board) {
		hostB, port0 := NewLinuxHost(t, "10.0.2.2/24", "10.0.2.15")
		hostA, port1 := NewLinuxHost(t, "192.168.1.2/24", "192.168.1.1")
		m := Boot(t, b, Options{Ports: []Port{port0, port1}})
		m.WaitPrompt()
		out := hostA.Run("ping", "-c", "5", "-i", "0.2", "-W", "10", "10.0.2.2")
		if !strings.Contains(out, " 0% packet loss") || !strings.Contains(out, "ttl=63") {
			t.Errorf("ping through the router:\n%s", out)
		}
		out = hostA.Run("ping", "-c", "3", "-i", "0.2", "-W", "10", "192.168.1.1")
		if !strings.Contains(out, " 0% packet loss") || !strings.Contains(out, "ttl=64") {
			t.Errorf("ping to the router:\n%s", out)
		}
		transfer(t, hostA, hostB, "10.0.2.2:5001", 100<<20)
		transfer(t, hostB, hostA, "192.168.1.2:5001", 20<<20)
		if out := m.Command("ping -c 2 10.0.2.2"); !strings.Contains(out, "2 received, 0% packet loss") {
			t.Errorf("the router pings host B:\n%s", out)
		}
	})
}
