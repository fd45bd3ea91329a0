// Package stack is a network namespace as a host: one router, which moves
// packets, and one gVisor stack, which answers for the router's own addresses
// and has the sockets of the router's services.
//
//	sockets (net.Conn, net.Listener), Ping
//	   |                        ^
//	gVisor: TCP, UDP, ICMP      | inbound queue, deliver goroutine
//	   |                        |
//	Router.Output            Host.Receive
//	   v                        |
//	router: addresses, routes, neighbours, links
//
// gVisor hangs on the router like a host on a point-to-point line: it resolves
// no neighbours and forwards nothing. Addresses and routes are the router's;
// gVisor has copies of them that follow each change, so that it knows which
// packets are its own and which source address a socket gets. A packet that
// one socket sends to another of the same namespace goes through the router
// as well, so that counters and rules see it.
//
// gVisor's types stay in this package. What leaves it are net.Conn,
// net.Listener, net.PacketConn and errors that wrap syscall.Errno.
//
// # Not supported
//
// IPv6, multicast groups, raw sockets, addresses of 127.0.0.0/8 other than
// 127.0.0.1, and more than maxMirrored routes with source addresses of their own
// for sockets that are bound to none.
package stack
