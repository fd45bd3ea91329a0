package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"reflect"
	"strings"

	"golang.org/x/sys/unix"
)

const onlyThere = "only the image has it"

// code is an address among the image's instructions, whole pages.
func code() uintptr { return reflect.ValueOf(crash).Pointer() &^ (page - 1) }

// mapDevice maps one page of a file of the kernel.
func mapDevice(path string, offset, length uintptr) (area, string) {
	fd := must(unix.Open(path, unix.O_RDWR, 0))
	defer unix.Close(fd)
	a, e := call(unix.SYS_MMAP, 0, length, readWrite, unix.MAP_SHARED, uintptr(fd), offset)
	return area(a), name(e)
}

// imageChecks are of what Linux does not have: firmware's files, devices, and
// the image's own memory, in which the kernel lies.
var imageChecks = []check{
	{name: "device tree", why: onlyThere, image: "whole", ask: func() string {
		b := must(os.ReadFile("/sys/firmware/fdt"))
		if len(b) < 8 || binary.BigEndian.Uint32(b) != 0xd00dfeed || int(binary.BigEndian.Uint32(b[4:])) != len(b) {
			return fmt.Sprint(len(b), " bytes of something else")
		}
		return "whole"
	}},
	{name: "device tree in pieces", why: onlyThere, image: "the same", ask: func() string {
		f := must(os.Open("/sys/firmware/fdt"))
		defer f.Close()
		var b []byte
		for piece := make([]byte, 1000); ; {
			n, err := f.Read(piece)
			if b = append(b, piece[:n]...); err != nil {
				break
			}
		}
		return yesNo(string(b) == string(must(os.ReadFile("/sys/firmware/fdt"))), "the same", "not the same")
	}},
	{name: "initial ramdisk", why: onlyThere, image: "what the test gave", ask: func() string {
		return string(must(os.ReadFile("/sys/firmware/initrd")))
	}},
	{name: "interrupts that one cannot have", why: onlyThere, image: "ENOENT ENOENT ENOENT ENOENT ENOENT EACCES", ask: func() string {
		return strings.Join([]string{open("/dev/irq/"), open("/dev/irq/x"), open("/dev/irq/27"), open("/dev/irq/1020"),
			open("/dev/irq/99999999999999999999"), open("/dev/irq/33")}, " ")
	}},
	{name: "interrupt", why: onlyThere, image: "EACCES EAGAIN EINVAL 4 EINVAL file", ask: func() string {
		fd := uintptr(must(unix.Open("/dev/irq/200", unix.O_RDWR, 0)))
		a := place(0, 1)
		*a.half(0) = 1
		*a.half(4) = 2
		answer := []string{open("/dev/irq/200"), result(call(unix.SYS_READ, fd, uintptr(a)+8, 4)), result(call(unix.SYS_READ, fd, uintptr(a)+8, 3)),
			result(call(unix.SYS_WRITE, fd, uintptr(a), 4)), result(call(unix.SYS_WRITE, fd, uintptr(a)+4, 4))}
		call(unix.SYS_CLOSE, fd)
		return strings.Join(append(answer, open("/dev/irq/200")), " ")
	}},
	{name: "memory as a device", why: onlyThere, image: "EACCES EACCES EACCES", ask: func() string {
		_, ram := mapDevice("/dev/mem", 0x4000_0000, page)
		_, over := mapDevice("/dev/mem", 0x3fff_f000, 2*page)
		_, beyond := mapDevice("/dev/mem", 1<<40, page)
		return ram + " " + over + " " + beyond
	}},
	{name: "registers that go again", why: onlyThere, image: "0 0 fault at +0x0, 0", ask: func() string {
		// Large and aligned: 4 MiB of the machine's PCI window.
		a, e := mapDevice("/dev/mem", 0x1000_0000, 4<<20)
		unmap := result(call(unix.SYS_MUNMAP, uintptr(a), 4<<20))
		again := a.read(0)
		r, e2 := mmap(uintptr(a), page, readWrite, private|unix.MAP_FIXED)
		*area(r).byte(0) = 1
		call(unix.SYS_MUNMAP, r, page)
		return e + " " + unmap + " " + again + ", " + name(e2)
	}},
	{name: "registers as a system call's memory", why: onlyThere, image: "EFAULT EFAULT", ask: func() string {
		a, _ := mapDevice("/dev/mem", 0x0900_0000, page)
		return result(call(unix.SYS_WRITE, newEvent(0), uintptr(a)+1, 8)) + " " + result(call(unix.SYS_READ, newEvent(1), uintptr(a)+1, 8))
	}},
	{name: "advice on registers", why: onlyThere, image: "EINVAL EACCES", ask: func() string {
		a, _ := mapDevice("/dev/mem", 0x0900_0000, page)
		return result(call(unix.SYS_MADVISE, uintptr(a), page, unix.MADV_DONTNEED)) + " " +
			result(call(unix.SYS_MPROTECT, uintptr(a), page, unix.PROT_READ))
	}},
	{name: "memory for devices", why: onlyThere, image: "0, 3 pages in a row, zero, ENOTTY EFAULT EFAULT", ask: deviceMemory},
	{name: "memory for devices comes back", why: onlyThere, image: "all", ask: func() string {
		return returned(func() {
			for i := range uintptr(200) {
				a, e := mapDevice("/dev/dma", 0, (1+i%300)*page)
				if e != "0" {
					panic(e)
				}
				call(unix.SYS_MUNMAP, uintptr(a), (1+i%300)*page)
			}
		})
	}},
	{name: "more than a block for devices", why: onlyThere, image: "EINVAL", ask: func() string {
		_, e := mapDevice("/dev/dma", 0, 4<<20+1)
		return e
	}},
	{name: "the image's own memory", why: onlyThere, image: "EPERM EPERM EACCES EINVAL EPERM", ask: func() string {
		constant := uintptr(text("constant")) &^ (page - 1)
		_, e := mmap(code(), page, readWrite, private|unix.MAP_FIXED)
		return strings.Join([]string{
			name(e), result(call(unix.SYS_MUNMAP, code(), page)), result(call(unix.SYS_MPROTECT, constant, page, readWrite)),
			result(call(unix.SYS_MADVISE, constant, page, unix.MADV_DONTNEED)), result(call(unix.SYS_MUNMAP, 0, 1<<47)),
		}, " ")
	}},
}

