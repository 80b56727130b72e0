// The first of the device headers: types, qualifiers, indices, barriers, shuffles and fences. Everything that differs
// between the compilers (NVRTC, clang for CUDA and HIP without vendor headers, hiprtc) and the host shim is in this
// file, arithmetic.h, memory.h and the headers of matrix instructions; the kernels see the names alone.
//
// The printer defines QUIPU_NVIDIA or QUIPU_AMD, QUIPU_WAVE (32 or 64) and what the chip has: QUIPU_MMA_SYNC,
// QUIPU_WGMMA, QUIPU_MFMA, QUIPU_MFMA_WIDE, QUIPU_DOT_F16, QUIPU_WMMA_RDNA3, QUIPU_WMMA_RDNA4, QUIPU_CP_ASYNC,
// QUIPU_BULK_COPY, QUIPU_EARLY_START. The host shim defines QUIPU_SIMT and simt.h comes before this text.
#pragma once

#if !QUIPU_SIMT && !defined(__CUDACC_RTC__) && !defined(__HIPCC_RTC__)
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#endif

#if defined(__CUDACC_RTC__)
#pragma nv_diag_suppress 177 // functions a kernel does not use
#pragma nv_diag_suppress 128 // loops that a constant leaves out
#endif

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

// QUIPU_KERNEL(threads, blocks a unit should hold) name(...) {...}; QUIPU_DEVICE before every device function,
// QUIPU_DEVICE_MEMBER before one of a struct.
// QUIPU_DESCRIBE_KERNEL(arguments) behind the kernel: what a driver finds in other images, for the host.
// QUIPU_SHARED(type, name, count): shared memory of a size known here. QUIPU_DYNAMIC_SHARED(name): a u8 array of the
// launch's dynamic size, aligned to 1024 bytes; a kernel uses one of them, once.
#if QUIPU_SIMT
#define QUIPU_DEVICE static inline
#define QUIPU_DEVICE_MEMBER inline
#define QUIPU_KERNEL(threads, blocks) extern "C" __attribute__((visibility("default"))) void
#define QUIPU_DESCRIBE_KERNEL(arguments)                                                                               \
  extern "C" __attribute__((visibility("default"))) const int quipuSimtKernel[2] = {arguments, QUIPU_WAVE};
