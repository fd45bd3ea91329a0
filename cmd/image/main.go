//go:build arm64

// Image is the appliance: the one program that runs on the machine. It opens
// the ports, configures a namespace with them, and gives the operator a console.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"barewire/config"
	"barewire/console"
	_ "barewire/kernel"
	"barewire/kernel/dev"
	"barewire/router"
	"barewire/stack"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "barewire:", err)
		os.Exit(1)
	}
}

func run() error {
	pool, err := newPool()
	if err != nil {
		return err
	}
	r := router.New(router.Options{Pool: pool})
	n, err := stack.New("default", r, nil)
	if err != nil {
		return err
	}
	shell := console.New(console.Options{
		Input:     os.Stdin,
		Output:    os.Stdout,
		Namespace: n,
		Machine:   console.Machine{Uptime: dev.Uptime, Memory: memory, PowerOff: dev.PowerOff, Reboot: dev.Restart},
	})
	logf := func(format string, args ...any) { fmt.Fprintf(shell, format+"\n", args...) }

	// The first packet cannot be received before the configuration is in force:
	// it is the configuration that brings the links up.
	addPorts(r, pool, logf)
	r.OnFirstForward(func() {
		at := dev.Uptime()
		go logf("first packet forwarded %v after the kernel's start", at.Round(10*time.Microsecond))
	})
	configure(n, logf)
	background(n, logf)
	go func() {
		if err := r.Run(context.Background()); err != nil {
			logf("router: %v", err)
		}
	}()
	logf("barewire ready in %v", dev.Uptime().Round(10*time.Microsecond))
	return shell.Run(context.Background())
}

// configure applies the file that came as the initial ramdisk, or else the
// built-in default. What is wrong with a file is said, and none of it is used.
func configure(n *stack.Namespace, logf func(string, ...any)) {
	ports := config.Ports(n)
	desired := config.Default(ports)
	file, err := dev.Initrd()
	if err == nil && file != nil {
		var fromFile config.Desired
		if fromFile, err = config.Load("initrd", file, ports); err == nil {
			desired = fromFile
		}
	}
	if err != nil {
		logf("%v", err)
		logf("initrd: not used: the built-in configuration is")
	}
	if err := config.Apply(n, desired); err != nil {
		logf("configuration: %v", err)
	}
}

func memory() console.Memory {
	m, err := dev.ReadMemory()
	if err != nil {
		io.WriteString(os.Stderr, err.Error()+"\n")
	}
	return console.Memory{Total: m.Total, Free: m.Free}
}
