package console

import (
	"fmt"
	"strings"
	"time"
)

// commands is the table of all commands of a machine.
func commands(m Machine) []word {
	list := []word{
		ipWord(),
		{name: "ping", synopsis: pingSynopsis, summary: "ask a host for answers", run: runPing},
		{name: "nstat", synopsis: "[ -z ]", summary: "count lost packets by reason", run: runNstat},
	}
	if m.Uptime != nil {
		list = append(list, word{name: "uptime", summary: "time since the machine was started", run: runUptime})
	}
	if m.Memory != nil {
		list = append(list, word{name: "free", synopsis: "[ -b | -k | -m | -g | -h ]", summary: "memory in use", run: runFree})
	}
	if m.Reboot != nil {
		list = append(list, word{name: "reboot", summary: "start the machine again", run: runReboot})
	}
	if m.PowerOff != nil {
		list = append(list, word{name: "poweroff", summary: "switch the machine off", run: runPowerOff})
	}
	help := word{name: "help", synopsis: "[ COMMAND ]", summary: "this list, or how a command is used", run: runHelp,
		hints: func(c *Console, _ string) []string { return c.root.candidates(c, nil) }}
	return append(list, help)
}

func runHelp(s *session, a *args) error {
	root := &s.console.root
	if name, given := a.next(); given {
		w := root.find(name)
		if w == nil {
			return refuse(`help: no command "%s"`, name)
		}
		s.printf("%s", w.usage())
		return nil
	}
	for _, w := range root.words {
		s.printf("  %-10s %s\n", w.name, w.summary)
	}
	s.printf("Tab completes a word, Ctrl-C ends a command, \"help COMMAND\" shows how one is used.\n")
	return nil
}

// noArguments refuses what a command has no use for.
func noArguments(name string, a *args) error {
	if w, given := a.next(); given {
		return refuse("%s: extra operand '%s'\nUsage: %s", name, w, name)
	}
	return nil
}

func runReboot(s *session, a *args) error {
	if err := noArguments("reboot", a); err != nil {
		return err
	}
	return s.console.machine.Reboot()
}

func runPowerOff(s *session, a *args) error {
	if err := noArguments("poweroff", a); err != nil {
		return err
	}
	return s.console.machine.PowerOff()
}

// runUptime prints as procps does, without the users and the load, which a
// machine with one operator and no processes does not have.
func runUptime(s *session, a *args) error {
	if err := noArguments("uptime", a); err != nil {
		return err
	}
	s.printf(" %s up %s\n", s.console.clock.Wall().UTC().Format("15:04:05"), upFor(s.console.machine.Uptime()))
	return nil
}

func upFor(d time.Duration) string {
	minutes := int(d / time.Minute)
	days, hours, minutes := minutes/(24*60), minutes/60%24, minutes%60
	var b strings.Builder
	switch {
	case days > 1:
		fmt.Fprintf(&b, "%d days, ", days)
	case days == 1:
		b.WriteString("1 day, ")
	}
	if hours > 0 {
		fmt.Fprintf(&b, "%2d:%02d", hours, minutes)
	} else {
		fmt.Fprintf(&b, "%d min", minutes)
	}
	return b.String()
}

// runFree prints memory as procps does, without the columns for what there is
// none of: shared pages, a page cache and swap.
func runFree(s *session, a *args) error {
	show := func(bytes uint64) string { return fmt.Sprint(bytes >> 10) }
	for {
		option, given := a.next()
		if !given {
			break
		}
		switch option {
		case "-b":
			show = func(bytes uint64) string { return fmt.Sprint(bytes) }
		case "-k":
			show = func(bytes uint64) string { return fmt.Sprint(bytes >> 10) }
		case "-m":
			show = func(bytes uint64) string { return fmt.Sprint(bytes >> 20) }
		case "-g":
			show = func(bytes uint64) string { return fmt.Sprint(bytes >> 30) }
		case "-h":
			show = humanBytes
		default:
			return refuse("free: invalid option '%s'\n%s", option, strings.TrimSuffix(s.console.root.find("free").usage(), "\n"))
		}
	}
	m := s.console.machine.Memory()
	s.printf("%20s%12s%12s\n", "total", "used", "free")
	s.printf("%-8s%12s%12s%12s\n", "Mem:", show(m.Total), show(m.Total-min(m.Free, m.Total)), show(m.Free))
	return nil
}

// humanBytes is a size in three or four places, as free -h has it.
func humanBytes(bytes uint64) string {
	const units = "KMGTPE"
	if bytes < 1<<10 {
		return fmt.Sprintf("%dB", bytes)
	}
	value, unit := float64(bytes)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if value < 10 {
		return fmt.Sprintf("%.1f%ci", value, units[unit])
	}
	return fmt.Sprintf("%d%ci", int(value), units[unit])
}

// runNstat prints the counters of lost packets: those that are not zero or,
// with -z, all.
func runNstat(s *session, a *args) error {
	zeros := false
	for {
		option, given := a.next()
		switch {
		case !given:
			for _, d := range s.console.namespace.Drops() {
				if d.Count > 0 || zeros {
					s.printf("%-32s%-16d%s\n", d.Name, d.Count, d.Sentence)
				}
			}
			return nil
		case option == "-z" || option == "-az" || option == "--zeros":
			zeros = true
		case option == "-a": // there is no history to ignore
		default:
			return refuse("Usage: nstat [ -z ]")
		}
	}
}
