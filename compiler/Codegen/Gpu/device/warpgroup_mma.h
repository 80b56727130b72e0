// Matrix instructions of a warpgroup (wgmma, sm_90a): d += A B of tiles of bf16 or f16 in shared memory, f32 sums in
// registers, by 128 threads that begin at a multiple of 128. They run beside the threads: between the first add and the
// wait that covers the last one nobody touches d or writes to the tiles.
//
// A is 64 rows, B `columns` rows, both along k: rows of 128 bytes, chunk c of row r at place c ^ (r % 8), which is the
// 128-byte swizzle that the descriptor names; the first row lies at a multiple of 1024 bytes. An instruction takes 16
// of k, 32 bytes of each row.
//   d[i] of thread t: row t / 32 * 16 + t % 32 / 4 + 8 * (i / 2 % 2), column i / 4 * 8 + t % 4 * 2 + i % 2
//
// The printer declares struct WarpgroupInstruction, whose `add` is the instruction itself: its operands are a list of
// columns / 2 registers.
#pragma once
#include "compiler/Codegen/Gpu/device/async.h"

// "Matrix descriptor" in the PTX ISA, all lengths in units of 16 bytes: bits 0 to 13 the address, 16 to 29 the leading
// dimension's offset (not used with a swizzle where rows lie along k: 1), 32 to 45 the offset from 8 rows to the next
// 8, 62 and 63 the swizzle: 1 is 128 bytes.
enum { descriptorStepOfK = 32 / 16 };
QUIPU_DEVICE u64 tileDescriptor(const void *rows) {
  return u64(sharedAddress(rows) >> 4) | u64(1) << 16 | u64(1024 / 16) << 32 | u64(1) << 62;
}

// The compiler is told to align dynamic shared memory to 1024 bytes (QUIPU_DYNAMIC_SHARED), and no kernel has static
// shared memory in front of it. Should a driver place it elsewhere all the same, no wrong product comes of it.
QUIPU_DEVICE void requireTileAlignment(const void *shared) {
#if !QUIPU_SIMT
  if (sharedAddress(shared) % 1024 != 0)
    asm volatile("trap;");
#endif
}

#if QUIPU_SIMT
struct WarpgroupOperands {
  u64 a, b;
  bool accumulate;
  float *d;
};

// The element of a row as the hardware finds it: the swizzle is a function of the address.
template <class T> static float describedElement(u64 descriptor, int row, int k) {
  u32 start = u32(descriptor & 0x3fff) << 4, eightRows = u32(descriptor >> 32 & 0x3fff) << 4;
  u32 place = start + row / 8 * eightRows + row % 8 * 128 + k * 2;
  place ^= (place >> 7 & 7) << 4;
  return widen(*(const T *)(simtDynamicShared() + place));
}

template <class T, int columns> static void emulateWarpgroupMma(void *const *lanes, int count) {
  const WarpgroupOperands &first = *(const WarpgroupOperands *)lanes[0];
  for (int t = 0; t < count; ++t) {
    const WarpgroupOperands &own = *(const WarpgroupOperands *)lanes[t];
    if (own.a != first.a || own.b != first.b || own.accumulate != first.accumulate)
      simtFail("gives other operands to wgmma than the rest of its warpgroup");
  }
  if (first.a >> 62 != 1 || first.b >> 62 != 1 || ((first.a | first.b) >> 49 & 7) != 0)
    simtFail("describes tiles to wgmma that are not swizzled by 128 bytes");
  float a[64][16], b[columns][16];
  for (int k = 0; k < 16; ++k) {
    for (int row = 0; row < 64; ++row)
      a[row][k] = describedElement<T>(first.a, row, k);
    for (int row = 0; row < columns; ++row)
      b[row][k] = describedElement<T>(first.b, row, k);
  }
  for (int t = 0; t < count; ++t)
    for (int i = 0; i < columns / 2; ++i) {
      int row = t / 32 * 16 + t % 32 / 4 + 8 * (i / 2 % 2), column = i / 4 * 8 + t % 4 * 2 + i % 2;
      float sum = first.accumulate ? ((WarpgroupOperands *)lanes[t])->d[i] : 0;
      for (int k = 0; k < 16; ++k)
        sum += a[row][k] * b[column][k];
      ((WarpgroupOperands *)lanes[t])->d[i] = sum;
    }
}
#endif

template <class T, int columns> struct WarpgroupProduct {
  enum { sums = columns / 2 };
  float d[sums];

#if QUIPU_SIMT
  // The host multiplies as late as the program allows: at the wait.
  WarpgroupOperands pending[16];
  int groupOf[16];
  int count = 0, groups = 0;

  void begin() {}
  void add(u64 a, u64 b, bool accumulate) {
    if (count == 16)
      simtFail("has more than 16 wgmma under way");
    groupOf[count] = groups;
    pending[count++] = {a, b, accumulate, d};
  }
  void commit() { ++groups; }
  template <int newest> void wait() {
    int done = 0;
    for (; done < count && groupOf[done] + newest < groups; ++done)
      simtCollective(128, emulateWarpgroupMma<T, columns>, &pending[done]);
    for (int i = done; i < count; ++i)
      pending[i - done] = pending[i], groupOf[i - done] = groupOf[i];
    count -= done;
  }
#else
  // What threads wrote to d and to registers before is seen by the instructions that follow.
  QUIPU_DEVICE_MEMBER void begin() {
    keepInRegisters();
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  }
  // Not accumulate: d = A B.
  QUIPU_DEVICE_MEMBER void add(u64 a, u64 b, bool accumulate) { WarpgroupInstruction::add(d, a, b, accumulate); }
  // Closes a group of what was added.
  QUIPU_DEVICE_MEMBER void commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
  // Until at most the `newest` groups are under way; d may be read after wait<0>.
  template <int newest> QUIPU_DEVICE_MEMBER void wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(newest) : "memory");
    if (newest == 0)
      keepInRegisters();
  }
  // The compiler does not know that d changes meanwhile: no use of it moves across this.
  QUIPU_DEVICE_MEMBER void keepInRegisters() {
#pragma unroll
    for (int i = 0; i < sums; ++i)
      asm volatile("" : "+f"(d[i])::"memory");
  }
#endif
};

// Registers go from the warps that only start copies to those that hold sums; 0 leaves them. All warps of a warpgroup
// call it.
#if QUIPU_SIMT
template <int registers> QUIPU_DEVICE void takeRegisters() {}
template <int registers> QUIPU_DEVICE void giveRegisters() {}
#else
template <int registers> QUIPU_DEVICE void takeRegisters() {
  if (registers)
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers ? registers : 24));
}
template <int registers> QUIPU_DEVICE void giveRegisters() {
  if (registers)
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers ? registers : 24));
}
#endif