#define QUIPU_SHARED(type, name, count)                                                                                \
  static char name##Key;                                                                                               \
  type(&name)[count] = *(type(*)[count])simtSharedVariable(&name##Key, sizeof(type) * (count))
#define QUIPU_DYNAMIC_SHARED(name) u8 *const name = simtDynamicShared()
#else
#define QUIPU_DESCRIBE_KERNEL(arguments)
#define QUIPU_DEVICE static __device__ __forceinline__
#define QUIPU_DEVICE_MEMBER __device__ __forceinline__
#define QUIPU_SHARED(type, name, count) __shared__ type name[count]
#if QUIPU_NVIDIA && defined(__CUDACC_RTC__)
#define QUIPU_KERNEL(threads, blocks) extern "C" __global__ void __launch_bounds__(threads, blocks)
#define QUIPU_DYNAMIC_SHARED(name) extern __shared__ __align__(1024) u8 name[]
#elif QUIPU_NVIDIA
#define QUIPU_KERNEL(threads, blocks) extern "C" __global__ __attribute__((launch_bounds(threads, blocks))) void
#define QUIPU_DYNAMIC_SHARED(name) extern __shared__ __attribute__((aligned(1024))) u8 name[]
#else
// Without the vendor's headers launch_bounds alone leaves room for blocks of 1024 threads, with registers for no more.
#define QUIPU_KERNEL(threads, blocks)                                                                                  \
  extern "C" __global__ __attribute__((amdgpu_flat_work_group_size(threads, threads))) void
#define QUIPU_DYNAMIC_SHARED(name) extern __shared__ __attribute__((aligned(1024))) u8 name[]
#endif
#endif

// Index of each symbolic dim of the step in a kernel's `dims`.
enum StepDim { dimTokens = 0, dimSequences = 1, dimRows = 2, dimPageStride = 3 };

enum { waveWidth = QUIPU_WAVE };

QUIPU_DEVICE u32 floatBits(float value) {
  union {
    float value;
    u32 bits;
  } both;
  both.value = value;
  return both.bits;
}

QUIPU_DEVICE float bitsFloat(u32 bits) {
  union {
    u32 bits;
    float value;
  } both;
  both.bits = bits;
  return both.value;
}

#if QUIPU_SIMT
QUIPU_DEVICE int threadIndex() { return simtThreadIndex(); }
QUIPU_DEVICE int blockX() { return simtBlock(0); }
QUIPU_DEVICE int blockY() { return simtBlock(1); }
QUIPU_DEVICE int blockZ() { return simtBlock(2); }
#elif defined(__CUDACC_RTC__)
QUIPU_DEVICE int threadIndex() { return threadIdx.x; }
QUIPU_DEVICE int blockX() { return blockIdx.x; }
QUIPU_DEVICE int blockY() { return blockIdx.y; }
QUIPU_DEVICE int blockZ() { return blockIdx.z; }
#elif QUIPU_NVIDIA
QUIPU_DEVICE int threadIndex() { return __nvvm_read_ptx_sreg_tid_x(); }
QUIPU_DEVICE int blockX() { return __nvvm_read_ptx_sreg_ctaid_x(); }
QUIPU_DEVICE int blockY() { return __nvvm_read_ptx_sreg_ctaid_y(); }
QUIPU_DEVICE int blockZ() { return __nvvm_read_ptx_sreg_ctaid_z(); }
#else
QUIPU_DEVICE int threadIndex() { return __builtin_amdgcn_workitem_id_x(); }
QUIPU_DEVICE int blockX() { return __builtin_amdgcn_workgroup_id_x(); }
QUIPU_DEVICE int blockY() { return __builtin_amdgcn_workgroup_id_y(); }
QUIPU_DEVICE int blockZ() { return __builtin_amdgcn_workgroup_id_z(); }
#endif

QUIPU_DEVICE int laneIndex() { return threadIndex() % waveWidth; }
// The same for all lanes of a wave, which AMD's compilers must be told: addresses and branches become scalar.
#if QUIPU_AMD && !QUIPU_SIMT
QUIPU_DEVICE int waveIndex() { return __builtin_amdgcn_readfirstlane(threadIndex() / waveWidth); }
#else
QUIPU_DEVICE int waveIndex() { return threadIndex() / waveWidth; }
#endif

// blockBarrier: all threads of the block; what they wrote to shared and global memory before it is seen after it.
// waveBarrier: the same for the threads of a wave. groupBarrier(id, threads), NVIDIA alone: whole waves, `threads` in
// all, that call it with the same id (1 to 15).
// deviceFence: what this thread wrote is seen by other blocks before what it writes next.
#if QUIPU_SIMT
QUIPU_DEVICE void blockBarrier() { simtBarrier(0, 0); }
QUIPU_DEVICE void waveBarrier() { simtWaveBarrier(); }
QUIPU_DEVICE void groupBarrier(int id, int threads) { simtBarrier(id, threads); }
QUIPU_DEVICE void deviceFence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
#elif QUIPU_NVIDIA
QUIPU_DEVICE void blockBarrier() { asm volatile("bar.sync 0;" ::: "memory"); }
QUIPU_DEVICE void waveBarrier() { asm volatile("bar.warp.sync 0xffffffff;" ::: "memory"); }
QUIPU_DEVICE void groupBarrier(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
QUIPU_DEVICE void deviceFence() { asm volatile("membar.gl;" ::: "memory"); }
#else
QUIPU_DEVICE void blockBarrier() {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
  __builtin_amdgcn_s_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}
// The threads of a wave run in lockstep: only the compiler must keep the order.
QUIPU_DEVICE void waveBarrier() {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "wavefront");
  __builtin_amdgcn_wave_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "wavefront");
}
QUIPU_DEVICE void deviceFence() { __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "agent"); }
#endif

// A launch's mark is a word of the host's memory, null where nobody wants to know: its first thread writes there how
// far the kernel has come, so that the host can tell which one it was when the device fails or does not answer
// (runtime/Device/Gpu/LaunchMarks.h).
enum { markStarted = 1, markAlone = 2 }; // kernels in front of it may still run; they have ended

QUIPU_DEVICE void setMark(u32 *mark, u32 value) {
  if (mark && (threadIndex() | blockX() | blockY() | blockZ()) == 0) {
#if QUIPU_NVIDIA && !QUIPU_SIMT
    asm volatile("st.relaxed.sys.global.u32 [%0], %1;" ::"l"(mark), "r"(value));
#else
    __atomic_store_n(mark, value, __ATOMIC_RELAXED); // the scope is the whole system
#endif
  }
}

