package fdt

import (
	"os"
	"path/filepath"
	"testing"
)

func load(t testing.TB, name string) Tree {
	t.Helper()
	blob, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	tree, status := Open(blob)
	if status != OK {
		t.Fatalf("Open(%s) = %v", name, status)
	}
	return tree
}

func find(t testing.TB, tree *Tree, path string) Node {
	t.Helper()
	n, ok := tree.Find(path)
	if !ok {
		t.Fatalf("%s: not found", path)
	}
	return n
}

// outline is the names of all nodes, indented by depth, in the order of Next.
func outline(tree *Tree) (lines []string) {
	for n, ok := tree.Root(), true; ok; n, ok = tree.Next(n) {
		indent := make([]byte, n.Depth())
		for i := range indent {
			indent[i] = ' '
		}
		lines = append(lines, string(indent)+string(tree.Name(n)))
	}
	return lines
}

// byFamily is outline by way of FirstChild and NextSibling.
func byFamily(tree *Tree, n Node, lines []string) []string {
	indent := make([]byte, n.Depth())
	for i := range indent {
		indent[i] = ' '
	}
	lines = append(lines, string(indent)+string(tree.Name(n)))
	for c, ok := tree.FirstChild(n); ok; c, ok = tree.NextSibling(c) {
		lines = byFamily(tree, c, lines)
	}
	return lines
}

func TestWalksAgree(t *testing.T) {
	for name, nodes := range map[string]int{"virt-gicv2.dtb": 56, "virt-gicv3.dtb": 62, "board.dtb": 37} {
		tree := load(t, name)
		a, b := outline(&tree), byFamily(&tree, tree.Root(), nil)
		if len(a) != len(b) {
			t.Fatalf("%s: Next visits %d nodes, children and siblings are %d", name, len(a), len(b))
		}
		for i := range a {
			if a[i] != b[i] {
				t.Errorf("%s: node %d is %q by Next and %q by siblings", name, i, a[i], b[i])
			}
		}
		if len(a) != nodes {
			t.Errorf("%s: %d nodes, want %d", name, len(a), nodes)
		}
	}
}

func TestFind(t *testing.T) {
	tree := load(t, "board.dtb")
	for _, c := range []struct{ path, name string }{
		{"/", ""},
		{"/memory", "memory@80000000"},
		{"/memory@d0000000", "memory@d0000000"},
		{"/soc/bus/spba/serial@50000", "serial@50000"},
		{"//soc//bus@2000000/", "bus@2000000"},
		{"serial0", "serial@20000"},
		{"soc/gpc", "gpc@20dc000"},
		{"ethernet0", "ethernet@188000"},
	} {
		n, ok := tree.Find(c.path)
		if !ok || string(tree.Name(n)) != c.name {
			t.Errorf("Find(%q) = %q, %v, want %q", c.path, tree.Name(n), ok, c.name)
		}
	}
	for _, path := range []string{"", "/memor", "/memory@1", "/memory@", "/soc/serial", "loop", "nothing", "serial0/x", "/chosen/bootargs"} {
		if n, ok := tree.Find(path); ok {
			t.Errorf("Find(%q) = %q, want none", path, tree.Name(n))
		}
	}
}

func TestParent(t *testing.T) {
	tree := load(t, "board.dtb")
	n := find(t, &tree, "serial0")
	for _, want := range []string{"spba@0", "bus@2000000", "soc", ""} {
		var ok bool
		if n, ok = tree.Parent(n); !ok || string(tree.Name(n)) != want {
			t.Fatalf("parent is %q, %v, want %q", tree.Name(n), ok, want)
		}
	}
	if n != tree.Root() {
		t.Error("the last parent is not the root")
	}
	if _, ok := tree.Parent(n); ok {
		t.Error("the root has a parent")
	}
	if _, ok := tree.NextSibling(n); ok {
		t.Error("the root has a sibling")
	}
}

func TestNameIs(t *testing.T) {
	tree := load(t, "board.dtb")
	n := find(t, &tree, "/memory")
	for want, yes := range map[string]bool{"memory": true, "memory@80000000": true, "memory@8": false, "mem": false, "": false} {
		if tree.NameIs(n, want) != yes {
			t.Errorf("NameIs(%q) = %v", want, !yes)
		}
	}
}

