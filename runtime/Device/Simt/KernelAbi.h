// The C interface between the Simt device and GPU kernels compiled for the host. The compiler pastes this text in front
// of a kernel's source (device/simt.h follows it), so it includes nothing.
#pragma once

namespace quipu {
namespace simt {

struct Services;

// One thread of a block: a fiber. Kernels read it and never write it.
struct Thread {
  const Services *services;
  int index; // in the block
  int block[3];
  int waveWidth;
  unsigned char *dynamicShared;
};

// Computes for all lanes of a group at once: lanes[i] is what lane i gave, in its own stack.
using Collective = void (*)(void *const *lanes, int count);

// What a thread asks of the block. A thread that must wait for others gives its turn away meanwhile.
struct Services {
  // Until `threads` threads (0: all of the block) are at barrier `id`.
  void (*barrier)(Thread *, int id, int threads);
  // Until all of the thread's group (`lanes` threads side by side) have come with the same operation, which is then
  // run once.
  void (*collective)(Thread *, int lanes, Collective operation, void *mine);
  // Shared memory of a variable that `key` stands for; the same for all threads of the block.
  void *(*sharedVariable)(Thread *, const void *key, unsigned long bytes);
  // cp.async: 16 bytes, zeros where `global` is null; groups; waiting until at most the `newest` are under way.
  void (*copyAsync)(Thread *, void *shared, const void *global);
  void (*commitCopies)(Thread *);
  void (*waitCopies)(Thread *, int newest);
  // mbarrier and cp.async.bulk.
  void (*initTransfer)(Thread *, void *barrier, int arrivals);
  void (*arrive)(Thread *, void *barrier, unsigned bytes);
  void (*waitTransfer)(Thread *, void *barrier, int parity);
  void (*bulkCopy)(Thread *, void *shared, const void *global, unsigned bytes, void *barrier);
  // Ends the launch with a message.
  void (*fail)(Thread *, const char *message);
};

} // namespace simt
} // namespace quipu
