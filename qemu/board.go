package qemu

import (
	"cmp"
	"fmt"
	"strconv"
)

// Board is a machine that QEMU emulates and an image is built for.
type Board struct {
	Name    string
	Command []string // QEMU and what makes the machine
	Device  string   // the network device's name for -device
}

// Boards are all that the tests run on.
var Boards = []Board{{
	Name:    "virt",
	Command: []string{"qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-global", "virtio-mmio.force-legacy=false"},
	Device:  "virtio-net-device",
}}

// Image is the file that make built for the board: "barewire", "soak" or "syscalls".
func (b Board) Image(name string) string { return "../build/" + b.Name + "/" + name + ".img" }

// memoryMiB is what tests give a machine that do not say otherwise.
const memoryMiB = 128

// arguments is QEMU's command line. Files passed to QEMU begin at descriptor 3;
// monitor is where its monitor listens.
func (b Board) arguments(o Options, monitor string) []string {
	memory := cmp.Or(o.MemoryMiB, memoryMiB)
	file := o.File
	if file == "" {
		file = b.Image(cmp.Or(o.Image, "barewire"))
	}
	args := append([]string(nil), b.Command[1:]...)
	args = append(args, "-m", strconv.Itoa(memory), "-display", "none", "-monitor", "unix:"+monitor+",server=on,wait=off", "-serial", "stdio",
		"-no-reboot", "-kernel", file)
	fd := 3
	for i, p := range o.Ports {
		backend := p.Backend
		if p.file != nil {
			backend = fmt.Sprintf(backend, fd)
			fd++
		}
		id := "port" + strconv.Itoa(i)
		device := b.Device + ",netdev=" + id
		if p.MAC != "" {
			device += ",mac=" + p.MAC
		}
		if p.Device != "" {
			device += "," + p.Device
		}
		args = append(args, "-netdev", backend+",id="+id, "-device", device)
	}
	return append(args, o.Arguments...)
}
