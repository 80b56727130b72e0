#include "runtime/Device/Cpu/Probe.h"

#include "runtime/Device/Cpu/CpuFeatures.h"
#include "runtime/Device/Cpu/ThreadPool.h"
#include "runtime/Device/Cpu/Topology.h"
#include "runtime/Device/HugeBlock.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <immintrin.h>
#include <unistd.h>

namespace quipu::cpu {

namespace {

uint32_t threadsOf(uint32_t threads) { return threads ? threads : availableCores(); }

// Seconds of the fastest of several rounds, in each of which every worker does the work once.
double fastestRound(ThreadPool &pool, int rounds, const std::function<void(uint32_t worker)> &work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  pool.run([&](uint32_t worker) {
    for (int round = 0; round < rounds; ++round) {
      pool.barrier();
      Clock::time_point started = Clock::now();
      work(worker);
      pool.barrier();
      if (worker == 0)
        best = std::min(best, std::chrono::duration<double>(Clock::now() - started).count());
    }
  });
  return best;
}

// Tells the compiler that a vector is used and might have changed. "v" takes all registers the function's instruction
// set has; "x" would force sums into the first sixteen, and the loops below would measure spills.
#define OPAQUE(value) __asm__ volatile("" : "+v"(value))
template <typename Vector> __attribute__((always_inline)) inline void opaque(Vector &value) { OPAQUE(value); }

// Loads of 64 bytes from `streams` places at the same time; bytes is a multiple of 4096.
template <int streams> __attribute__((target("avx512f"))) void readAvx512(const std::byte *from, uint64_t bytes) {
  __m512i sums[4] = {};
  uint64_t part = bytes / streams;
  for (uint64_t at = 0; at < part; at += 256)
    for (int stream = 0; stream < streams; ++stream)
      for (int i = 0; i < 4; ++i)
        sums[i] = _mm512_or_si512(sums[i], _mm512_load_si512(from + stream * part + at + 64 * i));
  for (__m512i &sum : sums)
    OPAQUE(sum);
}

template <int streams> __attribute__((target("avx2"))) void readAvx2(const std::byte *from, uint64_t bytes) {
  __m256i sums[8] = {};
  uint64_t part = bytes / streams;
  for (uint64_t at = 0; at < part; at += 256)
    for (int stream = 0; stream < streams; ++stream)
      for (int i = 0; i < 8; ++i)
        sums[i] = _mm256_or_si256(
            sums[i], _mm256_load_si256(reinterpret_cast<const __m256i *>(from + stream * part + at + 32 * i)));
  for (__m256i &sum : sums)
    OPAQUE(sum);
}

void readSse2(const std::byte *from, uint64_t bytes) {
  __m128i sums[8] = {};
  for (uint64_t at = 0; at < bytes; at += 128)
    for (int i = 0; i < 8; ++i)
      sums[i] = _mm_or_si128(sums[i], _mm_load_si128(reinterpret_cast<const __m128i *>(from + at + 16 * i)));
  for (__m128i &sum : sums)
    OPAQUE(sum);
}

std::vector<void (*)(const std::byte *, uint64_t)> readLoops() {
  std::set<std::string> features = detectFeatures();
  if (features.count("avx512f"))
    return {readAvx512<1>, readAvx512<4>};
  if (features.count("avx2"))
    return {readAvx2<1>, readAvx2<4>};
  return {readSse2};
}

// Enough independent sums to fill two pipes of four to six cycles; fewer than there are registers.
constexpr int sums512 = 16;
constexpr int sums256 = 12;
constexpr int repeats = 1 << 18;

using ComputeLoop = void (*)();

__attribute__((target("avx512f"))) void fmaAvx512() {
  __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f), sums[sums512];
  OPAQUE(a);
  OPAQUE(b);
  for (__m512 &sum : sums)
    sum = _mm512_setzero_ps();
  for (int i = 0; i < repeats; ++i)
#pragma clang loop unroll(full)
    for (__m512 &sum : sums)
      sum = _mm512_fmadd_ps(a, b, sum);
  for (__m512 &sum : sums)
    OPAQUE(sum);
}

__attribute__((target("avx2,fma"))) void fmaAvx2() {
  __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f), sums[sums256];
  OPAQUE(a);
  OPAQUE(b);
  for (__m256 &sum : sums)
    sum = _mm256_setzero_ps();
  for (int i = 0; i < repeats; ++i)
#pragma clang loop unroll(full)
    for (__m256 &sum : sums)
      sum = _mm256_fmadd_ps(a, b, sum);
  for (__m256 &sum : sums)
    OPAQUE(sum);
}

