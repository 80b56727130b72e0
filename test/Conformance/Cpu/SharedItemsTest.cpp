// Panels that workers take as they come free: a generated matmul that adds to its own output, so that a panel done
// twice or left out shows, with more workers than cores.
#include "runtime/Device/Cpu/ThreadPool.h"
#include "test/Conformance/Cpu/KernelHarness.h"

#include <gtest/gtest.h>

namespace quipu::cpu::conformance {
namespace {

TEST(SharedItemsTest, each_panel_is_done_once_by_any_number_of_workers) {
  constexpr int64_t panels = 37, n = panels * panelRows;
  KernelRow row;
  row.name = "adds_to_its_output";
  row.stages = {{"",
                 "matmul",
                 {{"n", n},
                  {"k", int64_t(1)},
                  {"storage", std::string("f32")},
                  {"rows_dim", int64_t(0)},
                  {"tile", int64_t(1)},
                  {"residual", true}}}};
  Expected<Chip> chip = findChip("x86-64-v3");
  ASSERT_TRUE(chip);
  auto library = KernelLibrary::compile({row}, *chip);
  ASSERT_TRUE(library) << library.error().message;
  KernelLibrary::LoadedKernel kernel = (*library)->stages(row)[0];

  for (uint32_t workers : {1u, 2u, 3u, 8u, 50u}) {
    std::unique_ptr<ThreadPool> pool = ThreadPool::start(workers).value();
    std::vector<float> x = {1}, weight(n, 1.0f), out(n, 0.0f);
    const KernelSignature &signature = *findSignature("matmul");
    std::vector<void *> buffers(signature.operands.size(), nullptr);
    for (auto [operand, data] : {std::pair("x", x.data()), std::pair("weight", weight.data()),
                                 std::pair("residual", out.data()), std::pair("out", out.data())})
      buffers[signature.operand(operand)] = data;
    int64_t dims[int(StepDim::Count)] = {1};
    constexpr int launches = 200;
    std::vector<uint32_t> taken(launches);
    pool->run([&](uint32_t worker) {
      std::vector<std::byte> memory(size_t(kernel.scratchBytes) + 64);
      void *scratch = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64);
      for (uint32_t &counter : taken) {
        KernelArgs args{buffers.data(), dims, scratch, int32_t(worker), int32_t(workers), &counter};
        kernel.function(&args);
        pool->barrier();
      }
    });
    EXPECT_EQ(out, std::vector<float>(n, launches)) << workers << " workers";
  }
}

} // namespace
} // namespace quipu::cpu::conformance
