#!/usr/bin/env python3
"""Runs kernels of AMD code objects in the instruction emulator of a tinygrad checkout ($TINYGRAD_DIR).

  amd_emulator.py JOBS.json

The file holds a list of jobs: {"operands": [FILE or null, ...], "stages": [{"code": FILE, "kernel": NAME,
"grid": [X, Y, Z], "block": THREADS, "shared": BYTES}, ...]}. An operand is a pointer argument of every stage's kernel: a
buffer filled from the file, and written back to it after the last stage. Each job prints one line, "ok" or what is wrong.
Buffers have guard bytes around them: a store just outside of one is noticed."""
import ctypes
import inspect
import json
import mmap
import os
import struct
import sys
from pathlib import Path

GUARD = 4096
PATTERN = b"\xa5"

# The emulator has one interpreter for each family of instructions. By EF_AMDGPU_MACH of e_flags
# (LLVM, "User Guide for AMDGPU Backend").
FAMILIES = {"cdna": {0x3F, 0x4C, 0x4F}, "rdna3": {0x41, 0x44, 0x46, 0x47, 0x4A, 0x43}, "rdna4": {0x48, 0x4E}}


# Instructions that only manage caches, which the emulator does not have: first words, and bytes of the instruction.
CACHE_INSTRUCTIONS = {
    "cdna": {0xE0A48000: 8, 0xE0A40000: 8, 0xE0A08000: 8, 0xE0A00000: 8},  # buffer_inv, buffer_wbl2
    "rdna3": {0xE0AC0000: 8, 0xE0B00000: 8},  # buffer_gl0_inv, buffer_gl1_inv
    "rdna4": {0xEE0AC07C: 12, 0xEE0B007C: 12, 0xEE13C07C: 12},  # global_inv, global_wb, global_wbinv
}
S_NOP = 0xBF800000


class CodeObject:
    """An ELF image with its segments where they ask to be, relative to each other."""

    def __init__(self, path):
        data = Path(path).read_bytes()
        if data[:5] != b"\x7fELF\x02":
            raise ValueError(f"{path}: not a code object")
        program_headers, sections = struct.unpack_from("<QQ", data, 32)
        (flags,) = struct.unpack_from("<I", data, 48)
        program_header_count, _, section_count = struct.unpack_from("<HHH", data, 56)
        families = [name for name, machines in FAMILIES.items() if flags & 0xFF in machines]
        if not families:
            raise ValueError(f"{path}: the emulator does not know this chip")
        self.family = families[0]
        segments = [struct.unpack_from("<IIQQQQQQ", data, program_headers + 56 * i) for i in range(program_header_count)]
        loads = [(offset, address, size, memory) for kind, _, offset, address, _, size, memory, _ in segments if kind == 1]
        self.memory = ctypes.create_string_buffer(max(address + memory for _, address, _, memory in loads) + GUARD)
        # Instructions are fetched and descriptors are found relative to a page.
        self.base = ctypes.addressof(self.memory)
        for offset, address, size, _ in loads:
            ctypes.memmove(self.base + address, data[offset : offset + size], size)
        self.symbols = dict(self._symbols(data, sections, section_count))

    @staticmethod
    def _symbols(data, sections, count):
        table = [struct.unpack_from("<IIQQQQIIQQ", data, sections + 64 * i) for i in range(count)]
        for _, kind, _, _, offset, size, link, _, _, entry in table:
            if kind != 11:  # SHT_DYNSYM
                continue
            names = table[link][4]
            for at in range(offset, offset + size, entry):
                name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", data, at)
                yield data[names + name : data.index(b"\0", names + name)].decode(), value

    def descriptor(self, kernel):
        if kernel + ".kd" not in self.symbols:
            raise ValueError(f"no kernel {kernel} in the code object")
        return self.base + self.symbols[kernel + ".kd"]


class Operand:
    def __init__(self, path):
        self.path = path
        self.size = Path(path).stat().st_size
        self.buffer = ctypes.create_string_buffer(PATTERN * GUARD + Path(path).read_bytes() + PATTERN * GUARD)
        self.address = ctypes.addressof(self.buffer) + GUARD

    def intact(self):
        raw = self.buffer.raw
        return raw[:GUARD] == PATTERN * GUARD and raw[GUARD + self.size : 2 * GUARD + self.size] == PATTERN * GUARD

    def save(self):
        Path(self.path).write_bytes(self.buffer.raw[GUARD : GUARD + self.size])


def user_registers(properties, arguments):
    """The scalar registers a wave starts with, as the kernel descriptor asks for them."""
    registers = [0] * ((4 if properties & 1 else 0) + (2 if properties & 2 else 0) + (2 if properties & 4 else 0))
    if properties & 8:
        registers += [arguments & 0xFFFFFFFF, arguments >> 32]
    return registers


