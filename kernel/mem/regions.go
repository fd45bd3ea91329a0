package mem

// MaxRegions bounds the table: 2048 records of 32 bytes, 64 KiB. A Go program
// with a gigabyte of heap was seen with fewer than a hundred.
const MaxRegions = 2048

// Prot says what a region's pages may be used for, in Linux's bits.
type Prot uint32

const (
	ProtRead  Prot = 1 // PROT_READ
	ProtWrite Prot = 2 // PROT_WRITE
	ProtExec  Prot = 4 // PROT_EXEC
)

// Kind says where a region's pages come from.
type Kind uint32

const (
	Anonymous Kind = iota // zeroed frames on first touch
	Fixed                 // mapped for good when the machine starts: the image
	Device                // registers, or memory that belongs to a file
)

// Region is one range of addresses with one meaning: [Lo, Hi), page aligned.
type Region struct {
	Lo, Hi uint64
	Prot   Prot
	Kind   Kind
	Frame  uint64 // Device: the physical address of Lo
}

// Regions is the table of an address space: sorted, without overlap,
// neighbours that mean the same joined. The zero value is empty.
// Not safe for concurrent use.
type Regions struct {
	n int
	r [MaxRegions]Region
}

// Len is the number of regions.
func (t *Regions) Len() int { return t.n }

// At is the i-th region in order of addresses.
func (t *Regions) At(i int) Region { return t.r[i] }

// Find returns the region that holds addr.
func (t *Regions) Find(addr uint64) (Region, bool) {
	i := t.search(addr)
	if i < t.n && t.r[i].Lo <= addr {
		return t.r[i], true
	}
	return Region{}, false
}

// Next returns the first region that ends above addr: the one that holds it, or
// the next one.
func (t *Regions) Next(addr uint64) (Region, bool) {
	if i := t.search(addr); i < t.n {
		return t.r[i], true
	}
	return Region{}, false
}

// search is the index of the first region that ends above addr.
func (t *Regions) search(addr uint64) int {
	lo, hi := 0, t.n
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if t.r[m].Hi <= addr {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// IsFree says whether no region touches [lo, hi).
func (t *Regions) IsFree(lo, hi uint64) bool {
	i := t.search(lo)
	return i == t.n || t.r[i].Lo >= hi
}

// Gap finds size free bytes inside [lo, hi), the lowest that there are.
func (t *Regions) Gap(size, lo, hi uint64) (addr uint64, ok bool) {
	addr = lo
	for i := t.search(lo); i < t.n; i++ {
		if t.r[i].Lo > addr && t.r[i].Lo-addr >= size {
			break
		}
		if t.r[i].Hi > addr {
			addr = t.r[i].Hi
		}
	}
	return addr, addr <= hi && hi-addr >= size
}

// Remove takes [lo, hi) out of whatever regions it meets. It returns false,
// and changes nothing, when splitting one would need a record and the table is
// full.
func (t *Regions) Remove(lo, hi uint64) bool {
	if lo >= hi {
		return true
	}
	i := t.search(lo)
	if i == t.n || t.r[i].Lo >= hi {
		return true
	}
	if first := &t.r[i]; first.Lo < lo && first.Hi > hi {
		if t.n == MaxRegions {
			return false
		}
		t.insert(i+1, t.r[i].from(hi))
		t.r[i].Hi = lo
		return true
	}
	if t.r[i].Lo < lo {
		t.r[i].Hi = lo
		i++
	}
	j := i
	for j < t.n && t.r[j].Hi <= hi {
		j++
	}
	if j < t.n && t.r[j].Lo < hi {
		t.r[j] = t.r[j].from(hi)
	}
	if j > i {
		copy(t.r[i:t.n], t.r[j:t.n])
		t.n -= j - i
	}
	return true
}

// Insert gives [r.Lo, r.Hi) the meaning of r, in place of any that it had. It
// returns false, and changes nothing, when the table could not hold the result.
func (t *Regions) Insert(r Region) bool {
	if r.Lo >= r.Hi {
		return true
	}
	// A split and the new record are the most that one call adds.
	if t.n+2 > MaxRegions || !t.Remove(r.Lo, r.Hi) {
		return false
	}
	i := t.search(r.Lo)
	if i > 0 && t.r[i-1].joins(r) {
		i--
		t.r[i].Hi = r.Hi
	} else {
		t.insert(i, r)
	}
	if i+1 < t.n && t.r[i].joins(t.r[i+1]) {
		t.r[i].Hi = t.r[i+1].Hi
		copy(t.r[i+1:t.n], t.r[i+2:t.n])
		t.n--
	}
	return true
}

func (t *Regions) insert(i int, r Region) {
	t.n++
	copy(t.r[i+1:t.n], t.r[i:t.n-1])
	t.r[i] = r
}

// from is r without what lies below lo.
func (r Region) from(lo uint64) Region {
	if r.Kind == Device {
		r.Frame += lo - r.Lo
	}
	r.Lo = lo
	return r
}

// joins says whether next continues r with the same meaning.
func (r Region) joins(next Region) bool {
	return r.Hi == next.Lo && r.Prot == next.Prot && r.Kind == next.Kind &&
		(r.Kind != Device || r.Frame+(r.Hi-r.Lo) == next.Frame)
}