func TestRegions(t *testing.T) {
	tree := load(t, "board.dtb")
	for _, c := range []struct {
		path string
		i    int
		want Region
		stat Status
	}{
		{"/memory", 0, Region{0x80000000, 0x10000000}, OK},
		{"/memory", 2, Region{0xb0000000, 0x1000000}, OK},
		{"/memory", 3, Region{}, NotFound},
		{"/memory", -1, Region{}, NotFound},
		{"/", 0, Region{}, NotFound},
		{"/psci", 0, Region{}, NotFound},
		{"serial0", 0, Region{0x2020000, 0x4000}, OK},               // two buses with ranges, one without a shift
		{"/soc/bus/spba/serial@50000", 0, Region{}, Untranslatable}, // outside its bus
		{"ethernet0", 0, Region{0x2188000, 0x4000}, OK},             // the second range
		{"/soc/gpc", 0, Region{0x20dc000, 0x4000}, OK},              // empty ranges
		{"/soc/bus/nobus/chip", 0, Region{}, Untranslatable},        // no ranges
		{"/cpus/cpu@1", 0, Region{}, Untranslatable},
		{"/wide/device@100001000", 0, Region{0x40001000, 0x1000}, OK}, // two cells to one
		{"/wide/device@10ffff000", 0, Region{}, Untranslatable},       // begins inside, ends outside
		{"/pcie/nic", 0, Region{}, Unsupported},
		{"/broken/odd", 0, Region{}, BadValue},
	} {
		r, status := tree.Reg(find(t, &tree, c.path), c.i)
		if r != c.want || status != c.stat {
			t.Errorf("Reg(%s, %d) = %#x, %v, want %#x, %v", c.path, c.i, r, status, c.want, c.stat)
		}
	}
	if r, status := tree.LocalReg(find(t, &tree, "/cpus/cpu@1"), 0); r != (Region{Address: 0x101}) || status != OK {
		t.Errorf("LocalReg(cpu@1) = %#x, %v", r, status)
	}
	gic := find(t, &tree, "/interrupt-controller")
	if r, status := tree.RegNamed(gic, "cpu"); r.Address != 0xa02000 || status != OK {
		t.Errorf("RegNamed(cpu) = %#x, %v", r, status)
	}
	if _, status := tree.RegNamed(gic, "redistributor"); status != NotFound {
		t.Errorf("RegNamed(redistributor) = %v, want %v", status, NotFound)
	}
}

func TestInterrupts(t *testing.T) {
	tree := load(t, "board.dtb")
	for _, c := range []struct {
		path       string
		i          int
		controller string
		cells      [3]uint32
		count      int
		stat       Status
	}{
		{"serial0", 0, "/soc/gpc", [3]uint32{0, 26, 4}, 3, OK}, // inherited from the root
		{"serial0", 1, "/soc/gpc", [3]uint32{0, 27, 4}, 3, OK},
		{"serial0", 2, "", [3]uint32{}, 0, NotFound},
		{"/soc/gpc", 0, "/interrupt-controller", [3]uint32{0, 89, 4}, 3, OK}, // a controller below another
		{"ethernet0", 0, "/interrupt-controller", [3]uint32{0, 118, 4}, 3, OK},
		{"ethernet0", 1, "/soc/bus/gpio", [3]uint32{7, 8}, 2, OK}, // extended, another length
		{"ethernet0", 2, "/interrupt-controller", [3]uint32{0, 119, 4}, 3, OK},
		{"ethernet0", 3, "", [3]uint32{}, 0, NotFound},
		{"/soc/bus/gpio/button", 0, "/soc/bus/gpio", [3]uint32{3, 1}, 2, OK}, // the ancestor is the controller
		{"/psci", 0, "", [3]uint32{}, 0, NotFound},
		{"/pcie/nic", 0, "", [3]uint32{}, 0, Unsupported},
		{"/broken/odd", 0, "", [3]uint32{}, 0, BadValue},
	} {
		irq, status := tree.Interrupt(find(t, &tree, c.path), c.i)
		want := Interrupt{Count: c.count}
		copy(want.Cells[:], c.cells[:])
		if c.controller != "" {
			want.Controller = find(t, &tree, c.controller)
		}
		if irq != want || status != c.stat {
			t.Errorf("Interrupt(%s, %d) = %v %v from %q, %v, want %v, %v", c.path, c.i, irq.Cells, irq.Count, tree.Name(irq.Controller), status, c.cells, c.stat)
		}
	}
}