def launch(stage, addresses, objects, run_asm):
    if stage["code"] not in objects:
        objects[stage["code"]] = CodeObject(stage["code"])
    code = objects[stage["code"]]
    descriptor = code.descriptor(stage["kernel"])
    fields = bytes((ctypes.c_uint8 * 64).from_address(descriptor))
    shared, private = struct.unpack_from("<II", fields, 0)
    (entry,) = struct.unpack_from("<q", fields, 16)
    (resources,) = struct.unpack_from("<I", fields, 52)
    (properties,) = struct.unpack_from("<H", fields, 56)
    # The packet processor fills in GRANULATED_LDS_SIZE: blocks of 512 bytes.
    resources = resources & ~(0x1FF << 15) | (shared + stage["shared"] + 511) // 512 << 15
    packed = b"".join(struct.pack("<Q", address) for address in addresses)
    arguments = ctypes.create_string_buffer(packed, len(packed) + 256)
    address = ctypes.addressof(arguments)
    run_asm(descriptor + entry, 1 << 20, *stage["grid"], stage["block"], 1, 1, address, resources, private, code.family,
            user_registers(properties, address))


def run(job, objects, run_asm):
    operands = [Operand(path) if path else None for path in job["operands"]]
    for stage in job["stages"]:
        launch(stage, [operand.address if operand else 0 for operand in operands], objects, run_asm)
        for number, operand in enumerate(operands):
            if operand and not operand.intact():
                raise ValueError(f"{stage['kernel']} stored outside of operand {number}")
    for operand in operands:
        if operand:
            operand.save()


def replace_cache_instructions(emulator):
    """Writes s_nop over an instruction that manages caches before the emulator sees it."""
    decode = emulator._decode_at

    def decode_at(address, family):
        word = ctypes.c_uint32.from_address(address)
        for offset in range(0, CACHE_INSTRUCTIONS[family].get(word.value, 0), 4):
            ctypes.c_uint32.from_address(address + offset).value = S_NOP
        return decode(address, family)

    emulator._decode_at = decode_at


def give_shared_memory_all_addresses(emulator):
    """The emulator touches shared memory for lanes that are switched off as well, at whatever their address register
    holds: it reads, and stores what is there already. A region for every address of 32 bits makes that harmless."""
    region = mmap.mmap(-1, (1 << 32) + GUARD, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    first = ctypes.c_char.from_buffer(region)  # keeps it alive
    buffer = emulator.Buffer

    def make(device, size, dtype, options=None, **others):
        shared = options is None and inspect.currentframe().f_back.f_code.co_name == "run_asm" and dtype.itemsize == 4
        return buffer(device, size, dtype, options=emulator.BufferSpec(external_ptr=ctypes.addressof(first)) if shared else options, **others)

    emulator.Buffer = make


def take_constants_as_addends(emulator):
    """The emulator's WMMA reads an inline constant C, which the compilers use for zero, as the vector register of that
    number (128 for 0)."""
    read = "ctx.rvgpr_dyn(src2_r + _c(vgpr), UOp.const(lane, dtypes.int))"
    chosen = f"(ctx.inst_field(type(inst).src2) >= 256).where({read}, ctx.rsgpr_dyn(src2_r))"
    exec(inspect.getsource(emulator._compile_wmma).replace(read, chosen), vars(emulator))


def return_values_of_atomics(emulator):
    """The emulator takes an atomic for one that returns the former value by the bit glc, which is RDNA3's; it is called sc0
    on CDNA, and is the lowest bit of th on RDNA4."""
    attribute = emulator._iattr

    def or_its_other_names(inst, name, default=0):
        value = attribute(inst, name, default)
        return value or attribute(inst, "sc0") or attribute(inst, "th") & 1 if name == "glc" else value

    emulator._iattr = or_its_other_names


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    checkout = os.environ.get("TINYGRAD_DIR")
    if not checkout:
        sys.exit("TINYGRAD_DIR is not set: a checkout of tinygrad has the emulator")
    sys.path.insert(0, checkout)
    from test.mockgpu.amd import emu

    replace_cache_instructions(emu)
    give_shared_memory_all_addresses(emu)
    take_constants_as_addends(emu)
    return_values_of_atomics(emu)
    objects = {}
    for job in json.loads(Path(sys.argv[1]).read_text()):
        try:
            run(job, objects, emu.run_asm)
            print("ok", flush=True)
        except Exception as error:
            print(" ".join(f"{type(error).__name__}: {error}".split()), flush=True)


if __name__ == "__main__":
    main()
