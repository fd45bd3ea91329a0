package barewire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "barewire"

// lattice says who may import whom: what is on the left may be imported by the
// packages on the right, and nothing else may. Tests may import what they like.
//
//	@trap  unsafe, sync/atomic, math/bits: what works before the runtime does
//	@std   the standard library
//	@all   everything
//
// A star stands for one path element; a package that is named in full goes by
// that line and by no line with a star.
const lattice = `
	# The kernel and what it stands on: trap context.
	@trap                                          < board, board/fdt, board/mmio, kernel/mem, kernel/chacha
	@trap, board, board/mmio                       < board/chip/*
	@trap, board, board/mmio, board/chip/*         < board/*
	@trap, board, board/fdt, board/mmio, kernel/mem, kernel/chacha < kernel

	# The goroutine side of devices.
	@std, board/mmio                               < kernel/dev
	@std, packet, nic, kernel/dev                  < drivers/*

	# The data plane: the same on every machine.
	@std                                           < packet, internal/clock
	@std, packet                                   < nic
	@std, packet, internal/clock                   < firewall/nft
	@std, packet, internal/clock, firewall/nft     < firewall
	@std, packet, nic, internal/clock, firewall, github.com/gaissmai/bart < router

	# Namespaces, their configuration, the operator.
	@std, packet, internal/clock, router, firewall, gvisor.dev/gvisor < stack
	@std, packet, nic, internal/clock, internal/testnet, router, stack < stack/stacktest
	@std, packet, nic, internal/clock, router, firewall, firewall/nft, stack, github.com/goccy/go-yaml < config
	@std, packet, nic, internal/clock, router, firewall, firewall/nft, stack, config, golang.org/x/term < console

	# The images, and the tools that run beside them.
	@all                                           < cmd/image
	@std                                           < cmd/mkimage
	@std, github.com/gopacket/gopacket, golang.org/x/sys/unix < qemu
	@std, golang.org/x/sys/unix, kernel, board/*   < qemu/syscalls
	@std, packet, nic, internal/clock              < internal/*
`

// walls are edges that must not exist even by a detour, and why.
var walls = []struct{ from, to, why string }{
	{"board", "@std", "it runs before the runtime does: no errors, fmt, sync, time"},
	{"board/*", "@std", "it runs before the runtime does: no errors, fmt, sync, time"},
	{"board/chip/*", "@std", "it runs before the runtime does: no errors, fmt, sync, time"},
	{"kernel", "@std", "it runs while the runtime is in the middle of anything: no errors, fmt, sync, time"},
	{"kernel/mem", "@std", "it runs while the runtime is in the middle of anything: no errors, fmt, sync, time"},
	{"kernel/chacha", "@std", "it runs while the runtime is in the middle of anything: no errors, fmt, sync, time"},
	{"kernel", "board/*", "the kernel is given its machine by a linked symbol, it chooses none"},
	{"kernel", "drivers/*", "a driver is a goroutine's matter"},
	{"drivers/*", "board/virt", "a driver takes facts as arguments, it never asks which board it is on"},
	{"drivers/*", "router", "a driver knows buffers, not what is done with them"},
	{"drivers/*", "stack", "a driver knows buffers, not what is done with them"},
	{"packet", "nic", "packet is a leaf: bytes in, offsets out"},
	{"nic", "kernel/dev", "whoever makes a pool brings the memory: nic stays portable"},
	{"nic", "drivers/*", "the contract does not know who keeps it"},
	{"router", "kernel", "the data plane builds and is tested on any machine"},
	{"router", "kernel/dev", "the data plane builds and is tested on any machine"},
	{"router", "drivers/*", "the data plane builds and is tested on any machine"},
	{"router", "board/*", "the data plane builds and is tested on any machine"},
	{"router", "gvisor.dev/gvisor", "gVisor's types stop at stack"},
	{"router", "stack", "the data plane does not call its host side but by the Host interface"},
	{"firewall", "router", "what a rule needs of the router comes by an interface that firewall declares"},
	{"firewall", "gvisor.dev/gvisor", "gVisor's types stop at stack"},
	{"firewall/nft", "firewall", "the language does not know the engine"},
	{"stack", "kernel", "the host side builds and is tested on any machine"},
	{"stack", "kernel/dev", "the host side builds and is tested on any machine"},
	{"stack", "drivers/*", "the host side builds and is tested on any machine"},
	{"config", "kernel", "configuration is checked on any machine"},
	{"config", "kernel/dev", "configuration is checked on any machine"},
	{"config", "drivers/*", "configuration names links, not devices"},
	{"config", "console", "the console speaks to the configuration, not the other way"},
	{"console", "kernel", "the console is tested on any machine; what it needs of this one is passed in"},
	{"console", "kernel/dev", "the console is tested on any machine; what it needs of this one is passed in"},
	{"console", "drivers/*", "the console shows what the router knows"},
	{"qemu", "kernel", "it boots what was built, as users get it"},
	{"qemu", "router", "it boots what was built, as users get it"},
}

