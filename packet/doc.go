// Package packet reads and rewrites network headers in place.
//
// It holds views on bytes that one length check made safe, the checksums that
// go with them and nothing of behaviour: what to do with a packet is decided
// in router, firewall and stack. It imports nothing of this module.
//
// A view is a byte slice with a name. ValidX tells whether the slice is long
// enough for every accessor of the view X, and is the only check: accessors
// that follow it neither fail nor judge. All functions are packet context.
//
//	Ethernet  IEEE 802.3-2018 3.1, 802.1Q-2018 9.3
//	ARP       RFC 826
//	IPv4      RFC 791, RFC 1812
//	ICMP      RFC 792
//	UDP, TCP  RFC 768, RFC 9293
//	checksum  RFC 1071, RFC 1624
package packet