func TestCompatible(t *testing.T) {
	tree := load(t, "board.dtb")
	var found []string
	for n, ok := tree.NextCompatible(tree.Root(), "fsl,imx6q-fec"); ok; n, ok = tree.NextCompatible(n, "fsl,imx6q-fec") {
		found = append(found, string(tree.Name(n)))
	}
	// One is disabled, one is on a disabled bus.
	if len(found) != 1 || found[0] != "ethernet@188000" {
		t.Errorf("enabled controllers: %q", found)
	}
	if !tree.Compatible(tree.Root(), "example,soc") || tree.Compatible(tree.Root(), "example") {
		t.Error("compatible list of the root misread")
	}
}

func TestMachine(t *testing.T) {
	tree := load(t, "board.dtb")
	var memory, kept, reserved []Region
	for i := 0; ; i++ {
		r, status := tree.Memory(i)
		if status != OK {
			if status != NotFound {
				t.Errorf("Memory(%d): %v", i, status)
			}
			break
		}
		memory = append(memory, r)
	}
	for i := 0; ; i++ {
		r, status := tree.ReservedMemory(i)
		if status != OK {
			break
		}
		kept = append(kept, r)
	}
	for i := 0; ; i++ {
		r, ok := tree.Reservation(i)
		if !ok {
			break
		}
		reserved = append(reserved, r)
	}
	expect(t, "memory", memory, Region{0x80000000, 0x10000000}, Region{0xb0000000, 0x1000000}, Region{0xd0000000, 0x2000000})
	expect(t, "reserved-memory", kept, Region{0x8f000000, 0x100000})
	expect(t, "memreserve", reserved, Region{0x80000000, 0x1000}, Region{0x9f000000, 0x200000})

	var cpus []uint64
	for i := 0; ; i++ {
		n, ok := tree.CPU(i)
		if !ok {
			break
		}
		r, status := tree.LocalReg(n, 0)
		if status != OK {
			t.Errorf("cpu %d: %v", i, status)
		}
		cpus = append(cpus, r.Address)
	}
	expect(t, "cpus", cpus, 0, 0x101)

	if start, end, status := tree.Initrd(); start != 1<<32 || end != 1<<32+0x1000 || status != OK {
		t.Errorf("Initrd() = %#x, %#x, %v", start, end, status)
	}
	if n, options, ok := tree.Console(); !ok || string(tree.Name(n)) != "serial@20000" || string(options) != "115200n8" {
		t.Errorf("Console() = %q, %q, %v", tree.Name(n), options, ok)
	}
	if c, status := tree.PSCI(); c != ConduitSMC || status != OK {
		t.Errorf("PSCI() = %v, %v", c, status)
	}
	if a := tree.BootArguments(); len(a) != 0 {
		t.Errorf("BootArguments() = %q", a)
	}
}

func TestVirt(t *testing.T) {
	tree := load(t, "virt-gicv3.dtb")
	if r, status := tree.Memory(0); r != (Region{0x40000000, 512 << 20}) || status != OK {
		t.Errorf("Memory(0) = %#x, %v", r, status)
	}
	if c, status := tree.PSCI(); c != ConduitHVC || status != OK {
		t.Errorf("PSCI() = %v, %v", c, status)
	}
	if a := tree.BootArguments(); string(a) != "foo=bar quiet" {
		t.Errorf("BootArguments() = %q", a)
	}
	if start, end, status := tree.Initrd(); start != 0x48000000 || end != 0x48000004 || status != OK {
		t.Errorf("Initrd() = %#x, %#x, %v", start, end, status)
	}
	if len(tree.RandomSeed()) != 32 {
		t.Errorf("RandomSeed() is %d bytes", len(tree.RandomSeed()))
	}
	uart, _, ok := tree.Console()
	if !ok || !tree.Compatible(uart, "arm,pl011") {
		t.Fatalf("Console() = %q, %v", tree.Name(uart), ok)
	}
	if r, status := tree.Reg(uart, 0); r != (Region{0x9000000, 0x1000}) || status != OK {
		t.Errorf("UART at %#x, %v", r, status)
	}
	irq, status := tree.Interrupt(uart, 0)
	if status != OK || irq.Cells != [4]uint32{0, 1, 4} || !tree.Compatible(irq.Controller, "arm,gic-v3") {
		t.Errorf("UART interrupt %v from %q, %v", irq.Cells, tree.Name(irq.Controller), status)
	}
	slots := 0
	for n, ok := tree.NextCompatible(tree.Root(), "virtio,mmio"); ok; n, ok = tree.NextCompatible(n, "virtio,mmio") {
		r, status := tree.Reg(n, 0)
		irq, istatus := tree.Interrupt(n, 0)
		if status != OK || istatus != OK || r != (Region{0xa000000 + uint64(slots)*0x200, 0x200}) || irq.Cells != [4]uint32{0, 16 + uint32(slots), 1} {
			t.Errorf("slot %d: %#x %v, interrupt %v %v", slots, r, status, irq.Cells, istatus)
		}
		slots++
	}
	if slots != 32 {
		t.Errorf("%d virtio slots, want 32", slots)
	}
	for i := range 5 {
		n, ok := tree.CPU(i)
		if ok != (i < 4) {
			t.Errorf("CPU(%d) = %v", i, ok)
		}
		if r, status := tree.LocalReg(n, 0); ok && (r.Address != uint64(i) || status != OK) {
			t.Errorf("CPU(%d) is %#x, %v", i, r.Address, status)
		}
	}
}

