// Copies from global to shared memory that run beside the threads.
//
// QUIPU_CP_ASYNC: copyAsync takes 16 bytes for each thread; commitCopies closes a group of this thread's copies;
// waitCopies<n> returns when at most the n newest groups of this thread are under way (then a barrier, for the others).
// QUIPU_BULK_COPY: bulkCopy takes a whole tile for one thread and reports to a TransferBarrier in shared memory. A
// phase of it is complete when `arrivals` arrivals and all announced bytes are there; the first phase has parity 0.
#pragma once
#include "compiler/Codegen/Gpu/device/memory.h"

#if QUIPU_NVIDIA
// An address of shared memory as instructions take it. On the host, of the dynamic part.
QUIPU_DEVICE u32 sharedAddress(const void *pointer) {
#if QUIPU_SIMT
  return u32((const u8 *)pointer - simtDynamicShared());
#else
  u64 address;
  asm("cvta.to.shared.u64 %0, %1;" : "=l"(address) : "l"(pointer));
  return u32(address);
#endif
}
#endif

#if QUIPU_CP_ASYNC
// Zeros where `valid` is false: nothing is read.
#if QUIPU_SIMT
QUIPU_DEVICE void copyAsync(void *shared, const void *global, bool valid = true) {
  simtCopyAsync(shared, valid ? global : nullptr);
}
QUIPU_DEVICE void commitCopies() { simtCommitCopies(); }
template <int n> QUIPU_DEVICE void waitCopies() { simtWaitCopies(n); }
#else
QUIPU_DEVICE void copyAsync(void *shared, const void *global, bool valid = true) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(sharedAddress(shared)), "l"(global),
               "r"(valid ? 16 : 0)
               : "memory");
}
QUIPU_DEVICE void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int n> QUIPU_DEVICE void waitCopies() { asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory"); }
#endif
#endif

#if QUIPU_BULK_COPY
typedef u64 TransferBarrier;

#if QUIPU_SIMT
QUIPU_DEVICE void initTransferBarrier(TransferBarrier *barrier, int arrivals) { simtInitTransfer(barrier, arrivals); }
QUIPU_DEVICE void fenceTransferBarriers() {}
QUIPU_DEVICE void arriveExpecting(TransferBarrier *barrier, u32 bytes) { simtArrive(barrier, bytes); }
QUIPU_DEVICE void arrive(TransferBarrier *barrier) { simtArrive(barrier, 0); }
QUIPU_DEVICE void waitTransfer(TransferBarrier *barrier, int parity) { simtWaitTransfer(barrier, parity); }
QUIPU_DEVICE void bulkCopy(void *shared, const void *global, u32 bytes, TransferBarrier *barrier) {
  simtBulkCopy(shared, global, bytes, barrier);
}
QUIPU_DEVICE void fenceBulkCopies() {}
#else
// One thread sets a barrier up, then fences; then a blockBarrier before others use it.
QUIPU_DEVICE void initTransferBarrier(TransferBarrier *barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(arrivals) : "memory");
}
QUIPU_DEVICE void fenceTransferBarriers() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
// Announces bytes that bulk copies will bring to this phase, and arrives. Before the copies are issued.
QUIPU_DEVICE void arriveExpecting(TransferBarrier *barrier, u32 bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(bytes)
               : "memory");
}
QUIPU_DEVICE void arrive(TransferBarrier *barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(sharedAddress(barrier)) : "memory");
}
// Returns when the phase of this parity is complete.
QUIPU_DEVICE void waitTransfer(TransferBarrier *barrier, int parity) {
  asm volatile("{\n"
               ".reg .pred done;\n"
               "again:\n"
               "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
               "@done bra finished;\n"
               "bra again;\n"
               "finished:\n"
               "}" ::"r"(sharedAddress(barrier)),
               "r"(parity)
               : "memory");
}
// bytes and both addresses are multiples of 16.
QUIPU_DEVICE void bulkCopy(void *shared, const void *global, u32 bytes, TransferBarrier *barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   sharedAddress(shared)),
               "l"(global), "r"(bytes), "r"(sharedAddress(barrier))
               : "memory");
}
// What earlier kernels stored to global memory is seen by the bulk copies that this thread starts afterwards. The end
// of a kernel does as much; a wait for one in front of which this kernel started may not.
QUIPU_DEVICE void fenceBulkCopies() { asm volatile("fence.proxy.async.global;" ::: "memory"); }
#endif
#endif