__attribute__((target("avx512f,avx512bf16"))) void bf16Avx512() {
  __m512i a = _mm512_set1_epi32(0x3f003f00), b = _mm512_set1_epi32(0x3e803e80); // 0.5, 0.25
  OPAQUE(a);
  OPAQUE(b);
  __m512 sums[sums512];
  for (__m512 &sum : sums)
    sum = _mm512_setzero_ps();
  for (int i = 0; i < repeats; ++i)
#pragma clang loop unroll(full)
    for (__m512 &sum : sums)
      sum = _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
  for (__m512 &sum : sums)
    OPAQUE(sum);
}

__attribute__((target("avx512f,avx512vnni"))) void int8Avx512() {
  __m512i a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(1), sums[sums512];
  OPAQUE(a);
  OPAQUE(b);
  for (__m512i &sum : sums)
    sum = _mm512_setzero_si512();
  for (int i = 0; i < repeats; ++i)
#pragma clang loop unroll(full)
    for (__m512i &sum : sums)
      sum = _mm512_dpbusd_epi32(sum, a, b);
  for (__m512i &sum : sums)
    OPAQUE(sum);
}

__attribute__((target("avx2,avxvnni"))) void int8Avx2() {
  __m256i a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(1), sums[sums256];
  OPAQUE(a);
  OPAQUE(b);
  for (__m256i &sum : sums)
    sum = _mm256_setzero_si256();
  for (int i = 0; i < repeats; ++i)
#pragma clang loop unroll(full)
    for (__m256i &sum : sums)
      sum = _mm256_dpbusd_avx_epi32(sum, a, b);
  for (__m256i &sum : sums)
    OPAQUE(sum);
}

// Operations per second: each instruction of the loop does `operations`.
double probeLoop(uint32_t threads, ComputeLoop loop, int sums, int operations) {
  Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::start(threadsOf(threads));
  if (!pool)
    return 0;
  double seconds = fastestRound(**pool, 20, [loop](uint32_t) { loop(); });
  return static_cast<double>(repeats) * sums * operations * (*pool)->workers() / seconds;
}

} // namespace

Expected<std::unique_ptr<ReadProbe>> ReadProbe::start(uint32_t threads, uint64_t bytes) {
  Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::start(threadsOf(threads));
  if (!pool)
    return passError(std::move(pool));
  if (bytes == 0) {
    auto memory = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGE_SIZE));
    bytes = std::min<uint64_t>(uint64_t(256) << 20, memory / 4);
  }
  Expected<HugeBlock> block = HugeBlock::allocate(bytes);
  if (!block)
    return passError(std::move(block));
  return std::unique_ptr<ReadProbe>(new ReadProbe(std::move(*pool), std::move(*block)));
}

ReadProbe::ReadProbe(std::unique_ptr<ThreadPool> threads, HugeBlock memory)
    : pool(std::move(threads)), block(std::move(memory)), part(block.size() / pool->workers() / 4096 * 4096) {
  pool->run([&](uint32_t worker) {
    for (uint64_t at = 0; at < part; at += 4096)
      block.data()[worker * part + at] = std::byte(1);
  });
  double best = 0;
  for (Loop candidate : readLoops())
    for (int round = 0; round < 4; ++round)
      if (double rate = pass(candidate).rate(); rate > best) {
        best = rate;
        loop = candidate;
      }
}

Transfer ReadProbe::pass(Loop read) {
  double seconds = fastestRound(*pool, 1, [&](uint32_t worker) { read(block.data() + worker * part, part); });
  return {static_cast<double>(part) * pool->workers(), seconds};
}

Expected<Transfer> ReadProbe::sample() { return pass(loop); }

double probeF32Fma(uint32_t threads) {
  std::set<std::string> features = detectFeatures();
  if (features.count("avx512f"))
    return probeLoop(threads, fmaAvx512, sums512, 2 * 16);
  if (features.count("avx2") && features.count("fma"))
    return probeLoop(threads, fmaAvx2, sums256, 2 * 8);
  return 0;
}

double probeBf16Dot(uint32_t threads) {
  return detectFeatures().count("avx512bf16") ? probeLoop(threads, bf16Avx512, sums512, 2 * 32) : 0;
}

double probeInt8Dot(uint32_t threads) {
  std::set<std::string> features = detectFeatures();
  if (features.count("avx512vnni"))
    return probeLoop(threads, int8Avx512, sums512, 2 * 64);
  if (features.count("avxvnni"))
    return probeLoop(threads, int8Avx2, sums256, 2 * 32);
  return 0;
}

DevicePeaks probePeaks(uint32_t threads) {
  return {probeF32Fma(threads), probeBf16Dot(threads), probeInt8Dot(threads)};
}

} // namespace quipu::cpu
