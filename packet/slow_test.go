package packet

// The slow twins: the same answers, written to be read.

// slowSum adds word by word, as RFC 1071 1 describes the sum.
func slowSum(b []byte, initial uint16) uint16 {
	sum := uint32(initial)
	for i, v := range b {
		if i%2 == 0 {
			sum += uint32(v) << 8
		} else {
			sum += uint32(v)
		}
		if sum > 0xffff {
			sum = sum - 0x10000 + 1 // the carry goes round
		}
	}
	return uint16(sum)
}

// slowParse is Parse, one condition after the other.
func slowParse(frame []byte) (Meta, Result) {
	var m Meta
	if len(frame) < 14 || len(frame) > 65535 {
		return m, EthernetShort
	}
	field := func(at int) int { return int(frame[at])*256 + int(frame[at+1]) }
	if frame[0]%2 == 1 {
		m.Flags |= FlagGroup
	}
	kind, l3 := field(12), 14
	if kind == 0x8100 || kind == 0x88a8 {
		if len(frame) < 18 {
			return Meta{}, EthernetShort
		}
		m.Flags |= FlagTagged
		m.VLAN = uint16(field(14))
		kind, l3 = field(16), 18
	}
	m.L3, m.End = uint16(l3), uint16(len(frame))
	if kind < 1536 {
		return m, EthernetLength
	}
	m.EtherType = uint16(kind)
	if kind != 0x0800 {
		return m, OK
	}
	if len(frame) < l3+20 {
		return m, IPv4Short
	}
	if frame[l3]/16 != 4 {
		return m, IPv4Version
	}
	header, total := int(frame[l3]%16)*4, field(l3+2)
	if header < 20 {
		return m, IPv4HeaderLength
	}
	if total < header {
		return m, IPv4TotalLength
	}
	if l3+total > len(frame) {
		return m, IPv4Truncated
	}
	if header > 20 {
		m.Flags |= FlagOptions
	}
	if offset := field(l3+6) % 0x2000; offset > 0 {
		m.Flags |= FlagFragment | FlagLaterFragment
	} else if frame[l3+6]&0x20 != 0 {
		m.Flags |= FlagFragment
	}
	m.L4, m.End, m.Proto = uint16(l3+header), uint16(l3+total), frame[l3+9]
	return m, OK
}
