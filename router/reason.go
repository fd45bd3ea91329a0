package router

import "barewire/packet"

// verdict is what a step says of the packet it was given: go on, somebody else
// holds the buffer now, the packet has done its work, or the reason for its
// loss. Worker.finish acts on it; no step frees a buffer itself.
type verdict uint8

const (
	next  verdict = iota // the next step has it
	taken                // a queue has it
	done                 // delivered or consumed; the buffer is free

	// Frames.
	dropLinkDown
	dropFrameShort
	dropFrameLength
	dropOtherHost
	dropTagged
	dropEtherType

	// ARP.
	dropARPMalformed
	dropARPOperation
	dropARPSender
	dropARPConflict
	dropARPNotOurs
	dropARPUnsolicited

	// IPv4.
	dropHeaderShort
	dropVersion
	dropHeaderLength
	dropTotalLength
	dropTruncated
	dropChecksum
	dropMartianSource
	dropMartianDestination
	dropGroupFrame
	dropMulticast
	dropOptions
	dropSourceRoute

	// Routes.
	dropNoRoute
	dropBlackhole
	dropUnreachable
	dropProhibited
	dropDirectedBroadcast

	// To the host, and from it.
	dropNoHost
	dropEchoBroadcast
	dropOutputFull

	// Forwarding.
	dropNotForwarded
	dropTTL
	dropTooBig

	// Neighbours.
	dropNeighbourFailed
	dropNeighbourQueue
	dropNeighbourEvicted
	dropNeighbourLimit

	// Leaving.
	dropEgressDown
	dropNoBuffer
	dropRingFull
	dropErrorLimit

	numReasons
	firstReason = dropLinkDown
)

