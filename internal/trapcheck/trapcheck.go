package trapcheck

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Image is the functions of a linked program.
type Image struct {
	functions []function // by address
}

type function struct {
	name string
	addr uint64
	code []byte
}

// Policy says where to start and what may be reached.
type Policy struct {
	// Packages are the import paths whose functions run in trap context; one
	// that ends in "/..." stands for all below it.
	Packages []string

	// Allowed are functions of other packages that may be called: they are
	// looked into as well. The value is the reason.
	Allowed map[string]string

	// Ends are functions of other packages that may be called and are not
	// looked into, because nothing comes back from them.
	Ends map[string]string

	// Addresses are functions of other packages whose address may be taken: it
	// is handed on, not called.
	Addresses map[string]string
}

// Violation is a call that trap context must not make.
type Violation struct {
	Path []string // from a function in trap context to what it must not reach
	Why  string
}

func (v Violation) String() string { return strings.Join(v.Path, " -> ") + ": " + v.Why }

// Load reads the functions of a 64-bit Arm ELF with a symbol table.
func Load(r io.ReaderAt) (*Image, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Machine != elf.EM_AARCH64 || f.Class != elf.ELFCLASS64 {
		return nil, fmt.Errorf("%v %v: only arm64 is understood", f.Class, f.Machine)
	}
	symbols, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("the image must not be stripped: %w", err)
	}
	text := f.Section(".text")
	if text == nil {
		return nil, errors.New("no .text section")
	}
	code, err := text.Data()
	if err != nil {
		return nil, err
	}
	im := new(Image)
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size == 0 || s.Value < text.Addr {
			continue
		}
		begin := s.Value - text.Addr
		if begin > uint64(len(code)) || s.Size > uint64(len(code))-begin {
			return nil, fmt.Errorf("function %s lies outside .text", s.Name)
		}
		im.functions = append(im.functions, function{s.Name, s.Value, code[begin : begin+s.Size]})
	}
	if len(im.functions) == 0 {
		return nil, errors.New("no functions in the symbol table")
	}
	im.sort()
	return im, nil
}

func (im *Image) sort() {
	slices.SortStableFunc(im.functions, func(a, b function) int { return cmp.Compare(a.addr, b.addr) })
}

// at is the index of the function that holds an address, -1 for none.
func (im *Image) at(addr uint64) int {
	i, found := slices.BinarySearchFunc(im.functions, addr, func(f function, a uint64) int { return cmp.Compare(f.addr, a) })
	if !found {
		i--
	}
	if i < 0 || addr-im.functions[i].addr >= uint64(len(im.functions[i].code)) {
		return -1
	}
	return i
}

// packageOf is the import path in a symbol's name: "a/b" of "a/b.(*T).Method".
func packageOf(symbol string) string {
	end := len(symbol)
	if i := strings.IndexAny(symbol, "([{"); i >= 0 {
		end = i // type arguments and receivers hold paths of their own
	}
	slash := strings.LastIndexByte(symbol[:end], '/') + 1
	dot := strings.IndexByte(symbol[slash:], '.')
	if dot < 0 {
		return ""
	}
	return symbol[:slash+dot]
}

// holds reports whether a package's functions run in trap context.
func (p *Policy) holds(importPath string) bool {
	return slices.ContainsFunc(p.Packages, func(pattern string) bool {
		if prefix, ok := strings.CutSuffix(pattern, "..."); ok {
			return strings.HasPrefix(importPath, prefix)
		}
		return importPath == pattern
	})
}

// Has reports whether the image holds a function.
func (im *Image) Has(name string) bool {
	return slices.ContainsFunc(im.functions, func(f function) bool { return plain(f.name) == name })
}

// plain is a function's name without the mark of assembler's calling convention.
func plain(symbol string) string { return strings.TrimSuffix(symbol, ".abi0") }

