package stack

import (
	"context"
	"net"
	"net/netip"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// backlog is how many connections may wait for Accept, as many Linux services
// ask for. gVisor answers beyond it with SYN cookies.
const backlog = 128

// ListenTCP waits for connections at an address of the namespace, or at all
// of them when the address is not valid or 0.0.0.0. Port 0 takes a free one.
func (n *Namespace) ListenTCP(at netip.AddrPort) (net.Listener, error) {
	fail := func(err error) (net.Listener, error) {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(at), Err: err}
	}
	local, err := endpointAddress(at)
	if err != nil {
		return fail(err)
	}
	queue := new(waiter.Queue)
	e, failed := n.host.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, queue)
	if failed != nil {
		return fail(failure(failed))
	}
	e.SocketOptions().SetReuseAddress(true) // a service started again need not wait for TIME-WAIT
	if failed := e.Bind(local); failed != nil {
		e.Close()
		return fail(failure(failed))
	}
	if failed := e.Listen(backlog); failed != nil {
		e.Close()
		return fail(failure(failed))
	}
	return gonet.NewTCPListener(n.host, queue, e), nil
}

// DialTCP connects to a host, from the address that the routes choose. ctx
// ends the attempt, not the connection.
func (n *Namespace) DialTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	remote, local, err := n.towards(to)
	if err != nil {
		return fail(err)
	}
	queue := new(waiter.Queue)
	e, failed := n.host.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, queue)
	if failed != nil {
		return fail(failure(failed))
	}
	writable, connected := waiter.NewChannelEntry(waiter.WritableEvents)
	queue.EventRegister(&writable)
	defer queue.EventUnregister(&writable)
	if failed = e.Bind(local); failed == nil {
		failed = e.Connect(remote)
	}
	if _, started := failed.(*tcpip.ErrConnectStarted); started {
		select {
		case <-ctx.Done():
			e.Close()
			return fail(ctx.Err())
		case <-connected:
		}
		failed = e.LastError()
	}
	if failed != nil {
		e.Close()
		return fail(failure(failed))
	}
	return gonet.NewTCPConn(queue, e), nil
}

// ListenUDP opens a socket at an address of the namespace, or at all of them
// when the address is not valid or 0.0.0.0. Port 0 takes a free one. The addresses
// that WriteTo takes and ReadFrom gives are of type *net.UDPAddr.
func (n *Namespace) ListenUDP(at netip.AddrPort) (net.PacketConn, error) {
	local, err := endpointAddress(at)
	if err == nil {
		var c *gonet.UDPConn
		if c, err = n.openUDP(&local, nil); err == nil {
			return c, nil
		}
	}
	return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(at), Err: err}
}

// DialUDP opens a socket that sends to one host, from the address that the
// routes choose. An ICMP error for what it sent fails the next Read or Write.
func (n *Namespace) DialUDP(to netip.AddrPort) (net.Conn, error) {
	remote, local, err := n.towards(to)
	if err == nil {
		var c *gonet.UDPConn
		if c, err = n.openUDP(&local, &remote); err == nil {
			return c, nil
		}
	}
	return nil, &net.OpError{Op: "dial", Net: "udp", Addr: net.UDPAddrFromAddrPort(to), Err: err}
}

func (n *Namespace) openUDP(local, remote *tcpip.FullAddress) (*gonet.UDPConn, error) {
	queue := new(waiter.Queue)
	e, failed := n.host.NewEndpoint(udp.ProtocolNumber, ipv4.ProtocolNumber, queue)
	if failed != nil {
		return nil, failure(failed)
	}
	// The adapter's Read waits for data only: an ICMP error must wake it, too.
	// Not on this goroutine, which holds the queue.
	wake := waiter.NewFunctionEntry(waiter.EventErr, func(waiter.EventMask) { go queue.Notify(waiter.EventIn) })
	queue.EventRegister(&wake)
	if failed = e.Bind(*local); failed == nil && remote != nil {
		failed = e.Connect(*remote)
	}
	if failed != nil {
		e.Close()
		return nil, failure(failed)
	}
	return gonet.NewUDPConn(queue, e), nil
}

// towards is the remote end and the local address, of no port yet, for talking
// to a host.
func (n *Namespace) towards(to netip.AddrPort) (remote, local tcpip.FullAddress, err error) {
	if !to.Addr().Is4() {
		return remote, local, syscall.EAFNOSUPPORT
	}
	_, source, err := n.router.Lookup(to.Addr())
	switch {
	case err != nil:
		return remote, local, err
	case !source.IsValid():
		return remote, local, syscall.EADDRNOTAVAIL
	}
	return tcpip.FullAddress{Addr: hostAddress(to.Addr()), Port: to.Port()}, tcpip.FullAddress{Addr: hostAddress(source)}, nil
}

// endpointAddress is an address to listen at.
func endpointAddress(at netip.AddrPort) (tcpip.FullAddress, error) {
	a := at.Addr()
	switch {
	case !a.IsValid() || a == netip.IPv4Unspecified():
		return tcpip.FullAddress{Port: at.Port()}, nil
	case !a.Is4():
		return tcpip.FullAddress{}, syscall.EAFNOSUPPORT
	}
	return tcpip.FullAddress{Addr: hostAddress(a), Port: at.Port()}, nil
}