// trapImports is @trap.
var trapImports = []string{"unsafe", "sync/atomic", "math/bits"}

// unsafeFolders may use unsafe and assembler: what touches registers, page
// tables and memory that a device writes.
var unsafeFolders = []string{"kernel", "board", "drivers"}

// unsafeFiles may as well.
var unsafeFiles = []string{"nic/pool.go", "qemu/syscalls/raw.go"}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath    string
	Imports, Deps []string
}

// list is all packages of the module as they are built for a machine: -e,
// because an image for one machine does not build for another.
func list(t *testing.T, goarch string) (packages []listed) {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath != module { // the tests beside go.mod
			packages = append(packages, p)
		}
	}
}

// rule is a line of the lattice for one name on its right side.
type rule struct {
	who string
	may []string
}

func parseLattice(t *testing.T) (rules []rule) {
	t.Helper()
	names := func(s string) (all []string) {
		for name := range strings.SplitSeq(s, ",") {
			if name = strings.TrimSpace(name); name == "" {
				t.Fatalf("lattice: an empty name in %q", s)
			}
			all = append(all, name)
		}
		return all
	}
	for line := range strings.Lines(lattice) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		left, right, ok := strings.Cut(line, "<")
		if !ok {
			t.Fatalf("lattice: %q: want `left < right`", line)
		}
		for _, who := range names(right) {
			if slices.ContainsFunc(rules, func(r rule) bool { return r.who == who }) {
				t.Fatalf("lattice: %s has two lines", who)
			}
			rules = append(rules, rule{who, names(left)})
		}
	}
	return rules
}

// place is the rule of a package, named without the module.
func place(rules []rule, name string) (rule, bool) {
	for _, r := range rules {
		if r.who == name {
			return r, true
		}
	}
	for _, r := range rules {
		if ok, _ := path.Match(r.who, name); ok {
			return r, true
		}
	}
	return rule{}, false
}

// short is an import path without the module.
func short(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

func ours(importPath string) bool { return strings.HasPrefix(importPath, module+"/") }

// standard reports whether a package is of the standard library: its first
// element is no domain.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !ours(importPath) && !strings.Contains(first, ".")
}

// fits reports whether an import is what a name of the lattice stands for.
func fits(name, imported string) bool {
	switch name {
	case "@all":
		return true
	case "@trap":
		return slices.Contains(trapImports, imported)
	case "@std":
		return standard(imported)
	}
	if ours(imported) {
		ok, _ := path.Match(name, short(imported))
		return ok
	}
	return imported == name || strings.HasPrefix(imported, name+"/")
}

func TestImportDirections(t *testing.T) {
	rules := parseLattice(t)
	for _, goarch := range []string{"arm64", "amd64"} {
		for _, p := range list(t, goarch) {
			name := short(p.ImportPath)
			r, ok := place(rules, name)
			if !ok {
				t.Errorf("%s has no place in the lattice (house_test.go)", name)
				continue
			}
			for _, imported := range p.Imports {
				if !slices.ContainsFunc(r.may, func(may string) bool { return fits(may, imported) }) {
					t.Errorf("%s: %s may not import %s: %s", goarch, name, short(imported), why(name, imported))
				}
			}
			for _, w := range walls {
				if ok, _ := path.Match(w.from, name); !ok || w.to == "@std" {
					continue // direct imports say it all: what they reach is under the same law
				}
				for _, reached := range p.Deps {
					if fits(w.to, reached) && !allowedWithin(w.from, w.to, reached) {
						t.Errorf("%s: %s reaches %s: %s", goarch, name, short(reached), w.why)
					}
				}
			}
		}
	}
}

// allowedWithin excepts from a star what another line of the lattice allows the
// kernel by its full name.
func allowedWithin(from, to, reached string) bool {
	switch {
	case from == "kernel" && to == "board/*":
		return slices.Contains([]string{"board/fdt", "board/mmio"}, short(reached))
	}
	return false
}

// why is the reason of the first wall that an import goes through.
func why(name, imported string) string {
	for _, w := range walls {
		if ok, _ := path.Match(w.from, name); ok && fits(w.to, imported) {
			return w.why
		}
	}
	return "the lattice has no such edge"
}

