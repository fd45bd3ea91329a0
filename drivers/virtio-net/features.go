package virtionet

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"strings"

	"barewire/nic"
)

// Device status (section 2.1).
const (
	statusAcknowledge = 1
	statusDriver      = 2
	statusDriverOK    = 4
	statusFeaturesOK  = 8
	statusNeedsReset  = 64
	statusFailed      = 128
)

// Feature bits (sections 5.1.3 and 6).
const (
	featureMTU      = 1 << 3
	featureMAC      = 1 << 5
	featureMergeRx  = 1 << 15 // MRG_RXBUF
	featureStatus   = 1 << 16
	featureEventIdx = 1 << 29
	featureVersion1 = 1 << 32
)

// Fields of the configuration space (section 5.1.4), and their bits.
const (
	configMACOffset    = 0
	configStatusOffset = 6
	configMTUOffset    = 10

	configLinkUp = 1

	leastMTU = 68 // RFC 791; the specification's least as well
)

// Ours.
const (
	// wanted is what is accepted when the device offers it. Offloads are not:
	// a frame that a router forwards must be whole, and a segment of 64 KiB
	// would have to be cut again for the next link.
	wanted = featureVersion1 | featureEventIdx | featureMergeRx | featureStatus | featureMAC | featureMTU

	defaultMTU = 1500 // when the device does not tell

	// frameRoom is what a frame has besides its network packet: the Ethernet
	// header and one VLAN tag.
	frameRoom = 14 + 4

	// resetPolls bounds the wait for the end of a reset: a second on the
	// slowest emulation, where a register read takes a microsecond.
	resetPolls = 1_000_000

	// generationTries bounds the reading of a configuration that keeps changing.
	generationTries = 1000
)

var featureNames = [64]string{
	3: "MTU", 5: "MAC", 15: "MRG_RXBUF", 16: "STATUS", 29: "EVENT_IDX", 32: "VERSION_1",
}

// featureList names the features in f for an error message.
func featureList(f uint64) string {
	var names []string
	for ; f != 0; f &= f - 1 {
		i := bits.TrailingZeros64(f)
		if featureNames[i] != "" {
			names = append(names, featureNames[i])
		} else {
			names = append(names, fmt.Sprintf("bit %d", i))
		}
	}
	return strings.Join(names, ", ")
}

// facts are what a device said of itself.
type facts struct {
	features uint64 // accepted
	mac      nic.MAC
	mtuBytes int
	notes    []string // what is odd about it, for the log
}

func (f *facts) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// reset stops the device and waits until it has stopped: then it touches no
// memory (section 4.2.3.1.1).
func reset(t transport) error {
	t.setStatus(0)
	for range resetPolls {
		if t.status() == 0 {
			return nil
		}
		runtime.Gosched()
	}
	return fmt.Errorf("the device does not reset: status is still %#02x", t.status())
}

// negotiate resets the device and agrees with it on features (section 3.1.1,
// steps 1 to 6). payload is the largest network packet that a buffer holds.
func negotiate(t transport, payload int) (facts, error) {
	if err := reset(t); err != nil {
		return facts{}, err
	}
	t.setStatus(statusAcknowledge)
	t.setStatus(statusAcknowledge | statusDriver)
	offered := t.deviceFeatures()
	if offered&featureVersion1 == 0 {
		t.setStatus(statusFailed)
		return facts{}, errors.New("the device does not offer VERSION_1: legacy devices are not supported")
	}
	f := facts{features: offered & wanted, mtuBytes: defaultMTU}
	if err := f.readConfig(t, payload); err != nil {
		t.setStatus(statusFailed)
		return facts{}, err
	}
	t.setDriverFeatures(f.features)
	t.setStatus(statusAcknowledge | statusDriver | statusFeaturesOK)
	if t.status()&statusFeaturesOK == 0 {
		t.setStatus(statusFailed)
		return facts{}, fmt.Errorf("the device refuses the features %s; it also offers %s",
			featureList(f.features), featureList(offered&^f.features))
	}
	return f, nil
}

// readConfig reads the fields that the features promise, and takes back those
// features whose fields cannot be used.
func (f *facts) readConfig(t transport, payload int) error {
	var mac nic.MAC
	var mtu int
	err := stable(t, func() {
		if f.features&featureMAC != 0 {
			mac = configMAC(t)
		}
		if f.features&featureMTU != 0 {
			mtu = int(t.config16(configMTUOffset))
		}
	})
	if err != nil {
		return err
	}
	if f.features&featureMAC != 0 {
		if mac == (nic.MAC{}) || mac[0]&1 != 0 {
			f.note("the device's address %x is no station's address: ignored", mac[:])
			f.features &^= featureMAC
		} else {
			f.mac = mac
		}
	}
	if f.features&featureMTU != 0 {
		switch {
		case mtu < leastMTU:
			f.note("the device's MTU of %d bytes is below %d: ignored", mtu, leastMTU)
			f.features &^= featureMTU
		case mtu > payload:
			// Who accepts MTU must supply buffers that hold such a packet
			// (section 5.1.4.2), so it is not accepted.
			f.note("the device's MTU of %d bytes exceeds the buffers: lowered to %d", mtu, payload)
			f.features &^= featureMTU
			f.mtuBytes = payload
		default:
			f.mtuBytes = mtu
		}
	}
	return nil
}

// carrier reads the state of the link. It is not CarrierUnknown once STATUS is
// agreed upon (section 5.1.4).
func carrier(t transport, features uint64) (nic.Carrier, error) {
	if features&featureStatus == 0 {
		return nic.CarrierUnknown, nil
	}
	var status uint16
	if err := stable(t, func() { status = t.config16(configStatusOffset) }); err != nil {
		return nic.CarrierUnknown, err
	}
	if status&configLinkUp == 0 {
		return nic.CarrierDown, nil
	}
	return nic.CarrierUp, nil
}

// stable calls read until the configuration did not change meanwhile (section
// 2.5.3): fields of more than one access would else be torn.
func stable(t transport, read func()) error {
	before := t.generation()
	for range generationTries {
		read()
		after := t.generation()
		if after == before {
			return nil
		}
		before = after
	}
	return errors.New("the device's configuration does not come to rest")
}
