package trapcheck

import "encoding/binary"

// reference is an address that an instruction leads to.
type reference struct {
	target uint64
	taken  bool // the address is computed, not branched to
}

// references finds the direct branches in code that lies at pc, and the
// addresses that ADR or ADRP with ADD compute (Arm ARM C4.1).
func references(code []byte, pc uint64) (found []reference) {
	var page uint64 // of the instruction before, when it was an ADRP
	var pageReg uint32
	havePage := false
	for ; len(code) >= 4; code, pc = code[4:], pc+4 {
		w := binary.LittleEndian.Uint32(code)
		adrp := false
		switch {
		case w&0x7c000000 == 0x14000000: // B, BL: imm26
			found = append(found, reference{target: pc + offset(w, 0, 26)})
		case w&0xff000000 == 0x54000000, // B.cond: imm19
			w&0x7e000000 == 0x34000000: // CBZ, CBNZ: imm19
			found = append(found, reference{target: pc + offset(w, 5, 19)})
		case w&0x7e000000 == 0x36000000: // TBZ, TBNZ: imm14
			found = append(found, reference{target: pc + offset(w, 5, 14)})
		case w&0x9f000000 == 0x10000000: // ADR: immhi:immlo
			imm := w>>5&0x7ffff<<2 | w>>29&3
			found = append(found, reference{pc + signed(imm, 21), true})
		case w&0x9f000000 == 0x90000000: // ADRP: immhi:immlo, pages
			imm := w>>5&0x7ffff<<2 | w>>29&3
			page, pageReg, adrp = pc&^0xfff+signed(imm, 21)<<12, w&31, true
		case w&0xffc00000 == 0x91000000 && havePage && w>>5&31 == pageReg: // ADD imm12 to it
			found = append(found, reference{page + uint64(w>>10&0xfff), true})
		}
		havePage = adrp
	}
	return found
}

// offset is the signed count of instructions in bits at of w, in bytes.
func offset(w uint32, at, bits uint) uint64 {
	return signed(w>>at&(1<<bits-1), bits) << 2
}

// signed extends the lowest bits of v by their sign.
func signed(v uint32, bits uint) uint64 {
	return uint64(int64(v) << (64 - bits) >> (64 - bits))
}
