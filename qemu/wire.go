package qemu

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Wire is a cable to one of the machine's ports, with the test at its other end
// as a host. It answers ARP requests for its address and hands everything else
// that comes to the test.
type Wire struct {
	t      testing.TB
	socket *os.File
	MAC    net.HardwareAddr
	IP     netip.Addr
	frames chan []byte
}

// NewWire makes a host of the test's and the port that it is connected to.
func NewWire(t testing.TB, mac, ip string) (*Wire, Port) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range pair {
		// Room for bursts: the machine is busy with other things at times.
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 4<<20)
	}
	syscall.SetNonblock(pair[0], true)
	hardware, err := net.ParseMAC(mac)
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{t: t, socket: os.NewFile(uintptr(pair[0]), "wire"), MAC: hardware, IP: netip.MustParseAddr(ip), frames: make(chan []byte, 4096)}
	t.Cleanup(func() { w.socket.Close() })
	go w.receive()
	return w, Port{Backend: "dgram,local.type=fd,local.str=%d", file: os.NewFile(uintptr(pair[1]), "port")}
}

func (w *Wire) receive() {
	buffer := make([]byte, 65536)
	for {
		n, err := w.socket.Read(buffer)
		if err != nil {
			close(w.frames)
			return
		}
		frame := append([]byte(nil), buffer[:n]...)
		if w.answerARP(frame) {
			continue
		}
		select {
		case w.frames <- frame:
		default: // nobody looks
		}
	}
}

func (w *Wire) answerARP(frame []byte) bool {
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.NoCopy)
	arp, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP)
	if !ok || arp.Operation != layers.ARPRequest || !net.IP(arp.DstProtAddress).Equal(w.IP.AsSlice()) {
		return false
	}
	w.Send(Frame(
		&layers.Ethernet{SrcMAC: w.MAC, DstMAC: arp.SourceHwAddress, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: layers.ARPReply, SourceHwAddress: w.MAC, SourceProtAddress: w.IP.AsSlice(),
			DstHwAddress: arp.SourceHwAddress, DstProtAddress: arp.SourceProtAddress}))
	return true
}

// Send puts a frame on the wire.
func (w *Wire) Send(frame []byte) {
	if _, err := w.socket.Write(frame); err != nil {
		w.t.Errorf("wire %v: send: %v", w.IP, err)
	}
}

// Receive waits for a frame that fits, and drops those before it that do not.
func (w *Wire) Receive(what string, fits func(gopacket.Packet) bool) gopacket.Packet {
	w.t.Helper()
	late := time.After(patience)
	for {
		select {
		case frame, ok := <-w.frames:
			if !ok {
				w.t.Fatalf("wire %v: closed before %s", w.IP, what)
			}
			p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
			if fits(p) {
				return p
			}
		case <-late:
			w.t.Fatalf("wire %v: %s did not come", w.IP, what)
		}
	}
}

// Resolve asks for the hardware address of a neighbour.
func (w *Wire) Resolve(ip string) net.HardwareAddr {
	w.t.Helper()
	target := netip.MustParseAddr(ip)
	w.Send(Frame(
		&layers.Ethernet{SrcMAC: w.MAC, DstMAC: layers.EthernetBroadcast, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: layers.ARPRequest, SourceHwAddress: w.MAC, SourceProtAddress: w.IP.AsSlice(),
			DstHwAddress: make([]byte, 6), DstProtAddress: target.AsSlice()}))
	p := w.Receive("an ARP reply of "+ip, func(p gopacket.Packet) bool {
		arp, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP)
		return ok && arp.Operation == layers.ARPReply && net.IP(arp.SourceProtAddress).Equal(target.AsSlice())
	})
	return p.Layer(layers.LayerTypeARP).(*layers.ARP).SourceHwAddress
}

// Frame is the bytes of the layers, with lengths and checksums filled in.
func Frame(parts ...gopacket.SerializableLayer) []byte {
	for i, p := range parts {
		ip, ok := p.(*layers.IPv4)
		if !ok || i+1 == len(parts) {
			continue
		}
		switch next := parts[i+1].(type) {
		case *layers.UDP:
			next.SetNetworkLayerForChecksum(ip)
		case *layers.TCP:
			next.SetNetworkLayerForChecksum(ip)
		}
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, parts...); err != nil {
		panic(err) // layers that do not fit each other: the test is wrong
	}
	return append([]byte(nil), b.Bytes()...)
}

// UDP is a frame from the wire's host to an address through a router.
func (w *Wire) UDP(router net.HardwareAddr, to string, ttl uint8, source, destination uint16, payload []byte) []byte {
	return Frame(
		&layers.Ethernet{SrcMAC: w.MAC, DstMAC: router, EthernetType: layers.EthernetTypeIPv4},
		&layers.IPv4{Version: 4, TTL: ttl, Protocol: layers.IPProtocolUDP, SrcIP: w.IP.AsSlice(), DstIP: net.ParseIP(to).To4()},
		&layers.UDP{SrcPort: layers.UDPPort(source), DstPort: layers.UDPPort(destination)},
		gopacket.Payload(payload))
}
