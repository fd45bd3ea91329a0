# Barewire: `make run` boots the image in QEMU, `make test` runs every test.

BOARD ?= virt
GO    ?= go

# -T must be 0x1000 above a multiple of 64 KiB, or the linker writes a broken
# ELF and reports no error; mkimage checks what came of it.
TEXT_virt = 0x40201000
ARCH_virt = arm64

TEXT := $(TEXT_$(BOARD))
ARCH := $(ARCH_$(BOARD))
ifeq ($(TEXT),)
$(error BOARD=$(BOARD): no such board; there is: virt)
endif

OUT     := build/$(BOARD)
LDFLAGS := -T $(TEXT) -E barewire/kernel.entry
BUILD   := GOOS=linux GOARCH=$(ARCH) CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)"

# The appliance, and what the tests in qemu/ boot.
IMAGES          := barewire soak syscalls
SOURCE_barewire := ./cmd/image
SOURCE_soak     := -tags soak ./cmd/image
SOURCE_syscalls := ./qemu/syscalls

QEMU := qemu-system-aarch64 -M virt -cpu cortex-a72 -m 128 -global virtio-mmio.force-legacy=false

.PHONY: run test bench fuzz soak image lint help tools FORCE
.SECONDARY:

run: image tools ## boot the image, each port on a user network of QEMU's
	$(QEMU) -nographic -no-reboot -kernel $(OUT)/barewire.img \
	  -netdev user,id=wan -device virtio-net-device,netdev=wan \
	  -netdev user,id=lan,net=192.168.1.0/24,host=192.168.1.2,dns=192.168.1.3 -device virtio-net-device,netdev=lan

image: $(IMAGES:%=$(OUT)/%.img) ## build the image of BOARD into build/BOARD/barewire.img

# Go knows better than file times what must be built again: FORCE asks it.
$(OUT)/%.elf: FORCE
	@mkdir -p $(OUT)
	$(BUILD) -o $@ $(SOURCE_$*)

$(OUT)/%.img: $(OUT)/%.elf
	$(GO) run ./cmd/mkimage -o $@ $<

FORCE:

test: image tools lint ## every test, boots included; under 10 minutes
	@# Boots by themselves: an emulated machine takes the processors that other tests count on.
	@# Never from the cache: it does not see the sources of images that tests build and boot.
	$(GO) test -count=1 -timeout 15m $$($(GO) list ./... | grep -v /qemu)
	$(GO) test -count=1 -timeout 15m ./qemu/...

bench: image tools ## benchmarks: the data plane natively, boot and packets through QEMU
	$(GO) test -run '^$$' -bench . -benchmem ./packet ./nic ./router ./drivers/... ./board/... ./kernel/mem
	$(GO) test -run '^$$' -bench . ./qemu

FUZZTIME ?= 30s
fuzz: ## each fuzz test for FUZZTIME
	@set -e; for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p; done; done

soak: image tools ## an hour each of garbage collection with packets, of bursts and of floods
	BAREWIRE_SOAK=1h $(GO) test -timeout 4h -run 'TestSoak|TestBursts|TestFlood' -v ./qemu

lint: ## vet and staticcheck for every architecture that is built
	$(GO) vet ./...
	GOOS=linux GOARCH=arm64 $(GO) vet ./...
	@# The tool is built for this machine before it looks at another's code.
	tool=$$($(GO) tool -n staticcheck) && $$tool ./... && GOOS=linux GOARCH=arm64 $$tool ./...

tools: # QEMU and what plays the hosts, installed where that is possible
	@sh tools/need.sh

help: ## this text
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile
