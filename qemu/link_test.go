package qemu

import (
	"net"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// TestLinkStatus pulls the cable of one port and plugs it in again. The other
// port does not notice.
func TestLinkStatus(t *testing.T) {
	eachBoard(t, func(t *testing.T, b Board) {
		lan, port1 := NewWire(t, "02:00:00:00:01:02", "192.168.1.2")
		m := Boot(t, b, Options{Ports: []Port{UserNetwork(), port1}})
		m.WaitPrompt()
		lan.Resolve("192.168.1.1")

		m.Monitor("set_link port1 off")
		m.Expect(`eth1: link down`)
		m.Type("\r")
		m.WaitPrompt()
		if out := m.Command("ip link show dev eth1"); !strings.Contains(out, "NO-CARRIER") || !strings.Contains(out, "state DOWN") {
			t.Errorf("ip link without carrier:\n%s", out)
		}
		if out := m.Command("ip route"); !strings.Contains(out, "192.168.1.0/24 dev eth1 proto kernel scope link src 192.168.1.1 linkdown") {
			t.Errorf("ip route without carrier:\n%s", out)
		}
		if out := m.Command("ping -c 1 10.0.2.2"); !strings.Contains(out, "1 received") {
			t.Errorf("the other port suffers:\n%s", out)
		}

		m.Monitor("set_link port1 on")
		m.Expect(`eth1: link up`)
		lan.Receive("a gratuitous ARP request", func(p gopacket.Packet) bool {
			arp, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP)
			return ok && net.IP(arp.SourceProtAddress).Equal(arp.DstProtAddress) && net.IP(arp.DstProtAddress).String() == "192.168.1.1"
		})
		lan.Resolve("192.168.1.1")
		m.Running()
	})
}