// Check floods the call graph and returns what must not be, each function that
// is wrongly reached once, and the names of the allowed ones that were reached.
func (im *Image) Check(p Policy) (violations []Violation, used []string) {
	from := make([]int, len(im.functions)) // where each was reached from
	for i := range from {
		from[i] = -1
	}
	var queue []int
	seen := make([]bool, len(im.functions))
	for i, f := range im.functions {
		name := packageOf(f.name)
		if !p.holds(name) {
			continue
		}
		seen[i] = true
		queue = append(queue, i)
		if why := initialiser(f.name[len(name):]); why != "" {
			violations = append(violations, Violation{[]string{f.name}, why})
		}
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		f := &im.functions[i]
		for _, r := range references(f.code, f.addr) {
			to := im.at(r.target)
			if to < 0 {
				if !r.taken {
					violations = append(violations, Violation{append(im.path(from, i), fmt.Sprintf("%#x", r.target)), "a branch to no function"})
				}
				continue
			}
			if to == i || seen[to] {
				continue
			}
			name := plain(im.functions[to].name)
			if r.taken {
				// Inside a function it is a label, at the start of all of them
				// runtime.text: of no interest.
				if _, ok := p.Addresses[name]; ok || r.target != im.functions[to].addr || to == 0 {
					continue
				}
			}
			seen[to] = true
			from[to] = i
			if _, ok := p.Ends[name]; ok {
				used = append(used, name)
				continue
			}
			// Compiled for ==, and calling no more than memequal.
			_, ok := p.Allowed[name]
			if !ok && !strings.HasPrefix(name, "type:.eq.") {
				violations = append(violations, Violation{im.path(from, to), reason(name)})
				continue
			}
			used = append(used, name)
			queue = append(queue, to)
		}
	}
	return violations, used
}

// path is the names of the functions that lead to i.
func (im *Image) path(from []int, i int) (names []string) {
	for ; i >= 0; i = from[i] {
		names = append(names, im.functions[i].name)
	}
	slices.Reverse(names)
	return names
}

// initialiser says why a function, named without its package, is one that runs
// when the package is initialised.
func initialiser(name string) string {
	if name == ".init" || strings.HasPrefix(name, ".init.") || strings.HasPrefix(name, ".map.init.") {
		return "an initialiser: the kernel reads its data before the runtime could run this"
	}
	return ""
}

// reasons name what a function is by the beginning of its name.
var reasons = []struct{ prefix, why string }{
	{"runtime.gcWriteBarrier", "a write barrier"},
	{"runtime.wbZero", "a write barrier"},
	{"runtime.wbMove", "a write barrier"},
	{"runtime.typedmem", "a write barrier"},
	{"runtime.typedslicecopy", "a write barrier"},
	{"runtime.bulkBarrier", "a write barrier"},
	{"runtime.mallocgc", "the allocator"},
	{"runtime.newobject", "the allocator"},
	{"runtime.newarray", "the allocator"},
	{"runtime.makeslice", "the allocator"},
	{"runtime.growslice", "the allocator"},
	{"runtime.makemap", "a map"},
	{"runtime.map", "a map"},
	{"internal/runtime/maps.", "a map"},
	{"runtime.makechan", "a channel"},
	{"runtime.chan", "a channel"},
	{"runtime.select", "a channel"},
	{"runtime.closechan", "a channel"},
	{"runtime.conv", "a conversion to an interface"},
	{"runtime.assert", "an assertion of an interface"},
	{"runtime.typeAssert", "an assertion of an interface"},
	{"runtime.interfaceSwitch", "an assertion of an interface"},
	{"runtime.ifaceeq", "a comparison of interfaces"},
	{"runtime.efaceeq", "a comparison of interfaces"},
	{"runtime.getitab", "an assertion of an interface"},
	{"runtime.concat", "a string is built"},
	{"runtime.slicebytetostring", "a string is built"},
	{"runtime.stringtoslice", "a string is built"},
	{"runtime.slicerunetostring", "a string is built"},
	{"runtime.intstring", "a string is built"},
	{"runtime.print", "the runtime's printing, with its lock"},
	{"runtime.defer", "a defer"},
	{"runtime.gopanic", "a panic with a value"},
	{"runtime.gorecover", "a recover"},
	{"runtime.newproc", "a goroutine"},
	{"runtime.systemstack", "a change of stacks"},
	{"runtime.mcall", "a change of stacks"},
	{"runtime.racefuncenter", "the race detector"},
	{"runtime._", "the runtime's entry"},
	{"runtime.", "the runtime, which may be in the middle of anything"},
}

func reason(name string) string {
	for _, r := range reasons {
		if strings.HasPrefix(name, r.prefix) {
			return r.why
		}
	}
	return "not trap context"
}
