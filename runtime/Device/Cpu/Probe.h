// What this machine can do at most, measured now: the yardstick for what a model reaches. Every probe runs on a thread
// pool like the one that runs models, and gives the best of several rounds; 0 where the system does not grant the
// threads. 0 threads: one for each physical core.
#pragma once

#include <cstdint>

namespace quipu::cpu {

// Bytes per second that all threads together read from memory, each its own part of one block in huge pages, in order.
// `bytes` 0: 1 GiB, or a quarter of the machine's memory where that is less. 0 where no memory is to be had.
double probeReadBandwidth(uint32_t threads, uint64_t bytes = 0);

// Floating-point (or integer) operations per second of one instruction on registers, multiply and add counted as two.
// 0 where the CPU lacks the instruction.
double probeF32Fma(uint32_t threads);  // AVX-512, or else AVX2 with FMA
double probeBf16Dot(uint32_t threads); // AVX512-BF16 dpbf16ps
double probeInt8Dot(uint32_t threads); // AVX512-VNNI, or else AVX-VNNI: dpbusd

struct ProbeResult {
  double readBytesPerSecond;
  double f32FlopsPerSecond;
  double bf16FlopsPerSecond;
  double int8OpsPerSecond;
};

// All of them, in about a second.
ProbeResult probe(uint32_t threads);

} // namespace quipu::cpu
