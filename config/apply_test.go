package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"barewire/router"
	"barewire/stack"
	"barewire/stack/stacktest"
)

// machine is a namespace with three ports, all down.
func machine(t testing.TB) *stack.Namespace {
	n := stacktest.Namespace(t, "machine", nil)
	for i, p := range lab {
		end := stacktest.NewCable(9000)[0]
		end.SetMAC(p.MAC)
		link, err := n.Router().AddPort(p.Name, end)
		if err != nil || link != p.Link {
			t.Fatalf("port %d: link %d, %v", i, link, err)
		}
		if err := n.Router().SetMTU(link, 1500); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func load(t testing.TB, file string) Desired {
	t.Helper()
	d, err := Load("test", []byte(file), lab)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// words are the changes as ip(8) commands.
func words(changes []Change) string {
	var b strings.Builder
	for _, c := range changes {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

func TestPorts(t *testing.T) {
	ports := Ports(machine(t))
	if len(ports) != len(lab) {
		t.Fatalf("%+v", ports)
	}
	for i, p := range ports {
		if p.Name != lab[i].Name || p.Link != lab[i].Link || p.MAC != lab[i].MAC || p.MTUBytes < 1500 {
			t.Errorf("%+v, want %+v", p, lab[i])
		}
	}
}

// Each step is a file and the changes that it makes of the one before.
func TestChanges(t *testing.T) {
	n := machine(t)
	for _, step := range []struct{ name, file, changes string }{
		{"from nothing", `
network:
  ethernets:
    eth0: {addresses: [10.0.2.15/24], routes: [{to: default, via: 10.0.2.2}]}
    eth1: {addresses: [192.168.1.1/24, 192.168.1.2/24], mtu: 1400}`, `
ip link set eth1 mtu 1400
ip address add 10.0.2.15/24 dev eth0
ip address add 192.168.1.1/24 dev eth1
ip address add 192.168.1.2/24 dev eth1
ip link set eth0 up
ip link set eth1 up
ip route add default via 10.0.2.2 dev eth0
`},
		{"another gateway", `
network:
  ethernets:
    eth0: {addresses: [10.0.2.15/24], gateway4: 10.0.2.3}
    eth1: {addresses: [192.168.1.1/24, 192.168.1.2/24], mtu: 1400}`, `
ip route del default via 10.0.2.2 dev eth0
ip route add default via 10.0.2.3 dev eth0
`},
		{"the first address goes, one comes", `
network:
  ethernets:
    eth0: {addresses: [10.0.2.15/24], gateway4: 10.0.2.3}
    eth1: {addresses: [192.168.1.2/24, 192.168.2.1/24]}`, `
ip address del 192.168.1.1/24 dev eth1
ip address add 192.168.2.1/24 dev eth1
`},
		{"addresses change places", `
network:
  ethernets:
    eth0: {addresses: [10.0.2.15/24], gateway4: 10.0.2.3}
    eth1: {addresses: [192.168.2.1/24, 192.168.1.2/24]}`, `
ip address del 192.168.1.2/24 dev eth1
ip address add 192.168.1.2/24 dev eth1
`},
		{"a network moves to another port", `
network:
  ethernets:
    eth2: {addresses: [10.0.2.15/24], routes: [{to: default, via: 10.0.2.3, metric: 7}, {to: 10.8.0.0/16, via: 10.1.1.1, on-link: true}]}
    eth1: {addresses: [192.168.2.1/24, 192.168.1.2/24]}`, `
ip route del default via 10.0.2.3 dev eth0
ip link set eth0 down
ip address del 10.0.2.15/24 dev eth0
ip address add 10.0.2.15/24 dev eth2
ip link set eth2 up
ip route add default via 10.0.2.3 dev eth2 metric 7
ip route add 10.8.0.0/16 via 10.1.1.1 dev eth2 onlink
`},
		{"names in a circle", `
network:
  ethernets:
    a: {match: {macaddress: "52:54:00:12:34:56"}, set-name: eth1}
    b: {match: {macaddress: "52:54:00:12:34:57"}, set-name: eth0, addresses: [192.168.2.1/24]}`, `
ip route del default via 10.0.2.3 dev eth2 metric 7
ip route del 10.8.0.0/16 via 10.1.1.1 dev eth2 onlink
ip link set eth2 down
ip address del 192.168.1.2/24 dev eth1
ip address del 10.0.2.15/24 dev eth2
ip link set eth0 name rename2
ip link set eth1 name eth0
ip link set rename2 name eth1
ip link set eth1 up
`},
	} {
		d := load(t, step.file)
		if got := "\n" + words(Diff(Now(n), d)); got != step.changes {
			t.Errorf("%s: got%s\nwant%s", step.name, got, step.changes)
		}
		if err := Apply(n, d); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if left := Diff(Now(n), d); len(left) > 0 {
			t.Errorf("%s: not done:\n%s", step.name, words(left))
		}
	}
}

// What the operator added by hand is no part of the configuration, and goes.
func TestApplyRemovesRoutesByHand(t *testing.T) {
	n := machine(t)
	d := Default(lab)
	if err := Apply(n, d); err != nil {
		t.Fatal(err)
	}
	byHand := router.Route{Destination: netip.MustParsePrefix("10.1.0.0/16"), Type: router.RouteBlackhole, Protocol: router.ProtocolBoot}
	learned := router.Route{Destination: netip.MustParsePrefix("10.2.0.0/16"), Gateway: netip.MustParseAddr("10.0.2.2"), Protocol: router.ProtocolDHCP}
	for _, r := range []router.Route{byHand, learned} {
		if err := n.Router().AddRoute(r); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := words(Diff(Now(n), d)), "ip route del blackhole 10.1.0.0/16\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := Apply(n, d); err != nil {
		t.Error(err)
	}
}

// A change that the router refuses takes the ones before it back.
func TestApplyIsWhole(t *testing.T) {
	n := machine(t)
	if err := Apply(n, Default(lab)); err != nil {
		t.Fatal(err)
	}
	before := Now(n)
	d := load(t, `
network:
  ethernets:
    eth1: {match: {macaddress: "52:54:00:12:34:56"}, set-name: wan, mtu: 1280, addresses: [10.9.0.1/24, 10.9.0.2/24]}
    eth2: {addresses: [10.8.0.1/24], routes: [{to: 10.7.0.0/16, via: 10.8.0.9}]}`)
	d.Ethernets[1].Routes[0].Via = netip.MustParseAddr("10.66.0.1") // no file that says so gets this far
	err := Apply(n, d)
	if err == nil || !strings.Contains(err.Error(), "ip route add 10.7.0.0/16 via 10.66.0.1 dev eth2") {
		t.Errorf("error %v", err)
	}
	if after := Now(n); !reflect.DeepEqual(after, before) {
		t.Errorf("before\n%+v\nafter\n%+v", before, after)
	}
}

// From any configuration to any other: one Apply is enough, and leaves nothing
// to do.
func TestApplyConverges(t *testing.T) {
	n := machine(t)
	rapid.Check(t, func(t *rapid.T) {
		d := desiredFor(t)
		if err := Apply(n, d); err != nil {
			t.Fatal(err)
		}
		if left := Diff(Now(n), d); len(left) > 0 {
			t.Fatalf("not done:\n%s", words(left))
		}
	})
}

// The files that load are applied to a machine, too.
func TestFilesApply(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.yaml")
	applied := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := machine(t)
		d, err := Load(file, data, Ports(n))
		if err != nil {
			continue
		}
		if err := Apply(n, d); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		applied++
	}
	if applied == 0 {
		t.Error("no file loaded")
	}
}