// deviceMemory maps three pages and asks for their physical addresses.
func deviceMemory() string {
	const address = 0xc0084201 // kernel/device.go
	fd := uintptr(must(unix.Open("/dev/dma", unix.O_RDWR, 0)))
	defer call(unix.SYS_CLOSE, fd)
	a, e := call(unix.SYS_MMAP, 0, 3*page, readWrite, unix.MAP_SHARED, fd, 0)
	m := area(a)
	zero := strings.Trim(string(m.bytes(0, 3*page)), "\x00") == ""
	b := place(0, 1)
	ask := func(at uintptr) (uint64, string) {
		*b.word(0) = uint64(at)
		r := result(call(unix.SYS_IOCTL, fd, address, uintptr(b)))
		return *b.word(0), r
	}
	p0, _ := ask(a)
	p1, _ := ask(a + page)
	p2, _ := ask(a + 2*page + 8)
	row := p1 == p0+page && p2 == p0+2*page+8
	_, noMemory := ask(zone + 99*page)
	_, kernel := ask(0xffff_0000_4020_0000)
	other := result(call(unix.SYS_IOCTL, fd, 1, uintptr(b)))
	call(unix.SYS_MUNMAP, a, 3*page)
	return fmt.Sprint(name(e), ", ", yesNo(row, "3 pages in a row", "scattered"), ", ", yesNo(zero, "zero", "not zero"), ", ", other, " ", noMemory, " ", kernel)
}
