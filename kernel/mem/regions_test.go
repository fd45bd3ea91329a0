package mem

import "testing"

// slowRegions is the oracle: what every page means, one entry a page.
type slowRegions map[uint64]Region

func (s slowRegions) set(r Region) {
	for p := r.Lo; p < r.Hi; p += PageSize {
		one := r.from(p)
		one.Hi = p + PageSize
		s[p] = one
	}
}

func (s slowRegions) remove(lo, hi uint64) {
	for p := lo; p < hi; p += PageSize {
		delete(s, p)
	}
}

// check compares both page by page and looks at the table's own order.
func (s slowRegions) check(t *testing.T, r *Regions, pages uint64) {
	t.Helper()
	for p := uint64(0); p < pages*PageSize; p += PageSize {
		got, ok := r.Find(p + 5)
		want, wantOK := s[p]
		if ok != wantOK {
			t.Fatalf("page %#x: found %v, want %v", p, ok, wantOK)
		}
		if ok && (got.Prot != want.Prot || got.Kind != want.Kind || got.Kind == Device && got.Frame+(p-got.Lo) != want.Frame) {
			t.Fatalf("page %#x: %+v, want %+v", p, got, want)
		}
	}
	next, there := Region{}, false
	for p := (pages - 1) * PageSize; ; p -= PageSize { // from the end: what was seen last is next
		if got, ok := r.Find(p); ok {
			next, there = got, true
		}
		if got, ok := r.Next(p + 5); ok != there || ok && got != next {
			t.Fatalf("page %#x: next is %+v %v, want %+v %v", p, got, ok, next, there)
		}
		if p == 0 {
			break
		}
	}
	for i := 1; i < r.Len(); i++ {
		if a, b := r.At(i-1), r.At(i); a.Hi > b.Lo || a.Lo >= a.Hi || a.joins(b) {
			t.Fatalf("regions %d and %d: %+v %+v overlap or should be one", i-1, i, a, b)
		}
	}
}

// FuzzRegions reads each four bytes as an operation on an address space of 256
// pages and compares with the oracle after every one.
func FuzzRegions(f *testing.F) {
	f.Add([]byte{0, 10, 20, 3, 1, 12, 2, 0, 0, 14, 4, 1, 2, 3, 30, 7})
	f.Add([]byte{0, 0, 255, 1, 1, 100, 1, 0, 1, 102, 1, 0, 0, 100, 3, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var table Regions
		slow := slowRegions{}
		for ; len(ops) >= 4; ops = ops[4:] {
			lo := uint64(ops[1]) * PageSize
			hi := min(lo+uint64(ops[2])*PageSize, 256*PageSize)
			switch ops[0] % 3 {
			case 0:
				r := Region{Lo: lo, Hi: hi, Prot: Prot(ops[3] & 3), Kind: Kind(ops[3] >> 2 % 3)}
				if r.Kind == Device {
					r.Frame = lo + uint64(ops[3]>>4)<<32
				}
				if !table.Insert(r) {
					t.Fatal("insert refused in a table that is not full")
				}
				slow.set(r)
			case 1:
				if !table.Remove(lo, hi) {
					t.Fatal("remove refused in a table that is not full")
				}
				slow.remove(lo, hi)
			case 2:
				size := uint64(ops[2])*PageSize + PageSize
				at, ok := table.Gap(size, lo, 256*PageSize)
				want, wantOK := uint64(0), false
				for a := lo; !wantOK && a+size <= 256*PageSize; a += PageSize {
					wantOK = true
					for p := a; p < a+size; p += PageSize {
						if _, taken := slow[p]; taken {
							wantOK = false
							break
						}
					}
					want = a
				}
				if ok != wantOK || ok && at != want {
					t.Fatalf("gap of %#x from %#x: %#x %v, want %#x %v", size, lo, at, ok, want, wantOK)
				}
				if ok && !table.IsFree(at, at+size) {
					t.Fatal("a gap that is not free")
				}
			}
			slow.check(t, &table, 256)
		}
	})
}

func TestRegionsFull(t *testing.T) {
	var table Regions
	for i := uint64(0); ; i++ {
		if !table.Insert(Region{Lo: 3 * i * PageSize, Hi: (3*i + 2) * PageSize, Prot: ProtRead}) {
			break
		}
	}
	if n := table.Len(); n < MaxRegions-1 {
		t.Fatalf("full at %d of %d", n, MaxRegions)
	}
	n, last := table.Len(), table.At(table.Len()-1)
	if table.Insert(Region{Lo: 0, Hi: PageSize, Prot: ProtWrite}) {
		t.Error("insert into a full table accepted")
	}
	if table.Len() != n || table.At(n-1) != last || table.At(0).Prot != ProtRead {
		t.Error("a refused insert changed the table")
	}
	for table.Len() < MaxRegions {
		if !table.Remove(table.At(0).Lo+PageSize, table.At(0).Lo+PageSize) {
			t.Fatal("empty remove refused")
		}
		lo := uint64(1<<40) + uint64(table.Len())*2*PageSize
		table.insert(table.Len(), Region{Lo: lo, Hi: lo + 3*PageSize})
	}
	if l := table.At(table.Len() - 1); table.Remove(l.Lo+PageSize, l.Lo+2*PageSize) {
		t.Error("a split in a full table accepted")
	}
}
