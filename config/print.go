package config

import (
	"fmt"
	"strings"

	"barewire/nic"
)

// Print writes d as a netplan file. Load gives the same Desired back on a
// machine with the same ports.
func Print(d Desired) []byte {
	var b strings.Builder
	b.WriteString("network:\n  version: 2\n")
	if len(d.Ethernets) > 0 {
		b.WriteString("  ethernets:\n")
	}
	for _, e := range d.Ethernets {
		printEthernet(&b, e)
	}
	return []byte(b.String())
}

func printEthernet(b *strings.Builder, e Ethernet) {
	var body strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&body, "      "+format+"\n", args...) }
	if e.MatchMAC != (nic.MAC{}) {
		line("match:")
		line("  macaddress: %q", formatMAC(e.MatchMAC))
	}
	if e.SetName != "" {
		line("set-name: %q", e.SetName)
	}
	if e.MTUBytes != 0 {
		line("mtu: %d", e.MTUBytes)
	}
	if e.Optional {
		line("optional: true")
	}
	if len(e.Addresses) > 0 {
		line("addresses:")
	}
	for _, a := range e.Addresses {
		line("- %v", a)
	}
	if len(e.Routes) > 0 {
		line("routes:")
	}
	for _, r := range e.Routes {
		if r.To == anywhere {
			line("- to: default")
		} else {
			line("- to: %v", r.To)
		}
		line("  via: %v", r.Via)
		if r.Metric != 0 {
			line("  metric: %d", r.Metric)
		}
		if r.OnLink {
			line("  on-link: true")
		}
	}
	if body.Len() == 0 {
		fmt.Fprintf(b, "    %s: {}\n", quoteID(e.ID))
		return
	}
	fmt.Fprintf(b, "    %s:\n%s", quoteID(e.ID), body.String())
}

// quoteID is an ID as YAML reads it back: bare when it is a plain word such as
// eth0, quoted when YAML could take it for something else.
func quoteID(id string) string {
	plain := id != "" && !strings.ContainsFunc(id, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}) && id[0] >= 'a' && id[0] <= 'z'
	switch id {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		plain = false
	}
	if plain {
		return id
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(id) + `"`
}
