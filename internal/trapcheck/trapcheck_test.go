package trapcheck

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kernel is what an image is held to.
var kernel = Policy{
	// kernel/dev is on the goroutines' side.
	Packages: []string{"barewire/kernel", "barewire/kernel/mem", "barewire/kernel/chacha", "barewire/board", "barewire/board/..."},
	Allowed: map[string]string{
		"runtime.memmove":               "moves bytes, touches nothing else",
		"runtime.memclrNoHeapPointers":  "clears bytes, touches nothing else",
		"runtime.memequal":              "compares bytes, touches nothing else",
		"runtime.duffcopy":              "moves bytes, touches nothing else",
		"runtime.duffzero":              "clears bytes, touches nothing else",
		"internal/bytealg.memeqbody":    "the body of memequal",
		"internal/runtime/atomic.Load":  "one instruction",
		"internal/runtime/atomic.Store": "one instruction",
	},
	Ends: map[string]string{
		"runtime.morestack_noctxt":        "the bounds of the kernel's g are never met",
		"runtime.panicBounds":             "a broken invariant of the kernel",
		"runtime.panicdivide":             "a broken invariant of the kernel",
		"runtime.panicshift":              "a broken invariant of the kernel",
		"runtime.panicwrap":               "a method called through a nil pointer",
		"runtime.panicunsafeslicelen":     "a broken invariant of the kernel",
		"runtime.panicunsafeslicenilptr":  "a broken invariant of the kernel",
		"runtime.panicunsafestringlen":    "a broken invariant of the kernel",
		"runtime.panicunsafestringnilptr": "a broken invariant of the kernel",
	},
	Addresses: map[string]string{
		"_rt0_arm64_linux": "where the first thread begins",
	},
}

// build links a program of the module as the image is linked.
func build(t *testing.T, program string) *Image {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image.elf")
	cmd := exec.Command("go", "build", "-o", out, "-ldflags", "-T 0x40201000 -E barewire/kernel.entry", program)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", program, err, text)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	im, err := Load(f)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func TestImage(t *testing.T) {
	im := build(t, "barewire/cmd/image")
	for _, must := range []string{"barewire/kernel.vectors", "barewire/kernel.entry", "barewire/kernel.trap", "barewire/board/fdt.Open"} {
		if !im.Has(must) {
			t.Errorf("the image has no function %s: this test looks at the wrong thing", must)
		}
	}
	violations, used := im.Check(kernel)
	for _, v := range violations {
		t.Error(v)
	}
	if !slices.Contains(used, "runtime.panicBounds") {
		t.Errorf("a kernel without an index that is checked? Reached: %q", used)
	}

	// The same eyes must see what ordinary code does.
	ordinary := kernel
	ordinary.Packages = []string{"barewire/drivers/virtio-net"}
	violations, _ = im.Check(ordinary)
	for _, why := range []string{"the allocator", "a write barrier", "a channel", "a goroutine", "a defer", "a conversion to an interface"} {
		if !slices.ContainsFunc(violations, func(v Violation) bool { return v.Why == why }) {
			t.Errorf("the driver is found not to use %s", why)
		}
	}
}

// le is instructions as they lie in memory.
func le(words ...uint32) (code []byte) {
	for _, w := range words {
		code = binary.LittleEndian.AppendUint32(code, w)
	}
	return code
}

