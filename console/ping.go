package console

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"barewire/packet"
	"barewire/stack"
)

const pingSynopsis = "[ -nq ] [ -c COUNT ] [ -i SECONDS ] [ -I ADDRESS ] [ -s BYTES ] [ -t TTL ] [ -w SECONDS ] [ -W SECONDS ] ADDRESS"

// timedPayload is the least payload for which ping(8) measures the time, as it
// keeps the time in the payload.
const timedPayload = 16

// pingRun is a ping as it was asked for.
type pingRun struct {
	to      string
	quiet   bool
	options stack.PingOptions
}

func runPing(s *session, a *args) error {
	p := pingRun{options: stack.PingOptions{PayloadBytes: 56}}
	if err := p.take(a); err != nil {
		return err
	}
	to, err := netip.ParseAddr(p.to)
	if err != nil {
		return refuse("ping: %s: Name or service not known", p.to)
	}
	// The first line is before the first answer, but not before an error that
	// keeps the whole from starting.
	p.options.Started = func() {
		from := ""
		if p.options.Source.IsValid() {
			from = fmt.Sprintf(" from %v :", p.options.Source)
		}
		bytes := p.options.PayloadBytes
		s.printf("PING %s (%v)%s %d(%d) bytes of data.\n", p.to, to, from, bytes, bytes+packet.ICMP4HeaderLen+packet.IPv4HeaderLen)
	}
	total, err := s.console.namespace.Ping(s.ctx, to, p.options, func(m stack.Echo) {
		if !p.quiet || m.Failed {
			s.printEcho(m, p.options.PayloadBytes >= timedPayload)
		}
	})
	if err != nil {
		var number syscall.Errno
		if errors.As(err, &number) {
			return refuse("ping: connect: %s", strerror(number))
		}
		return refuse("ping: %v", err)
	}
	s.printPingStatistics(p.to, total, p.options.PayloadBytes >= timedPayload)
	return nil
}

// take reads the arguments: options may stand together and before or after the
// address, as getopt has it.
func (p *pingRun) take(a *args) error {
	for {
		w, given := a.next()
		switch {
		case !given && p.to == "":
			return refuse("ping: usage error: Destination address required")
		case !given:
			return nil
		case len(w) > 1 && w[0] == '-':
			if err := p.takeOptions(w[1:], a); err != nil {
				return err
			}
		case p.to != "":
			return refuse("ping: %s: several destinations: not supported", w)
		default:
			p.to = w
		}
	}
}

func (p *pingRun) takeOptions(letters string, a *args) error {
	for i, letter := range letters {
		switch letter {
		case 'n', '4': // names are not looked up, and there is no IPv6
			continue
		case 'q':
			p.quiet = true
			continue
		case 'c', 'i', 'I', 's', 't', 'w', 'W':
		default:
			return refuse("ping: invalid option -- '%c'\nUsage: ping %s", letter, pingSynopsis)
		}
		value := letters[i+1:]
		if value == "" {
			var given bool
			if value, given = a.next(); !given {
				return refuse("ping: option requires an argument -- '%c'\nUsage: ping %s", letter, pingSynopsis)
			}
		}
		return p.set(letter, value)
	}
	return nil
}

func (p *pingRun) set(letter rune, value string) (err error) {
	var n int64
	switch letter {
	case 'c':
		n, err = pingNumber(value, 1, math.MaxInt64)
		p.options.Count = int(min(n, math.MaxInt))
	case 's':
		n, err = pingNumber(value, 0, stack.MaxPingPayload)
		p.options.PayloadBytes = int(n)
	case 't':
		n, err = pingNumber(value, 1, 255)
		p.options.TTL = uint8(n)
	case 'i':
		p.options.Interval, err = pingSeconds(value)
		if err == nil && p.options.Interval < minPingInterval {
			err = refuse("ping: invalid argument: '%s': minimal interval is %d ms", value, minPingInterval/time.Millisecond)
		}
	case 'w':
		p.options.Deadline, err = pingSeconds(value)
	case 'W':
		p.options.Timeout, err = pingSeconds(value)
	case 'I':
		if p.options.Source, err = netip.ParseAddr(value); err != nil {
			err = refuse("ping: invalid argument: '%s': an address of the router is expected", value)
		}
	}
	return err
}

// minPingInterval is ping(8)'s for ordinary users.
const minPingInterval = 2 * time.Millisecond

func pingNumber(text string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && (n < low || n > high):
		return 0, refuse("ping: invalid argument: '%s': out of range: %d <= value <= %d", text, low, high)
	case err != nil:
		return 0, refuse("ping: invalid argument: '%s'", text)
	}
	return n, nil
}

func pingSeconds(text string) (time.Duration, error) {
	const most = 24 * 60 * 60
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) {
		return 0, refuse("ping: invalid argument: '%s'", text)
	}
	if v < 0.001 || v > most {
		return 0, refuse("ping: invalid argument: '%s': out of range: 0.001 <= value <= %d", text, most)
	}
	return time.Duration(v * float64(time.Second)), nil
}

