// The memory a loaded program takes, to the byte, before anything is loaded. Devices allocate from this plan, and
// `quipu plan` prints it.
#pragma once

#include "runtime/Artifact/Artifact.h"
#include "runtime/Artifact/StepBuffers.h"

#include <cstdint>
#include <vector>

namespace quipu {

// What may be chosen when a program is loaded; 0 takes the artifact's own value.
struct MemoryOptions {
  uint32_t maxContext = 0;   // positions a sequence can have
  uint32_t maxSequences = 0; // sequences that are held at the same time
  uint32_t kvPages = 0;      // pages of the KV pool; 0: enough for every sequence to have maxContext positions
  uint32_t workers = 1;      // worker threads of the device
  bool stepDims = false;     // a place for the step's dims, where kernels read them from memory
};

// Bytes [offset, offset + bytes) of the device's block.
struct MemoryRange {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

// A weight that the target's buffers name, at its place in the block.
struct PlacedWeight {
  uint32_t weight; // of the program
  MemoryRange place;
};

struct MemoryPlan {
  StepLimits limits; // pageStride is exact: every step uses it
  uint32_t maxContext;
  uint32_t maxSequences;
  uint32_t pageSize; // positions
  uint32_t pageCount;
  uint32_t workers;

  // The parts of the block, each at a multiple of 4096.
  MemoryRange weights; // of this target only, in the order of the weights section
  MemoryRange kv;
  MemoryRange activations;
  MemoryRange inputs; // stepDims among them
  MemoryRange outputs;
  MemoryRange ropeTables;
  MemoryRange scratch; // workers * scratchPerWorker
  uint64_t scratchPerWorker;
  uint64_t blockBytes; // a multiple of the huge page, 2 MiB

  uint64_t code;  // bytes of the target's shared object, beside the block
  uint64_t total; // blockBytes + code

  // Of a GPU: the host's memory that copies go through, which is not in the total. The larger part is for the weights
  // and is given back when they are loaded.
  uint64_t staging = 0;

  MemoryRange stepDims;                    // i32 [4]; empty where the options ask for none
  std::vector<MemoryRange> buffers;        // as the target's buffers, in the block
  std::vector<PlacedWeight> placedWeights; // in ascending order
};

// Plans one of the artifact's targets. Errors name the option at fault.
Expected<MemoryPlan> planMemory(const Artifact &artifact, uint32_t target, const MemoryOptions &options);

} // namespace quipu
