// Parts of a long sequence's positions, which workers take as they come free: the result is the same to the bit
// whoever took which part, and each number of workers has its own.
#include "runtime/Device/Cpu/ThreadPool.h"
#include "test/Conformance/Cpu/KernelHarness.h"

#include <gtest/gtest.h>

namespace quipu::cpu::conformance {
namespace {

// Memory of a problem's operands, and of scratch.
struct Aligned {
  explicit Aligned(size_t size) : memory(size + 64) {}
  uint8_t *data() { return memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64); }
  std::vector<uint8_t> memory;
};

const KernelRow *rowNamed(const std::vector<KernelRow> &rows, const std::string &name) {
  for (const KernelRow &row : rows)
    if (row.name == name)
      return &row;
  return nullptr;
}

// The problem's result, by that many threads at the same time.
std::vector<uint8_t> runTogether(const KernelLibrary &library, const KernelRow &row, const Problem &problem,
                                 uint32_t workers) {
  std::vector<Aligned> memory;
  std::vector<void *> buffers;
  for (const Operand &operand : problem.operands) {
    memory.emplace_back(operand.bytes.size());
    std::memcpy(memory.back().data(), operand.bytes.data(), operand.bytes.size());
  }
  for (Aligned &operand : memory)
    buffers.push_back(operand.data());
  const std::vector<KernelLibrary::LoadedKernel> &stages = library.stages(row);
  std::vector<uint32_t> taken(stages.size());
  std::unique_ptr<ThreadPool> pool = ThreadPool::start(workers).value();
  pool->run([&](uint32_t worker) {
    for (size_t i = 0; i < stages.size(); ++i) {
      Aligned scratch(static_cast<size_t>(stages[i].scratchBytes));
      KernelArgs args{buffers.data(),  problem.dims.data(), scratch.data(),
                      int32_t(worker), int32_t(workers),    &taken[i]};
      stages[i].function(&args);
      pool->barrier();
    }
  });
  const size_t out = problem.expected[0].operand;
  return {memory[out].data(), memory[out].data() + problem.operands[out].bytes.size()};
}

TEST(AttentionPartsTest, a_result_does_not_depend_on_who_takes_which_part) {
  Expected<Chip> chip = findChip("cpu");
  ASSERT_TRUE(chip) << chip.error().message;
  const std::vector<KernelRow> rows = kernelTable(*chip);
  for (const char *element : {"bf16", "i8"}) {
    const KernelRow *row = rowNamed(rows, fmt::format("attention_{}_h8_kv2_d64_w0_splits", element));
    ASSERT_NE(row, nullptr);
    auto library = KernelLibrary::compile({*row}, *chip);
    ASSERT_TRUE(library) << library.error().message;
    const Problem problem = row->make(longAlone);
    for (uint32_t workers : {1u, 2u, 5u}) {
      SCOPED_TRACE(fmt::format("{}, {} workers", element, workers));
      // One worker after the other: the first takes all that is not another's from the start.
      Problem inTurn = problem;
      ASSERT_EQ((*library)->run(*row, inTurn, int(workers)), "");
      for (int i = 0; i < 3; ++i)
        ASSERT_EQ(runTogether(**library, *row, problem, workers), inTurn.operands[problem.expected[0].operand].bytes);
    }
  }
}

} // namespace
} // namespace quipu::cpu::conformance
