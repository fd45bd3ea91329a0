package router

import "barewire/packet"

// fragment cuts a packet that may be cut into pieces that out carries, and
// sends them (RFC 791 3.2, as Linux does: the pieces are as large as they can
// be). Either all pieces get a buffer
// or none is sent. The packet itself stays with the caller; done means that
// its work is over. Packet context.
func (w *Worker) fragment(out *workerPort, ip packet.IPv4, flags packet.Flags, hop nextHop) verdict {
	header := ip.HeaderLen()
	payload := ip.Payload()
	room := out.state.mtu - header
	piece := room &^ 7 // offsets count in units of 8 bytes
	if w.pool.Free() < (len(payload)+piece-1)/piece {
		return dropNoBuffer
	}
	base := ip.FragmentOffset()
	for at, n := 0, 0; at < len(payload); at += n {
		more := uint16(packet.MoreFragments)
		if n = len(payload) - at; n > room {
			n = piece
		} else if !ip.MoreFragments() { // else it was a fragment before
			more = 0
		}
		w.sendPiece(out, ip[:header], payload[at:at+n], base+at, more, flags, hop)
	}
	return done
}

func (w *Worker) sendPiece(out *workerPort, header, payload []byte, offset int, more uint16, flags packet.Flags, hop nextHop) {
	b := w.pool.Get()
	if b == nil { // a neighbour's failure, reported meanwhile, took it
		w.drop(nil, dropNoBuffer)
		return
	}
	p := w.newPacket(b, len(header)+len(payload))
	b.Meta.Flags = flags&(packet.FlagLocal|packet.FlagOptions) | packet.FlagFragment
	copy(p, header)
	copy(p[len(header):], payload)
	if offset > 0 {
		b.Meta.Flags |= packet.FlagLaterFragment
		p.BlankUncopied()
	}
	p.SetFragment(more, offset, len(p))
	p.UpdateChecksum()
	if v := w.send(out, b, p, hop); v != taken {
		w.finish(b, v)
	}
}