// reasons has a line for each: a word, the sentence for the operator, and the
// RFC that asks for it or Linux's name.
var reasons = [numReasons]struct{ name, sentence, authority string }{
	dropLinkDown:    {"LinkDown", "the link is set down", "IFF_UP"},
	dropFrameShort:  {"FrameShort", "the frame is shorter than an Ethernet header", "SKB_DROP_REASON_HDR_TRUNC"},
	dropFrameLength: {"FrameLength", "the frame has an 802.3 length where an EtherType belongs", "RFC 1122 2.3.3"},
	dropOtherHost:   {"OtherHost", "the frame is for the MAC address of another machine", "SKB_DROP_REASON_OTHERHOST"},
	dropTagged:      {"Tagged", "the frame has a VLAN tag, and the link has no VLAN", "IEEE 802.1Q; SKB_DROP_REASON_UNHANDLED_PROTO"},
	dropEtherType:   {"EtherType", "nothing here takes this EtherType", "SKB_DROP_REASON_UNHANDLED_PROTO"},

	dropARPMalformed:   {"ARPMalformed", "the ARP packet is short or not for IPv4 on Ethernet", "RFC 826"},
	dropARPOperation:   {"ARPOperation", "the ARP packet is neither request nor reply", "RFC 826"},
	dropARPSender:      {"ARPSender", "the ARP sender's address is none that a host can have", "RFC 1812 3.3.2"},
	dropARPConflict:    {"ARPConflict", "another machine says by ARP that it has our address", "RFC 5227 2.4"},
	dropARPNotOurs:     {"ARPNotOurs", "the ARP request asks for an address that the link does not have", "arp_ignore 1"},
	dropARPUnsolicited: {"ARPUnsolicited", "the ARP reply is from a neighbour that nobody asked for", "arp_accept 0"},

	dropHeaderShort:        {"HeaderShort", "the packet is shorter than an IPv4 header", "RFC 1812 5.2.2; SKB_DROP_REASON_PKT_TOO_SMALL"},
	dropVersion:            {"Version", "the IP version is not what the EtherType says", "RFC 1812 5.2.2; SKB_DROP_REASON_IP_INHDR"},
	dropHeaderLength:       {"HeaderLength", "the IPv4 header length is below 20 bytes", "RFC 1812 5.2.2; SKB_DROP_REASON_IP_INHDR"},
	dropTotalLength:        {"TotalLength", "the IPv4 total length is below the header length", "RFC 1812 5.2.2; SKB_DROP_REASON_IP_INHDR"},
	dropTruncated:          {"Truncated", "the IPv4 total length is beyond the end of the frame", "RFC 1812 5.2.2; SKB_DROP_REASON_PKT_TOO_SMALL"},
	dropChecksum:           {"Checksum", "the IPv4 header checksum is wrong", "RFC 1812 5.2.2; SKB_DROP_REASON_IP_CSUM"},
	dropMartianSource:      {"MartianSource", "the source address is none that a packet can come from", "RFC 1812 5.3.7; SKB_DROP_REASON_IP_INVALID_SOURCE"},
	dropMartianDestination: {"MartianDestination", "the destination address is none that a packet can go to", "RFC 1812 5.3.7; SKB_DROP_REASON_IP_INVALID_DEST"},
	dropGroupFrame:         {"GroupFrame", "a packet for one host came in a frame for all", "RFC 1122 3.3.6; SKB_DROP_REASON_UNICAST_IN_L2_MULTICAST"},
	dropMulticast:          {"Multicast", "the packet is multicast, and nobody here has joined", "SKB_DROP_REASON_IP_INVALID_DEST"},
	dropOptions:            {"Options", "the IPv4 options do not fit into each other", "RFC 1122 3.2.1.8; SKB_DROP_REASON_IP_INHDR"},
	dropSourceRoute:        {"SourceRoute", "the packet wants to choose its own route", "RFC 7126 4.3, 4.4; accept_source_route 0"},

	dropNoRoute:           {"NoRoute", "no route leads to the destination", "RFC 1812 5.2.7.1; SKB_DROP_REASON_IP_OUTNOROUTES"},
	dropBlackhole:         {"Blackhole", "a blackhole route says so", "RTN_BLACKHOLE"},
	dropUnreachable:       {"Unreachable", "an unreachable route says so", "RTN_UNREACHABLE"},
	dropProhibited:        {"Prohibited", "a prohibit route says so", "RTN_PROHIBIT"},
	dropDirectedBroadcast: {"DirectedBroadcast", "the packet is for all hosts of a subnet on another link", "RFC 2644; bc_forwarding 0"},

	dropNoHost:        {"NoHost", "the packet is for us, and no host is attached", "ours"},
	dropEchoBroadcast: {"EchoBroadcast", "an echo request to all is not answered", "RFC 1122 3.2.2.6; icmp_echo_ignore_broadcasts 1"},
	dropOutputFull:    {"OutputFull", "the host sends faster than the worker takes", "ours: OutputQueueBytes"},

	dropNotForwarded: {"NotForwarded", "an address is valid on its link only", "RFC 3927 7; RFC 6890"},
	dropTTL:          {"TTL", "the time to live is over", "RFC 1812 5.3.1; SKB_DROP_REASON_IP_INHDR"},
	dropTooBig:       {"TooBig", "the packet is larger than the next link carries and must not be fragmented", "RFC 1191; SKB_DROP_REASON_PKT_TOO_BIG"},

	dropNeighbourFailed:  {"NeighbourFailed", "the next hop does not answer ARP", "RFC 1812 3.3.2; SKB_DROP_REASON_NEIGH_FAILED"},
	dropNeighbourQueue:   {"NeighbourQueue", "too many packets wait for the next hop to answer ARP", "SKB_DROP_REASON_NEIGH_QUEUEFULL"},
	dropNeighbourEvicted: {"NeighbourEvicted", "too many next hops do not answer ARP: the oldest was given up", "RFC 6583; neighbour table overflow"},
	dropNeighbourLimit:   {"NeighbourLimit", "the neighbour table is full of neighbours in use", "RFC 6583; neighbour table overflow"},

	dropEgressDown: {"EgressDown", "the link that the packet should leave by went down", "SKB_DROP_REASON_DEV_READY"},
	dropNoBuffer:   {"NoBuffer", "no buffer is free for a packet of our own or a fragment", "SKB_DROP_REASON_NOMEM"},
	dropRingFull:   {"RingFull", "the link's transmit ring is full", "SKB_DROP_REASON_FULL_RING"},
	dropErrorLimit: {"ErrorLimit", "an ICMP error was not sent: too many were", "RFC 1812 4.3.2.8; icmp_ratelimit, icmp_msgs_per_sec"},
}

// parseReasons says what packet.Parse's results mean here.
var parseReasons = [packet.Results]verdict{
	packet.OK:               next,
	packet.EthernetShort:    dropFrameShort,
	packet.EthernetLength:   dropFrameLength,
	packet.IPv4Short:        dropHeaderShort,
	packet.IPv4Version:      dropVersion,
	packet.IPv4HeaderLength: dropHeaderLength,
	packet.IPv4TotalLength:  dropTotalLength,
	packet.IPv4Truncated:    dropTruncated,
}
