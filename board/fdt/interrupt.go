package fdt

// MaxInterruptCells bounds an interrupt specifier. Controllers of real boards
// use up to 4 (GICv3 with processor affinity).
const MaxInterruptCells = 4

// Interrupt is one interrupt of a device, as its controller writes it. For the
// GIC: cell 0 is 0 for a shared, 1 for a private interrupt, cell 1 the number
// within its kind, cell 2 the trigger (1 rising edge, 4 level high).
type Interrupt struct {
	Controller Node
	Cells      [MaxInterruptCells]uint32
	Count      int // of Cells that are used
}

// Interrupt is the device's i-th interrupt, from interrupts-extended when the
// device has it, else from interrupts (section 2.4).
func (t *Tree) Interrupt(n Node, i int) (Interrupt, Status) {
	if i < 0 {
		return Interrupt{}, NotFound
	}
	if v, ok := t.Property(n, "interrupts-extended"); ok {
		return t.extendedInterrupt(v, i)
	}
	v, ok := t.Property(n, "interrupts")
	if !ok {
		return Interrupt{}, NotFound
	}
	controller, status := t.interruptParent(n)
	if status != OK {
		return Interrupt{}, status
	}
	count, status := t.interruptCells(controller)
	if status != OK {
		return Interrupt{}, status
	}
	if len(v)%(4*count) != 0 {
		return Interrupt{}, BadValue
	}
	if i >= v.Cells()/count {
		return Interrupt{}, NotFound
	}
	return specifier(v, i*count, count, controller), OK
}

// extendedInterrupt finds the i-th specifier of a list in which each one comes
// behind its controller's phandle, and may have another length.
func (t *Tree) extendedInterrupt(v Value, i int) (Interrupt, Status) {
	for at := 0; at < v.Cells(); i-- {
		handle, _ := v.Cell(at)
		controller, ok := t.FindPhandle(handle)
		if !ok {
			return Interrupt{}, BadValue
		}
		count, status := t.interruptCells(controller)
		if status != OK {
			return Interrupt{}, status
		}
		at++
		if count > v.Cells()-at {
			return Interrupt{}, BadValue
		}
		if i == 0 {
			return specifier(v, at, count, controller), OK
		}
		at += count
	}
	return Interrupt{}, NotFound
}

// specifier copies count cells, which the caller has checked to be there.
func specifier(v Value, at, count int, controller Node) Interrupt {
	irq := Interrupt{Controller: controller, Count: count}
	for k := range count {
		irq.Cells[k], _ = v.Cell(at + k)
	}
	return irq
}

// interruptParent is the controller of the node's interrupts: named by the
// nearest interrupt-parent, or the nearest ancestor that is a controller.
func (t *Tree) interruptParent(n Node) (Node, Status) {
	for at, ok := n, n.Valid(); ok; at, ok = t.Parent(at) {
		if v, found := t.Property(at, "interrupt-parent"); found {
			if len(v) != 4 {
				return Node{}, BadValue
			}
			controller, ok := t.FindPhandle(word(v, 0))
			if !ok {
				return Node{}, BadValue
			}
			return controller, OK
		}
		if at.depth == n.depth {
			continue // its own #interrupt-cells are for its children
		}
		if _, found := t.Property(at, "#interrupt-cells"); found {
			return at, OK
		}
	}
	return Node{}, NotFound
}

// interruptCells is how many cells the controller's specifiers have.
func (t *Tree) interruptCells(controller Node) (int, Status) {
	if _, nexus := t.Property(controller, "interrupt-map"); nexus {
		return 0, Unsupported
	}
	v, ok := t.Property(controller, "#interrupt-cells")
	if !ok || len(v) != 4 || word(v, 0) == 0 {
		return 0, BadValue
	}
	if word(v, 0) > MaxInterruptCells {
		return 0, Unsupported
	}
	return int(word(v, 0)), OK
}
