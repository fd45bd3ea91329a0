package fdt

// Memory is the i-th range of RAM, counted over all enabled memory nodes
// (section 3.4). Ranges of size 0 are not counted. NotFound ends the list.
func (t *Tree) Memory(i int) (Region, Status) {
	if i < 0 {
		return Region{}, NotFound
	}
	for n, ok := t.FirstChild(t.Root()); ok; n, ok = t.NextSibling(n) {
		kind, found := t.Property(n, "device_type")
		if !found || !kind.Is("memory") || !t.Enabled(n) {
			continue
		}
		if r, status := t.pick(n, &i); status != NotFound {
			return r, status
		}
	}
	return Region{}, NotFound
}

// ReservedMemory is the i-th range that a child of /reserved-memory claims
// (section 3.5). A child that only asks for a size, to be placed by the system,
// is not counted. NotFound ends the list.
func (t *Tree) ReservedMemory(i int) (Region, Status) {
	if i < 0 {
		return Region{}, NotFound
	}
	parent, ok := t.Find("/reserved-memory")
	if !ok {
		return Region{}, NotFound
	}
	for n, ok := t.FirstChild(parent); ok; n, ok = t.NextSibling(n) {
		if !t.Enabled(n) {
			continue
		}
		if r, status := t.pick(n, &i); status != NotFound {
			return r, status
		}
	}
	return Region{}, NotFound
}

// pick is the region of the node that brings *skip, lowered by each one passed,
// to zero; NotFound when the node has not so many.
func (t *Tree) pick(n Node, skip *int) (Region, Status) {
	for entry := 0; ; entry++ {
		r, status := t.Reg(n, entry)
		if status != OK {
			return Region{}, status
		}
		if r.Size == 0 {
			continue
		}
		if *skip == 0 {
			return r, OK
		}
		*skip--
	}
}

// Reservation is the i-th entry of the memory reservation block (section 5.3):
// memory that must not be used, the blob itself sometimes among it.
func (t *Tree) Reservation(i int) (Region, bool) {
	// Compared before it is multiplied: a big i must not wrap.
	if i < 0 || i >= len(t.blob)/reservationSize {
		return Region{}, false
	}
	for k := 0; k <= i; k++ {
		at := t.reserved + uint32(k)*reservationSize
		if at+reservationSize > uint32(len(t.blob)) {
			return Region{}, false
		}
		r := Region{
			Address: uint64(word(t.blob, at))<<32 | uint64(word(t.blob, at+4)),
			Size:    uint64(word(t.blob, at+8))<<32 | uint64(word(t.blob, at+12)),
		}
		if r == (Region{}) {
			return Region{}, false
		}
		if k == i {
			return r, true
		}
	}
	return Region{}, false
}

// CPU is the node of the i-th enabled processor; LocalReg of it is the number
// that PSCI calls it by.
func (t *Tree) CPU(i int) (Node, bool) {
	parent, ok := t.Find("/cpus")
	if !ok || i < 0 {
		return Node{}, false
	}
	for n, ok := t.FirstChild(parent); ok; n, ok = t.NextSibling(n) {
		kind, found := t.Property(n, "device_type")
		if !found || !kind.Is("cpu") || !t.Startable(n) {
			continue
		}
		if i == 0 {
			return n, true
		}
		i--
	}
	return Node{}, false
}

// Startable reports whether a processor can be used. "disabled" means something
// else there: at rest, to be started by its enable-method (section 3.8.1).
// Without such a method it stays at rest.
func (t *Tree) Startable(cpu Node) bool {
	v, found := t.Property(cpu, "status")
	if !found || v.Is("okay") || v.Is("ok") {
		return true
	}
	_, method := t.Property(cpu, "enable-method")
	return v.Is("disabled") && method
}

// BootArguments is the command line that firmware gives, empty when it gives
// none. It points into the blob.
func (t *Tree) BootArguments() []byte { return t.chosen("bootargs").Text() }

// RandomSeed is firmware's entropy, empty when it gives none. It points into
// the blob: who uses it should clear it, so that nobody uses it again.
func (t *Tree) RandomSeed() []byte { return t.chosen("rng-seed") }

// Initrd is where the loader put the initial ramdisk, from start up to end;
// NotFound when there is none.
func (t *Tree) Initrd() (start, end uint64, status Status) {
	first, last := t.chosen("linux,initrd-start"), t.chosen("linux,initrd-end")
	if len(first) == 0 && len(last) == 0 {
		return 0, 0, NotFound
	}
	// Loaders write one or two cells as they please.
	start, ok := first.Number(0, first.Cells())
	if !ok || len(first)%4 != 0 || len(first) == 0 {
		return 0, 0, BadValue
	}
	end, ok = last.Number(0, last.Cells())
	if !ok || len(last)%4 != 0 || len(last) == 0 || end < start {
		return 0, 0, BadValue
	}
	return start, end, OK
}

// Console is the device that firmware uses for its own output, and what follows
// the colon in its name ("115200n8"), which may be empty.
func (t *Tree) Console() (n Node, options []byte, ok bool) {
	path := t.chosen("stdout-path").Text()
	if len(path) == 0 {
		path = t.chosen("linux,stdout-path").Text()
	}
	if len(path) == 0 {
		return Node{}, nil, false
	}
	colon := indexOf(path, ':')
	n, ok = t.find(path[:colon])
	if ok && colon < len(path) {
		options = path[colon+1:]
	}
	return n, options, ok
}

// chosen is a property of /chosen, nil when there is none.
func (t *Tree) chosen(name string) Value {
	n, ok := t.Find("/chosen")
	if !ok {
		return nil
	}
	v, _ := t.Property(n, name)
	return v
}

// Conduit is the instruction by which firmware's PSCI is called.
type Conduit uint8

const (
	ConduitNone Conduit = iota
	ConduitSMC
	ConduitHVC
)

// PSCI is how to call the power firmware, ConduitNone when there is none.
func (t *Tree) PSCI() (Conduit, Status) {
	n, ok := t.Find("/psci")
	if !ok {
		return ConduitNone, NotFound
	}
	method, ok := t.Property(n, "method")
	switch {
	case ok && method.Is("smc"):
		return ConduitSMC, OK
	case ok && method.Is("hvc"):
		return ConduitHVC, OK
	}
	return ConduitNone, BadValue
}
