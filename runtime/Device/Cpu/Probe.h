// What this machine can do at most, measured now: the yardstick for what a model reaches. Every probe runs on a thread
// pool like the one that runs models. 0 threads: one for each physical core.
#pragma once

#include "runtime/Device/Cpu/ThreadPool.h"
#include "runtime/Device/Device.h"
#include "runtime/Device/HugeBlock.h"

#include <cstdint>

namespace quipu::cpu {

// How fast all threads together read from memory, each its own part of one block in huge pages, in order.
class ReadProbe : public BandwidthProbe {
public:
  // `bytes`: of the block; 0: 256 MiB, or a quarter of the machine's memory where that is less.
  static Expected<std::unique_ptr<ReadProbe>> start(uint32_t threads, uint64_t bytes = 0);

  std::string_view kind() const override { return "read"; }
  Expected<Transfer> sample() override;

private:
  using Loop = void (*)(const std::byte *from, uint64_t bytes);
  ReadProbe(std::unique_ptr<ThreadPool> pool, HugeBlock block);
  Transfer pass(Loop loop);

  std::unique_ptr<ThreadPool> pool;
  HugeBlock block;
  uint64_t part; // of the block, bytes of each thread
  Loop loop;     // the fastest here
};

// Floating-point (or integer) operations per second of one instruction on registers, multiply and add counted as two:
// the best of several rounds. 0 where the CPU lacks the instruction, or the system does not grant the threads.
double probeF32Fma(uint32_t threads);  // AVX-512, or else AVX2 with FMA
double probeBf16Dot(uint32_t threads); // AVX512-BF16 dpbf16ps
double probeInt8Dot(uint32_t threads); // AVX512-VNNI, or else AVX-VNNI: dpbusd

// All three, in about half a second.
DevicePeaks probePeaks(uint32_t threads);

} // namespace quipu::cpu
