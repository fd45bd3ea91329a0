// Mkimage turns the linked ELF of an image into what a machine boots: a flat
// arm64 Image with the header of Linux's boot protocol, which QEMU -kernel,
// U-Boot booti and virtual machine monitors load.
//
//	mkimage -o barewire.img barewire.elf
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "", "file to write")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: mkimage -o IMAGE ELF")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *out == "" || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *out); err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	l, err := readLinked(in)
	if err != nil {
		return err
	}
	image, err := arm64Image(l)
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	return os.WriteFile(out, image, 0o644)
}
