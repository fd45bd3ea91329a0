package router

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"barewire/internal/testnet"
	"barewire/packet"
)

// Any packet, any MTU: the pieces fit, are cut as RFC 791 says, and together
// are the packet; as few as can be.
func TestFragmentProperty(t *testing.T) {
	l := newLab(t, labOptions{ring: 128}).know()
	rapid.Check(t, func(t *rapid.T) {
		options := rapid.SampledFrom([][]byte{nil, {7, 7, 4, 0, 0, 0, 0, 0}, {148, 4, 0, 0, 68, 4, 5, 0}}).Draw(t, "options")
		header := 20 + len(options)
		mtu := rapid.IntRange(68, 1500).Draw(t, "mtu")
		d := testnet.IPv4{
			From: addrH, To: addrS, Proto: 17, ID: 77, TOS: 4, Options: options,
			Payload: make([]byte, rapid.IntRange(mtu-header+1, 1880-header).Draw(t, "payload")),
		}
		for i := range d.Payload {
			d.Payload[i] = byte(i ^ i>>8)
		}
		if rapid.Bool().Draw(t, "is a fragment") {
			d.Offset, d.Flags = 8*rapid.IntRange(1, 4000).Draw(t, "offset"), packet.MoreFragments
		}
		l.must(l.r.SetMTU(linkR1, mtu))
		l.in(d.Frame(macR0, macH))
		frames := l.r1.Sent()
		var whole []byte
		for i, f := range frames {
			p := l.ipv4(f)
			last := i == len(frames)-1
			switch {
			case len(p) > mtu:
				t.Fatalf("piece of %d bytes, MTU %d", len(p), mtu)
			case p.FragmentOffset() != d.Offset+len(whole):
				t.Fatalf("piece %d at %d, want %d", i, p.FragmentOffset(), d.Offset+len(whole))
			case p.MoreFragments() != (!last || d.Flags != 0):
				t.Fatalf("piece %d of %d: more fragments %v", i, len(frames), p.MoreFragments())
			case p.TTL() != 63 || p.ID() != 77 || p.TOS() != 4 || p.HeaderLen() != header:
				t.Fatalf("piece %d: header %x", i, []byte(p[:header]))
			case !last && len(p)+8 <= mtu:
				t.Fatalf("piece %d of %d bytes could be longer, MTU %d", i, len(p), mtu)
			}
			if o := (packet.Options4{Bytes: p.Options()}); p.FragmentOffset() > 0 {
				for o.Next() {
					if o.Type&0x80 == 0 {
						t.Fatalf("option %d in a later fragment", o.Type)
					}
				}
			} else if !bytes.Equal(p.Options(), options) {
				t.Fatalf("options %x of the first piece", p.Options())
			}
			whole = append(whole, p.Payload()...)
		}
		if !bytes.Equal(whole, d.Payload) {
			t.Fatalf("the pieces make %d bytes, not the packet's %d", len(whole), len(d.Payload))
		}
	})
}

// Without buffers for all pieces, none is sent.
func TestFragmentWithoutBuffers(t *testing.T) {
	l := newLab(t, labOptions{buffers: 40, ring: 8}).know()
	l.must(l.r.SetMTU(linkR1, 68))
	for l.pool.Free() > 10 {
		defer l.pool.Put(l.pool.Get())
	}
	l.in(udp(1400).Frame(macR0, macH))
	l.none(l.r1)
	l.wantDrops(map[string]uint64{"NoBuffer": 1})
}