// awaitEarlierKernels: what earlier kernels wrote is seen, and what they read may be written to; then the next kernel
// may start as well. Every thread calls it once, before it touches memory that kernels write; weights and a step's
// inputs may be read before. A kernel that has such reads to start begins with beginEarly and waits when it must, all
// others begin with beginInTurn.
#if QUIPU_EARLY_START
QUIPU_DEVICE void awaitEarlierKernels(u32 *mark) {
#if !QUIPU_SIMT
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
  setMark(mark, markAlone);
#if !QUIPU_SIMT
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
QUIPU_DEVICE void beginEarly(u32 *mark) { setMark(mark, markStarted); }
QUIPU_DEVICE void beginInTurn(u32 *mark) { awaitEarlierKernels(mark); }
#else
QUIPU_DEVICE void awaitEarlierKernels(u32 *) {}
QUIPU_DEVICE void beginEarly(u32 *mark) { setMark(mark, markAlone); }
QUIPU_DEVICE void beginInTurn(u32 *mark) { setMark(mark, markAlone); }
#endif

// The value of another lane of the wave, for every type of four bytes; all lanes take part.
#if QUIPU_SIMT
QUIPU_DEVICE u32 shuffleBits(u32 bits, int lane) { return simtShuffle(bits, lane); }
QUIPU_DEVICE u32 shuffleXorBits(u32 bits, int mask) { return simtShuffle(bits, laneIndex() ^ mask); }
#elif defined(__CUDACC_RTC__)
QUIPU_DEVICE u32 shuffleBits(u32 bits, int lane) { return __shfl_sync(0xffffffffu, bits, lane); }
QUIPU_DEVICE u32 shuffleXorBits(u32 bits, int mask) { return __shfl_xor_sync(0xffffffffu, bits, mask); }
#elif QUIPU_NVIDIA
QUIPU_DEVICE u32 shuffleBits(u32 bits, int lane) { return __nvvm_shfl_sync_idx_i32(0xffffffffu, bits, lane, 31); }
QUIPU_DEVICE u32 shuffleXorBits(u32 bits, int mask) { return __nvvm_shfl_sync_bfly_i32(0xffffffffu, bits, mask, 31); }
#else
QUIPU_DEVICE u32 shuffleBits(u32 bits, int lane) { return __builtin_amdgcn_ds_bpermute(lane * 4, bits); }
QUIPU_DEVICE u32 shuffleXorBits(u32 bits, int mask) {
  return __builtin_amdgcn_ds_bpermute((laneIndex() ^ mask) * 4, bits);
}
#endif

QUIPU_DEVICE float shuffle(float value, int lane) { return bitsFloat(shuffleBits(floatBits(value), lane)); }
QUIPU_DEVICE u32 shuffle(u32 value, int lane) { return shuffleBits(value, lane); }
QUIPU_DEVICE i32 shuffle(i32 value, int lane) { return i32(shuffleBits(u32(value), lane)); }
QUIPU_DEVICE float shuffleXor(float value, int mask) { return bitsFloat(shuffleXorBits(floatBits(value), mask)); }
QUIPU_DEVICE u32 shuffleXor(u32 value, int mask) { return shuffleXorBits(value, mask); }
QUIPU_DEVICE i32 shuffleXor(i32 value, int mask) { return i32(shuffleXorBits(u32(value), mask)); }
QUIPU_DEVICE u64 shuffleXor(u64 value, int mask) {
  return u64(shuffleXorBits(u32(value >> 32), mask)) << 32 | shuffleXorBits(u32(value), mask);
}

// Bit l: lane l's predicate. (NVRTC keeps the name `ballot` for itself.)
#if QUIPU_SIMT
QUIPU_DEVICE u64 waveBallot(bool predicate) { return simtBallot(predicate); }
#elif defined(__CUDACC_RTC__)
QUIPU_DEVICE u64 waveBallot(bool predicate) { return __ballot_sync(0xffffffffu, predicate); }
#elif QUIPU_NVIDIA
QUIPU_DEVICE u64 waveBallot(bool predicate) { return u32(__nvvm_vote_ballot_sync(0xffffffffu, predicate)); }
#elif !__has_builtin(__builtin_amdgcn_ballot_w64)
QUIPU_DEVICE u64 waveBallot(bool predicate) { return __builtin_amdgcn_uicmp(u32(predicate), 0u, /*not equal*/ 33); }
#elif QUIPU_WAVE == 64
QUIPU_DEVICE u64 waveBallot(bool predicate) { return __builtin_amdgcn_ballot_w64(predicate); }
#else
QUIPU_DEVICE u64 waveBallot(bool predicate) { return __builtin_amdgcn_ballot_w32(predicate); }
#endif

// The lowest bit that is set, where one is; and how many are.
#if defined(__CUDACC_RTC__)
QUIPU_DEVICE int lowestBit(u64 value) { return __ffsll(value) - 1; }
QUIPU_DEVICE int countBits(u64 value) { return __popcll(value); }
#else
QUIPU_DEVICE int lowestBit(u64 value) { return __builtin_ctzll(value); }
QUIPU_DEVICE int countBits(u64 value) { return __builtin_popcountll(value); }
#endif

// Adds and gives the former value; no order of other accesses is implied (deviceFence).
#if defined(__CUDACC_RTC__)
QUIPU_DEVICE u32 fetchAdd(u32 *address, u32 value) { return atomicAdd(address, value); }
#else
QUIPU_DEVICE u32 fetchAdd(u32 *address, u32 value) { return __atomic_fetch_add(address, value, __ATOMIC_RELAXED); }
#endif