func TestValue(t *testing.T) {
	v := Value("a\x00bc\x00\x00d")
	for want, yes := range map[string]bool{"a": true, "bc": true, "": true, "d": true, "b": false, "abc": false} {
		if v.Contains(want) != yes {
			t.Errorf("Contains(%q) = %v", want, !yes)
		}
	}
	for i, want := range []string{"a", "bc", "", "d"} {
		if s, ok := v.Index(i); !ok || string(s) != want {
			t.Errorf("Index(%d) = %q, %v", i, s, ok)
		}
	}
	if s, ok := v.Index(4); ok {
		t.Errorf("Index(4) = %q", s)
	}
	n := Value{0, 0, 0, 1, 2, 3, 4, 5, 6}
	if x, ok := n.Number(0, 2); x != 0x102030405 || !ok {
		t.Errorf("Number(0, 2) = %#x, %v", x, ok)
	}
	for _, c := range [][2]int{{1, 2}, {0, 3}, {3, 0}, {-1, 1}, {0, -1}} {
		if x, ok := n.Number(c[0], c[1]); ok {
			t.Errorf("Number(%d, %d) = %#x, want none", c[0], c[1], x)
		}
	}
}

// An empty tree and no node answer every question with nothing.
func TestZero(t *testing.T) {
	var empty Tree
	full := load(t, "board.dtb")
	for _, c := range []struct {
		tree *Tree
		n    Node
	}{{&empty, empty.Root()}, {&empty, full.Root()}, {&full, Node{}}, {&full, Node{depth: -1}}, {&full, Node{depth: MaxDepth}}} {
		if _, ok := c.tree.Next(c.n); ok {
			t.Error("Next found a node")
		}
		if _, ok := c.tree.FirstChild(c.n); ok {
			t.Error("FirstChild found a node")
		}
		if _, ok := c.tree.NextSibling(c.n); ok {
			t.Error("NextSibling found a node")
		}
		if v, ok := c.tree.Property(c.n, "reg"); ok {
			t.Errorf("Property found %x", v)
		}
		if _, status := c.tree.Reg(c.n, 0); status != NotFound {
			t.Errorf("Reg: %v", status)
		}
		if _, status := c.tree.Interrupt(c.n, 0); status != NotFound {
			t.Errorf("Interrupt: %v", status)
		}
		if len(c.tree.Name(c.n)) != 0 {
			t.Error("a name")
		}
	}
	if _, ok := empty.Reservation(0); ok {
		t.Error("an empty tree has a reservation")
	}
}

func expect[T comparable](t *testing.T, what string, got []T, want ...T) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

// sink keeps results alive.
var sink Node

func TestNoAllocs(t *testing.T) {
	tree := load(t, "virt-gicv3.dtb")
	allocs := testing.AllocsPerRun(10, func() {
		again, status := Open(tree.blob)
		if status != OK {
			t.Fatal(status)
		}
		n, _ := again.NextCompatible(again.Root(), "virtio,mmio")
		again.Reg(n, 0)
		irq, _ := again.Interrupt(n, 0)
		again.Memory(0)
		again.ReservedMemory(0)
		again.Reservation(0)
		again.Initrd()
		again.Console()
		again.PSCI()
		again.CPU(3)
		again.BootArguments()
		_ = status.String()
		sink = irq.Controller
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkOpen(b *testing.B) {
	tree := load(b, "virt-gicv3.dtb")
	b.ReportAllocs()
	for b.Loop() {
		Open(tree.blob)
	}
}

func BenchmarkNextCompatible(b *testing.B) {
	tree := load(b, "virt-gicv3.dtb")
	b.ReportAllocs()
	for b.Loop() {
		for n, ok := tree.NextCompatible(tree.Root(), "virtio,mmio"); ok; n, ok = tree.NextCompatible(n, "virtio,mmio") {
			sink = n
		}
	}
}