func TestReferences(t *testing.T) {
	const pc = 0x40201000
	for name, c := range map[string]struct {
		words []uint32
		want  []reference
	}{
		"bl forward":         {[]uint32{0x94000002}, []reference{{pc + 8, false}}},
		"bl far back":        {[]uint32{0x96000000}, []reference{{pc - 1<<27&(1<<64-1), false}}},
		"b back":             {[]uint32{0x17ffffff}, []reference{{pc - 4, false}}},
		"b itself":           {[]uint32{0x14000000}, []reference{{pc, false}}},
		"b.ne forward":       {[]uint32{0x54000041}, []reference{{pc + 8, false}}},
		"b.lt back":          {[]uint32{0x54ffffeb}, []reference{{pc - 4, false}}},
		"cbz x3":             {[]uint32{0xb4000063}, []reference{{pc + 12, false}}},
		"cbnz w3":            {[]uint32{0x35000063}, []reference{{pc + 12, false}}},
		"tbz x1, #40":        {[]uint32{0xb6400041}, []reference{{pc + 8, false}}},
		"tbnz w1, #3, back":  {[]uint32{0x371fffe1}, []reference{{pc - 4, false}}},
		"adr x0":             {[]uint32{0x10000020}, []reference{{pc + 4, true}}},
		"adr x0, odd":        {[]uint32{0x30000000}, []reference{{pc + 1, true}}},
		"adr x0, back":       {[]uint32{0x10ffffe0}, []reference{{pc - 4, true}}},
		"adrp, add":          {[]uint32{0x90000000, 0x91004000}, []reference{{pc + 0x10, true}}},
		"adrp back, add":     {[]uint32{0xf0ffffe1, 0x913fc022}, []reference{{pc - 0x1000 + 0xff0, true}}},
		"adrp, other add":    {[]uint32{0x90000000, 0x91004021}, nil},
		"adrp, nop, add":     {[]uint32{0x90000000, 0xd503201f, 0x91004000}, nil},
		"adrp, shifted add":  {[]uint32{0x90000000, 0x91404000}, nil},
		"blr, br, ret":       {[]uint32{0xd63f0000, 0xd61f0000, 0xd65f03c0}, nil},
		"svc, ldr, stp, mov": {[]uint32{0xd4000001, 0xf9400021, 0xa9bf7bfd, 0xd2800000}, nil},
		"two":                {[]uint32{0xd503201f, 0x94000001, 0x94000001}, []reference{{pc + 8, false}, {pc + 12, false}}},
	} {
		if got := references(le(c.words...), pc); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestReferencesOfHalfAWord(t *testing.T) {
	if got := references([]byte{0, 0, 0x94}, 0); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// program lays out functions that call each other, four instructions each.
func program(calls ...[]string) *Image {
	im := new(Image)
	addr := make(map[string]uint64)
	for i, c := range calls {
		addr[c[0]] = 0x1000 + uint64(i)*16
	}
	for _, c := range calls {
		at := addr[c[0]]
		var words []uint32
		for _, callee := range c[1:] {
			pc := at + uint64(len(words))*4
			if taken, ok := strings.CutPrefix(callee, "&"); ok {
				words = append(words, 0x90000000, 0x91000000|uint32(addr[taken]&0xfff)<<10)
				continue
			}
			words = append(words, 0x94000000|uint32((addr[callee]-pc)>>2)&0x3ffffff)
		}
		for len(words) < 4 {
			words = append(words, 0xd503201f)
		}
		im.functions = append(im.functions, function{c[0], at, le(words...)})
	}
	slices.Reverse(im.functions)
	im.sort()
	return im
}

func TestCheck(t *testing.T) {
	policy := Policy{
		Packages:  []string{"m/kernel", "m/board/..."},
		Allowed:   map[string]string{"runtime.memmove": "", "runtime.helper": ""},
		Ends:      map[string]string{"runtime.panicBounds": ""},
		Addresses: map[string]string{"_rt0": ""},
	}
	for name, c := range map[string]struct {
		calls [][]string
		want  []string
	}{
		"clean": {[][]string{
			{"runtime.text0"}, {"m/kernel.a", "m/kernel.b", "runtime.memmove"}, {"m/kernel.b", "runtime.panicBounds", "m/kernel.a"},
			{"runtime.memmove"}, {"runtime.panicBounds", "runtime.mallocgc"}, {"runtime.mallocgc"}}, nil},
		"direct": {[][]string{
			{"runtime.text0"}, {"m/kernel.a", "runtime.mallocgc"}, {"runtime.mallocgc"}},
			[]string{"m/kernel.a -> runtime.mallocgc: the allocator"}},
		"by a helper": {[][]string{
			{"runtime.text0"}, {"m/board/x.(*T).M", "runtime.helper"}, {"runtime.helper", "runtime.gcWriteBarrier2"}, {"runtime.gcWriteBarrier2"}},
			[]string{"m/board/x.(*T).M -> runtime.helper -> runtime.gcWriteBarrier2: a write barrier"}},
		"each once": {[][]string{
			{"runtime.text0"}, {"m/kernel.a", "runtime.convT"}, {"m/kernel.b", "runtime.convT"}, {"runtime.convT"}},
			[]string{"m/kernel.a -> runtime.convT: a conversion to an interface"}},
		"another package": {[][]string{
			{"runtime.text0"}, {"m/kernel.a", "fmt.Println"}, {"fmt.Println"}},
			[]string{"m/kernel.a -> fmt.Println: not trap context"}},
		"not a package of ours": {[][]string{
			{"runtime.text0"}, {"m/kernel/dev.Map", "runtime.mallocgc"}, {"runtime.mallocgc"}}, nil},
		"assembler": {[][]string{
			{"runtime.text0"}, {"m/kernel.a", "runtime.memmove.abi0"}, {"runtime.memmove.abi0"}}, nil},
		"address taken": {[][]string{
			{"runtime.text0"}, {"m/kernel.a", "&runtime.newproc"}, {"runtime.newproc"}},
			[]string{"m/kernel.a -> runtime.newproc: a goroutine"}},
		"address allowed": {[][]string{
			{"runtime.text0"}, {"m/kernel.a", "&_rt0", "&runtime.text0"}, {"_rt0", "runtime.mallocgc"}, {"runtime.mallocgc"}}, nil},
		"the entry called": {[][]string{
			{"runtime.text0"}, {"m/kernel.a", "_rt0"}, {"_rt0"}},
			[]string{"m/kernel.a -> _rt0: not trap context"}},
		"an initialiser": {[][]string{
			{"runtime.text0"}, {"m/kernel.init"}, {"m/board/x.init.0"}, {"m/kernel.initFiles"}, {"m/kernel.map.init.0"}},
			[]string{
				"m/board/x.init.0: an initialiser: the kernel reads its data before the runtime could run this",
				"m/kernel.init: an initialiser: the kernel reads its data before the runtime could run this",
				"m/kernel.map.init.0: an initialiser: the kernel reads its data before the runtime could run this"}},
		"nowhere": {[][]string{
			{"runtime.text0"}, {"m/kernel.a", "gone"}},
			[]string{"m/kernel.a -> 0x0: a branch to no function"}},
	} {
		violations, _ := program(c.calls...).Check(policy)
		var got []string
		for _, v := range violations {
			got = append(got, v.String())
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestPackageOf(t *testing.T) {
	for symbol, want := range map[string]string{
		"runtime.mallocgc":                         "runtime",
		"barewire/kernel.trap":                     "barewire/kernel",
		"barewire/kernel.trap.abi0":                "barewire/kernel",
		"barewire/board/fdt.(*Tree).Next":          "barewire/board/fdt",
		"barewire/board/fdt.Value.Is":              "barewire/board/fdt",
		"barewire/kernel/mem.Get[go.shape.a/b.T]":  "barewire/kernel/mem",
		"type:.eq.barewire/kernel.frame":           "type:.eq.barewire/kernel",
		"_rt0_arm64_linux":                         "",
		"gvisor.dev/gvisor/pkg/sync.(*Mutex).Lock": "gvisor.dev/gvisor/pkg/sync",
	} {
		if got := packageOf(symbol); got != want {
			t.Errorf("packageOf(%q) = %q, want %q", symbol, got, want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"no ELF": []byte("#!/bin/sh"), "cut": self[:100], "nothing": nil} {
		if _, err := Load(bytes.NewReader(text)); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}
