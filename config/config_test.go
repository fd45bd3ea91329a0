package config

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"barewire/nic"
)

var update = flag.Bool("update", false, "write the expected results anew")

// lab are the ports of the machine in these tests.
var lab = []PortFact{
	{Link: 2, Name: "eth0", MAC: nic.MAC{0x52, 0x54, 0, 0x12, 0x34, 0x56}, MTUBytes: 1500},
	{Link: 3, Name: "eth1", MAC: nic.MAC{0x52, 0x54, 0, 0x12, 0x34, 0x57}, MTUBytes: 9000},
	{Link: 4, Name: "eth2", MAC: nic.MAC{0x52, 0x54, 0, 0x12, 0x34, 0x58}},
}

// Each testdata/x.yaml has what becomes of it in x.ok: the file printed again,
// or its errors.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			desired, err := Load(filepath.Base(file), data, lab)
			got := string(Print(desired))
			if err != nil {
				if !reflect.DeepEqual(desired, Desired{}) {
					t.Errorf("a wrong file gave %+v", desired)
				}
				got = err.Error() + "\n"
			}
			okFile := strings.TrimSuffix(file, ".yaml") + ".ok"
			if *update {
				if err := os.WriteFile(okFile, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(okFile)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestDefaultIsTheFile(t *testing.T) {
	data, err := os.ReadFile("testdata/builtin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load("builtin.yaml", data, lab)
	if err != nil {
		t.Fatal(err)
	}
	if got := Default(lab); !reflect.DeepEqual(got, want) {
		t.Errorf("Default is %+v, its file gives %+v", got, want)
	}
	if got := Default(lab[:1]); !reflect.DeepEqual(got.Ethernets, want.Ethernets[:1]) {
		t.Errorf("with one port Default is %+v", got)
	}
	if got := Default(nil); len(got.Ethernets) != 0 {
		t.Errorf("without ports Default is %+v", got)
	}
}

func TestLoadWithoutPorts(t *testing.T) {
	_, err := Load("f", []byte("network: {ethernets: {eth0: {}}}"), nil)
	if want := "f:1:23: no port named 'eth0', the machine has none"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"file", strings.Repeat("#", maxFileBytes+1), "f: 131073 bytes, expected at most 131072"},
		{"lines", strings.Repeat("#\n", maxLines+2), "f:4097:1: 4098 lines, expected at most 4096"},
		{"line", "network: {}" + strings.Repeat(" ", maxLineBytes), "f:1:513: line of 523 bytes, expected at most 512"},
		{"errors", "network:\n" + strings.Repeat("  ?x: 1\n", 1) + manyWrongKeys(80), "31 more errors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load("f", []byte(c.file), lab)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func manyWrongKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("  x" + strings.Repeat("y", i) + ": 1\n")
	}
	return b.String()
}

// desiredFor draws a Desired that the lab's machine can have.
func desiredFor(t *rapid.T) Desired {
	var d Desired
	names := []string{"wan", "lan.1", "true", "0x10", `q"\q`, "1500"}
	ids := append([]string{}, names...)
	octet := rapid.IntRange(1, 254)
	for i, port := range lab {
		if !rapid.Bool().Draw(t, "configured") {
			continue
		}
		e := Ethernet{ID: port.Name, Link: port.Link, Optional: rapid.Bool().Draw(t, "optional")}
		if rapid.Bool().Draw(t, "match") {
			n := rapid.IntRange(0, len(ids)-1).Draw(t, "id")
			e.ID, e.MatchMAC = ids[n], port.MAC
			if rapid.Bool().Draw(t, "rename") {
				e.SetName = names[i]
			}
			ids = append(ids[:n], ids[n+1:]...)
		}
		if rapid.Bool().Draw(t, "mtu") {
			e.MTUBytes = rapid.IntRange(minMTU, 1500).Draw(t, "mtuBytes")
		}
		for j := range rapid.IntRange(0, 3).Draw(t, "addresses") {
			a := netip.AddrFrom4([4]byte{10, byte(i), byte(j), byte(octet.Draw(t, "host"))})
			e.Addresses = append(e.Addresses, netip.PrefixFrom(a, rapid.IntRange(1, 32).Draw(t, "bits")))
		}
		for j := range rapid.IntRange(0, 3).Draw(t, "routes") {
			r := Route{
				To:     netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(i), byte(j), 0}), 24),
				Via:    netip.AddrFrom4([4]byte{192, 0, 2, byte(octet.Draw(t, "via"))}),
				Metric: rapid.Uint32().Draw(t, "metric"),
				OnLink: true,
			}
			if j == 0 && rapid.Bool().Draw(t, "default") {
				r.To, r.Metric = anywhere, uint32(i)
			}
			e.Routes = append(e.Routes, r)
		}
		d.Ethernets = append(d.Ethernets, e)
	}
	sortEthernets(d.Ethernets)
	return d
}

func TestPrintAndLoadAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := desiredFor(t)
		file := Print(want)
		got, err := Load("printed", file, lab)
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("printed\n%s\nread back %+v\nwant      %+v", file, got, want)
		}
	})
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		desired, err := Load("fuzz", data, lab)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error without words")
			}
			return
		}
		printed := Print(desired)
		again, err := Load("printed", printed, lab)
		if err != nil || !reflect.DeepEqual(again, desired) {
			t.Errorf("%q\nprinted %q\nread back %+v, %v", data, printed, again, err)
		}
		if !bytes.Equal(Print(again), printed) {
			t.Error("printing twice differs")
		}
	})
}
