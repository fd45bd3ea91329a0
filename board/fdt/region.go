package fdt

// Region is a range of physical addresses.
type Region struct {
	Address uint64
	Size    uint64 // bytes
}

// From the specification, section 2.3.5: what a bus means when it does not say.
const (
	defaultAddressCells = 2
	defaultSizeCells    = 1
)

// maxCells bounds #address-cells and #size-cells: PCI's 3 is the most that the
// specification defines.
const maxCells = 3

// Reg is the i-th entry of the node's reg property as the processor sees it:
// translated by the ranges of every bus above.
func (t *Tree) Reg(n Node, i int) (Region, Status) {
	r, status := t.LocalReg(n, i)
	if status != OK {
		return Region{}, status
	}
	bus, ok := t.Parent(n)
	for ok && bus.depth > 0 {
		if r.Address, status = t.translate(bus, r); status != OK {
			return Region{}, status
		}
		bus, ok = t.Parent(bus)
	}
	return r, OK
}

// LocalReg is the i-th entry of the node's reg property in the address space of
// its own bus. For a processor it is the number that PSCI calls it by.
func (t *Tree) LocalReg(n Node, i int) (Region, Status) {
	bus, ok := t.Parent(n)
	if !ok {
		return Region{}, NotFound
	}
	addressCells, sizeCells, status := t.busCells(bus)
	if status != OK {
		return Region{}, status
	}
	v, ok := t.Property(n, "reg")
	if !ok {
		return Region{}, NotFound
	}
	entry := addressCells + sizeCells
	if len(v)%(4*entry) != 0 {
		return Region{}, BadValue
	}
	if i < 0 || i >= v.Cells()/entry {
		return Region{}, NotFound
	}
	if addressCells > 2 || sizeCells > 2 {
		return Region{}, Unsupported
	}
	var r Region
	r.Address, _ = v.Number(i*entry, addressCells)
	r.Size, _ = v.Number(i*entry+addressCells, sizeCells)
	return r, OK
}

// RegNamed is the entry of the node's reg property that reg-names calls name,
// as the processor sees it.
func (t *Tree) RegNamed(n Node, name string) (Region, Status) {
	names, ok := t.Property(n, "reg-names")
	if !ok {
		return Region{}, NotFound
	}
	for i := 0; ; i++ {
		s, ok := names.Index(i)
		if !ok {
			return Region{}, NotFound
		}
		if same(s, bytesOf(name)) {
			return t.Reg(n, i)
		}
	}
}

// busCells are the cells that the children of bus use in reg.
func (t *Tree) busCells(bus Node) (address, size int, status Status) {
	address, status = t.cellCount(bus, "#address-cells", defaultAddressCells)
	if status != OK {
		return 0, 0, status
	}
	size, status = t.cellCount(bus, "#size-cells", defaultSizeCells)
	if status == OK && address == 0 {
		status = BadValue // an entry without an address is none
	}
	return address, size, status
}

func (t *Tree) cellCount(n Node, name string, missing int) (int, Status) {
	v, ok := t.Property(n, name)
	if !ok {
		return missing, OK
	}
	if len(v) != 4 || word(v, 0) > maxCells {
		return 0, BadValue
	}
	return int(word(v, 0)), OK
}

// translate takes a region in the address space of bus to that of its parent
// (section 2.3.8). The whole region must be inside one range.
func (t *Tree) translate(bus Node, r Region) (uint64, Status) {
	v, ok := t.Property(bus, "ranges")
	if !ok {
		return 0, Untranslatable
	}
	if len(v) == 0 {
		return r.Address, OK // the same space
	}
	above, ok := t.Parent(bus)
	if !ok {
		return 0, BadValue
	}
	address, size, status := t.busCells(bus)
	if status != OK {
		return 0, status
	}
	aboveAddress, _, status := t.busCells(above)
	if status != OK {
		return 0, status
	}
	if address > 2 || aboveAddress > 2 || size > 2 {
		return 0, Unsupported
	}
	entry := address + aboveAddress + size
	if len(v)%(4*entry) != 0 {
		return 0, BadValue
	}
	for i := 0; i+entry <= v.Cells(); i += entry {
		from, _ := v.Number(i, address)
		to, _ := v.Number(i+address, aboveAddress)
		length, _ := v.Number(i+address+aboveAddress, size)
		if r.Address < from || r.Address-from >= length || r.Size > length-(r.Address-from) {
			continue
		}
		translated := to + (r.Address - from)
		if translated < to {
			return 0, BadValue
		}
		return translated, OK
	}
	return 0, Untranslatable
}