func (s *session) printEcho(m stack.Echo, timed bool) {
	if m.Failed {
		s.printf("From %v icmp_seq=%d %s\n", m.From, m.Sequence, icmpMeaning(m))
		return
	}
	s.printf("%d bytes from %v: icmp_seq=%d ttl=%d", m.Bytes, m.From, m.Sequence, m.TTL)
	if timed {
		s.printf(" time=%s ms", roundTrip(m.RTT))
	}
	if m.Duplicate {
		s.printf(" (DUP!)")
	}
	s.printf("\n")
}

// roundTrip is a time in milliseconds with three significant places or more.
func roundTrip(d time.Duration) string {
	us := d.Microseconds()
	switch {
	case us >= 99950:
		return fmt.Sprintf("%d", (us+500)/1000)
	case us >= 9995:
		return fmt.Sprintf("%d.%d", (us+50)/1000, (us+50)%1000/100)
	case us >= 1000:
		return fmt.Sprintf("%d.%02d", (us+5)/1000, (us+5)%1000/10)
	}
	return fmt.Sprintf("0.%03d", us)
}

func (s *session) printPingStatistics(to string, t stack.PingStatistics, timed bool) {
	s.printf("\n--- %s ping statistics ---\n", to)
	s.printf("%d packets transmitted, %d received", t.Sent, t.Received)
	if t.Duplicates > 0 {
		s.printf(", +%d duplicates", t.Duplicates)
	}
	if t.Errors > 0 {
		s.printf(", +%d errors", t.Errors)
	}
	if t.Sent > 0 {
		loss := float32(float64(t.Sent-t.Received) * 100 / float64(t.Sent))
		s.printf(", %s%% packet loss, time %dms", strconv.FormatFloat(float64(loss), 'g', 6, 32), t.Elapsed.Round(time.Millisecond).Milliseconds())
	}
	var last []string
	if t.Received > 0 && timed {
		ms := func(d time.Duration) string {
			return fmt.Sprintf("%d.%03d", d.Microseconds()/1000, d.Microseconds()%1000)
		}
		last = append(last, fmt.Sprintf("rtt min/avg/max/mdev = %s/%s/%s/%s ms", ms(t.Min), ms(t.Average), ms(t.Max), ms(t.Deviation)))
	}
	if t.Pipe > 1 {
		last = append(last, fmt.Sprintf("pipe %d", t.Pipe))
	}
	s.printf("\n%s\n", strings.Join(last, ", "))
}

// icmpMeaning is an ICMP error in ping(8)'s words.
func icmpMeaning(m stack.Echo) string {
	switch m.Type {
	case packet.ICMP4Unreachable:
		if m.Code == packet.ICMP4FragmentationNeeded {
			return fmt.Sprintf("Frag needed and DF set (mtu = %d)", uint16(m.Rest))
		}
		if text := unreachable[m.Code]; text != "" {
			return text
		}
		return fmt.Sprintf("Dest Unreachable, Bad Code: %d", m.Code)
	case packet.ICMP4SourceQuench:
		return "Source Quench"
	case packet.ICMP4Redirect:
		gateway := netip.AddrFrom4([4]byte{byte(m.Rest >> 24), byte(m.Rest >> 16), byte(m.Rest >> 8), byte(m.Rest)})
		what := map[uint8]string{0: "Redirect Network", 1: "Redirect Host", 2: "Redirect Type of Service and Network", 3: "Redirect Type of Service and Host"}[m.Code]
		if what == "" {
			what = fmt.Sprintf("Redirect, Bad Code: %d", m.Code)
		}
		return fmt.Sprintf("%s(New nexthop: %v)", what, gateway)
	case packet.ICMP4TimeExceeded:
		switch m.Code {
		case 0:
			return "Time to live exceeded"
		case 1:
			return "Frag reassembly time exceeded"
		}
		return fmt.Sprintf("Time exceeded, Bad Code: %d", m.Code)
	case packet.ICMP4ParameterProblem:
		return fmt.Sprintf("Parameter problem: pointer = %d", m.Rest>>24)
	}
	return fmt.Sprintf("Bad ICMP type: %d", m.Type)
}

// unreachable are the codes of ICMP type 3 (RFC 792, RFC 1122, RFC 1812).
var unreachable = map[uint8]string{
	0:  "Destination Net Unreachable",
	1:  "Destination Host Unreachable",
	2:  "Destination Protocol Unreachable",
	3:  "Destination Port Unreachable",
	5:  "Source Route Failed",
	6:  "Destination Net Unknown",
	7:  "Destination Host Unknown",
	8:  "Source Host Isolated",
	9:  "Destination Net Prohibited",
	10: "Destination Host Prohibited",
	11: "Destination Net Unreachable for Type of Service",
	12: "Destination Host Unreachable for Type of Service",
	13: "Packet filtered",
	14: "Precedence Violation",
	15: "Precedence Cutoff",
}