// The lattice itself must say no.
func TestLatticeForbids(t *testing.T) {
	rules := parseLattice(t)
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"router", "barewire/kernel/dev", false},
		{"router", "barewire/drivers/virtio-net", false},
		{"router", "barewire/nic", true},
		{"router", "gvisor.dev/gvisor/pkg/tcpip", false},
		{"stack", "gvisor.dev/gvisor/pkg/tcpip", true},
		{"firewall", "barewire/router", false},
		{"drivers/virtio-net", "barewire/board/virt", false},
		{"drivers/virtio-net", "barewire/kernel/dev", true},
		{"kernel", "fmt", false},
		{"kernel", "unsafe", true},
		{"kernel", "barewire/board/virt", false},
		{"board/virt", "barewire/board/chip/gic", true},
		{"board/chip/gic", "barewire/board/virt", false},
		{"board/fdt", "barewire/board/mmio", false}, // its own line, not that of board/*
		{"packet", "barewire/nic", false},
		{"cmd/image", "barewire/kernel", true},
		{"qemu", "barewire/router", false},
	} {
		r, found := place(rules, c.from)
		if !found {
			t.Errorf("%s has no place", c.from)
			continue
		}
		if ok := slices.ContainsFunc(r.may, func(may string) bool { return fits(may, c.to) }); ok != c.ok {
			t.Errorf("%s imports %s: allowed is %v, want %v", c.from, c.to, ok, c.ok)
		}
	}
	if _, found := place(rules, "util"); found {
		t.Error("a new folder has a place without anybody saying so")
	}
}

// Every wall must stand between places that the lattice knows, or it would
// forbid nothing.
func TestWallsHaveTwoSides(t *testing.T) {
	rules := parseLattice(t)
	known := func(name string) bool {
		if strings.HasPrefix(name, "@") || strings.Contains(name, ".") {
			return true
		}
		return slices.ContainsFunc(rules, func(r rule) bool {
			a, _ := path.Match(name, r.who)
			b, _ := path.Match(r.who, name)
			return a || b
		})
	}
	for _, w := range walls {
		if !known(w.from) || !known(w.to) {
			t.Errorf("the wall from %s to %s stands nowhere", w.from, w.to)
		}
		if w.why == "" {
			t.Errorf("the wall from %s to %s has no reason", w.from, w.to)
		}
	}
}

// sources calls f for every file of the module with one of the endings.
func sources(t *testing.T, f func(name string, text []byte), endings ...string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != "." && (base[0] == '.' || base == "testdata" || base == "build") {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains(endings, filepath.Ext(name)) {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(name), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What goes around Go's rules is where a reader expects it. Tests may measure
// with unsafe.Sizeof anywhere.
func TestUnsafeInItsPlace(t *testing.T) {
	found := make(map[string]bool)
	sources(t, func(name string, text []byte) {
		kind := "is assembler"
		if filepath.Ext(name) == ".go" {
			if strings.HasSuffix(name, "_test.go") || !importsUnsafe(t, name, text) {
				return
			}
			kind = "imports unsafe"
		}
		found[name] = true
		folder, _, _ := strings.Cut(name, "/")
		if !slices.Contains(unsafeFolders, folder) && !slices.Contains(unsafeFiles, name) {
			t.Errorf("%s %s: only %s and %s may", name, kind, strings.Join(unsafeFolders, ", "), strings.Join(unsafeFiles, ", "))
		}
	}, ".go", ".s")
	for _, must := range []string{"board/fdt/node.go", "drivers/virtio-net/ring.go"} {
		if !found[must] {
			t.Errorf("%s was not seen: this test looks at the wrong files", must)
		}
	}
}

func importsUnsafe(t *testing.T, name string, text []byte) bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
	if err != nil {
		t.Errorf("%v", err)
		return false
	}
	for _, i := range f.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err == nil && p == "unsafe" {
			return true
		}
	}
	return false
}

func TestFormat(t *testing.T) {
	files := 0
	sources(t, func(name string, text []byte) {
		files++
		formatted, err := format.Source(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !bytes.Equal(formatted, text) {
			t.Errorf("%s is not as gofmt writes it", name)
		}
	}, ".go")
	if files == 0 {
		t.Error("no files were looked at")
	}
}

// TestDifferences holds docs/differences.md to the code: as many rows for a
// file as it has comments that say how it differs, and no row without one.
func TestDifferences(t *testing.T) {
	const mark = "Differs from Linux:"
	inCode := make(map[string]int)
	sources(t, func(name string, text []byte) {
		if n := bytes.Count(text, []byte("// "+mark)); n > 0 && !strings.HasSuffix(name, "_test.go") {
			inCode[name] = n
		}
	}, ".go")
	text, err := os.ReadFile("docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	inDoc := make(map[string]int)
	for _, line := range strings.Split(string(text), "\n") {
		if cells := strings.Split(line, "|"); len(cells) == 6 && strings.Contains(cells[3], "/") {
			inDoc[strings.TrimSpace(cells[3])]++
		}
	}
	for name, n := range inCode {
		if inDoc[name] != n {
			t.Errorf("%s says %d times %q, docs/differences.md has %d rows for it", name, n, mark, inDoc[name])
		}
	}
	for name := range inDoc {
		if inCode[name] == 0 {
			t.Errorf("docs/differences.md has a row for %s, which says nothing of it", name)
		}
	}
}
