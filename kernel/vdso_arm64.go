package kernel

import "barewire/kernel/mem"

// The vDSO is an ELF image of one page in which the runtime finds
// clock_gettime, and so asks the time without a trap. Offsets in the page:
const (
	vdsoDynamic = 0x200
	vdsoStrings = 0x300
	vdsoSymbols = 0x340
	vdsoHash    = 0x3a0
	vdsoVersion = 0x3c0
	vdsoCode    = 0x800
	vdsoData    = vdsoCode + 256
)

// makeVDSO builds the page and returns its address for the program, 0 when
// there is no memory for it: the program then asks by system call. The page
// holds nothing else, because the runtime takes a signal whose pc is in it for
// one inside clock_gettime.
func makeVDSO(image *symbols) uint64 {
	frame, ok := zeroFrame()
	if !ok {
		return 0
	}
	addr, ok := regions.Gap(mem.PageSize, mmapLo, mmapHi)
	prot := mem.ProtRead | mem.ProtExec
	if !ok || !regions.Insert(mem.Region{Lo: addr, Hi: addr + mem.PageSize, Prot: prot, Kind: mem.Fixed}) ||
		!mapRange(addr, addr+mem.PageSize, frame, descriptor(prot, mem.Fixed)) {
		return 0
	}
	p := uint64(directMap) + frame
	writeVDSOHeaders(p)
	storeString(p+vdsoStrings+1, "__kernel_clock_gettime")
	for i := uint64(0); i < vdsoData-vdsoCode; i += 8 {
		store64(p+vdsoCode+i, load64(image.clock+i))
	}
	store64(p+vdsoData, started)
	store64(p+vdsoData+8, epoch)
	syncCode(uintptr(p), mem.PageSize)
	return addr
}

// writeVDSOHeaders writes what runtime/vdso_linux.go reads (System V ABI, ELF).
func writeVDSOHeaders(p uint64) {
	store64(p, 0x00010102464c457f)   // ELF, 64 bits, little endian
	store64(p+16, 3|183<<16|1<<32)   // ET_DYN, EM_AARCH64
	store64(p+32, 64)                // e_phoff
	store64(p+52, 64|56<<16|2<<32)   // e_ehsize, e_phentsize, e_phnum
	load, dynamic := p+64, p+64+56   // two program headers
	store64(load, 1|5<<32)           // PT_LOAD, R X; offset and address 0
	store64(load+32, mem.PageSize)   // p_filesz
	store64(load+40, mem.PageSize)   // p_memsz
	store64(dynamic, 2|4<<32)        // PT_DYNAMIC
	store64(dynamic+8, vdsoDynamic)  // p_offset
	store64(dynamic+16, vdsoDynamic) // p_vaddr
	tags := [...]uint64{
		5, vdsoStrings, // DT_STRTAB
		6, vdsoSymbols, // DT_SYMTAB
		4, vdsoHash, // DT_HASH
		0x6ffffffc, vdsoVersion, // DT_VERDEF: read unchecked by the runtime
		0, 0,
	}
	for i, v := range tags {
		store64(p+vdsoDynamic+uint64(i)*8, v)
	}
	// Symbol 1: name 1, FUNC GLOBAL, section 1, the code.
	store64(p+vdsoSymbols+24, 1|0x12<<32|1<<48)
	store64(p+vdsoSymbols+32, vdsoCode)
	store64(p+vdsoSymbols+40, vdsoData-vdsoCode)
	// Hash table: one bucket, two symbols; the bucket holds symbol 1.
	store64(p+vdsoHash, 1|2<<32)
	store64(p+vdsoHash+8, 1)
	// One version definition, VER_FLG_BASE, none behind it.
	store64(p+vdsoVersion, 1|1<<16|1<<32|1<<48)
}

// processorFeatures is AT_HWCAP (Linux arch/arm64/include/uapi/asm/hwcap.h) from
// ID_AA64ISAR0_EL1 (Arm ARM D17.2.61).
func processorFeatures() uint64 {
	const (
		hwFP, hwASIMD, hwAES, hwPMULL, hwSHA1, hwSHA2 = 1 << 0, 1 << 1, 1 << 3, 1 << 4, 1 << 5, 1 << 6
		hwCRC32, hwATOMICS, hwCPUID, hwSHA3, hwSHA512 = 1 << 7, 1 << 8, 1 << 11, 1 << 17, 1 << 21
	)
	has := uint64(hwFP | hwASIMD | hwCPUID)
	id := instructionFeatures()
	for _, f := range [...]struct {
		shift uint
		least uint64
		bit   uint64
	}{
		{4, 1, hwAES}, {4, 2, hwPMULL}, {8, 1, hwSHA1}, {12, 1, hwSHA2}, {12, 2, hwSHA512},
		{16, 1, hwCRC32}, {20, 2, hwATOMICS}, {32, 1, hwSHA3},
	} {
		if id>>f.shift&15 >= f.least {
			has |= f.bit
		}
	}
	return has
}
