package stack

import (
	"fmt"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"barewire/internal/clock"
	"barewire/router"
)

// nicID is gVisor's number for the line to the router.
const nicID tcpip.NICID = 1

// Namespace is one network namespace. All methods may be called from any
// goroutine. Made by New; not to be copied.
type Namespace struct {
	name   string
	router *router.Router
	clock  clock.Clock

	host *stack.Stack
	line *line

	echo echoes

	mirrored mirror

	listeners struct {
		sync.Mutex
		changed []func()
	}

	closed atomic.Bool
}

// Buffer sizes of TCP in bytes: they bound what one connection can hold of a
// machine that may have 128 MiB. 1 MiB fills 100 Mbit/s over 80 ms.
const (
	tcpBufferMin     = 4 << 10
	tcpBufferDefault = 128 << 10
	tcpBufferMax     = 1 << 20
)

// New makes the host side of a namespace and attaches it to r, whose only
// host it is. c is the clock of the router; nil is the machine's. Packets flow
// once the router's worker runs. The router's OnChange is taken: use Namespace's.
func New(name string, r *router.Router, c clock.Clock) (*Namespace, error) {
	if c == nil {
		c = clock.Real()
	}
	n := &Namespace{name: name, router: r, clock: c}
	n.echo.clock, n.echo.sessions = c, map[uint16]*echoSession{}
	n.host = stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{
			ipv4.NewProtocolWithOptions(ipv4.Options{AllowExternalLoopbackTraffic: true}), // the router has kept martians out
		},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4},
		Clock:              hostClock{c},
		HandleLocal:        false, // the router is to see packets from us to us
	})
	n.host.SetTransportProtocolHandler(header.ICMPv4ProtocolNumber, n.echo.reply)
	if err := n.configure(); err != nil {
		return nil, fmt.Errorf("namespace %s: %w", name, err)
	}
	n.line.start()
	r.OnChange(n.changed)
	r.AttachHost(n.line)
	n.mirror()
	return n, nil
}

func (n *Namespace) configure() error {
	sack := tcpip.TCPSACKEnabled(true)
	cubic := tcpip.CongestionControlOption("cubic")
	// gVisor's RACK takes reordering for loss on fast paths and slows down.
	recovery := tcpip.TCPRecovery(0)
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	send := tcpip.TCPSendBufferSizeRangeOption{Min: tcpBufferMin, Default: tcpBufferDefault, Max: tcpBufferMax}
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: tcpBufferMin, Default: tcpBufferDefault, Max: tcpBufferMax}
	for _, o := range []tcpip.SettableTransportProtocolOption{&sack, &cubic, &recovery, &moderate, &send, &receive} {
		if err := n.host.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return fmt.Errorf("set %T: %w", o, failure(err))
		}
	}
	n.line = newLine(n)
	if err := n.host.CreateNIC(nicID, n.line); err != nil {
		return fmt.Errorf("attach the host to the router: %w", failure(err))
	}
	return nil
}

// Name is the namespace's name.
func (n *Namespace) Name() string { return n.name }

// Router is the namespace's router. What is changed there is followed here.
func (n *Namespace) Router() *router.Router { return n.router }

// OnChange adds f to what is called after each change of links, addresses or
// routes. f must not block; it may be called from any goroutine, several
// changes may be one call.
func (n *Namespace) OnChange(f func()) {
	n.listeners.Lock()
	defer n.listeners.Unlock()
	n.listeners.changed = append(n.listeners.changed, f)
}

// changed is the router's word that something did.
func (n *Namespace) changed() {
	if n.closed.Load() {
		return
	}
	n.mirror()
	n.listeners.Lock()
	fs := n.listeners.changed
	n.listeners.Unlock()
	for _, f := range fs {
		f()
	}
}

// Drops are the router's counters of lost packets and those of the host side.
func (n *Namespace) Drops() []router.DropCount {
	return append(n.router.Drops(), n.line.drops()...)
}

// Close ends all connections and pings and detaches the host side: packets for
// the router itself are dropped from then on. The router goes on forwarding.
func (n *Namespace) Close() error {
	if n.closed.Swap(true) {
		return nil
	}
	n.echo.close()
	n.line.stop()
	n.host.Destroy()
	return nil
}
