// Package router is one namespace's data plane: links, addresses, neighbours,
// routes, and the way of a packet between them (path.go). It is not a host:
// packets for the router itself go to a Host (package stack), and what the
// host sends comes in by Router.Output.
//
// Specifications: RFC 826 and 5227 (ARP), 1122 and 1812 (hosts and routers),
// 791 and 792 (IPv4 and ICMP), 4861 7.3 (neighbour states, as Linux applies
// them to ARP), 6583 (neighbour table under a scan). Where they leave a choice,
// the answer is Linux's.
//
// # Who owns what
//
// Control: links, addresses and routes are changed by any goroutine, under
// Router.mu. A change builds new tables beside the old ones and publishes them
// by one atomic pointer (tables.go); nobody changes published tables.
//
// Packets: a Worker, one goroutine, owns its queues, its buffers and the
// neighbour table. It takes up new tables between two batches. Readers of
// neighbours and counters see snapshots.
//
// Lock order: Router.mu, then neighbourTable.mu. outputQueue.mu is a leaf.
// The worker takes no lock to forward a packet.
//
// # Not supported
//
// IPv6, VLAN tags, several routes to one destination at once (ECMP), policy
// rules, multicast reception and forwarding, sending ICMP redirects, filling in
// the Record Route and Timestamp options (such packets are forwarded as they
// are), source routing (dropped), proxy ARP, arp_filter, other values of
// arp_ignore and arp_announce than 1 and 2, defence of our addresses against a
// conflict (RFC 5227 2.4; it is counted), confirmation of neighbours by TCP,
// sending to 255.255.255.255 without a route that says by which link.
package router
