#include "compiler/Target/Cuda/Chips.h"
#include "compiler/Target/Cuda/Nvrtc.h"
#include "compiler/Target/Cuda/PtxClang.h"
#include "test/compiler/Target/Environment.h"
#include "test/compiler/Target/Gpu/DoublingKernel.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace quipu::cuda {
namespace {

using gpu::doubling;

TEST(Nvrtc, compiles_for_every_chip_it_knows) {
  int compiled = 0;
  for (const gpu::Chip &chip : chips()) {
    auto compiler = Nvrtc::open(chip.name, false);
    if (!compiler && compiler.error().message.find("does not know") != std::string::npos)
      continue;
    if (!compiler)
      GTEST_SKIP() << compiler.error().message;
    auto code = (*compiler)->compile("doubling", doubling("doubling"));
    ASSERT_TRUE(code) << code.error().message;
    EXPECT_EQ(code->native.substr(0, 4), "\x7f"
                                         "ELF");
    EXPECT_TRUE(code->portable.empty());
    EXPECT_TRUE(code->resources.known);
    EXPECT_GT(code->resources.registers, 0);
    EXPECT_EQ(code->resources.spills, 0);
    ++compiled;
  }
  EXPECT_GE(compiled, 4);
}

TEST(Nvrtc, reports_stack_and_shared_memory) {
  auto compiler = Nvrtc::open("sm_80", false);
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  auto code = (*compiler)->compile("k", R"(extern "C" __global__ void k(float *a, const int *b) {
    __shared__ float s[96];
    float local[64];
    for (int i = 0; i < 64; ++i) local[i] = a[i];
    for (int i = 0; i < 1000; ++i) local[b[i]] += local[b[i + 1]];
    s[threadIdx.x] = local[b[0]]; __syncthreads(); a[0] = s[b[3]]; })");
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_GE(code->resources.sharedBytes, 96 * 4);
  EXPECT_GE(code->resources.stackBytes, 64 * 4);
}

TEST(Nvrtc, gives_ptx_where_asked) {
  auto compiler = Nvrtc::open("sm_80", true);
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  auto code = (*compiler)->compile("doubling", doubling("doubling"));
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_NE(code->portable.find(".entry doubling("), std::string::npos) << code->portable;
  EXPECT_EQ(code->portable.find('\0'), std::string::npos);
}

TEST(Nvrtc, an_error_names_the_kernel_the_chip_and_the_line) {
  auto compiler = Nvrtc::open("sm_80", false);
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  auto code = (*compiler)->compile("broken", "extern \"C\" __global__ void broken() {\n  undeclared = 1;\n}");
  ASSERT_FALSE(code);
  EXPECT_NE(code.error().message.find("kernel @broken for sm_80"), std::string::npos) << code.error().message;
  EXPECT_NE(code.error().message.find("broken.cu(2)"), std::string::npos) << code.error().message;
  EXPECT_EQ(code.error().message.find('\n'), std::string::npos) << code.error().message;
}

TEST(Nvrtc, threads_compile_at_the_same_time) {
  auto compiler = Nvrtc::open("sm_80", false);
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      std::string symbol = "k" + std::to_string(i);
      auto code = (*compiler)->compile(symbol, doubling(symbol));
      right += code && code->native.find(symbol) != std::string::npos;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(right, 4);
}

TEST(Nvrtc, a_wrong_setting_is_an_error_that_names_it) {
  for (const char *value : {"/nowhere/libnvrtc.so.13", "/", "none"}) {
    Setting setting("QUIPU_NVRTC", value);
    auto compiler = Nvrtc::open("sm_80", false);
    ASSERT_FALSE(compiler);
    EXPECT_NE(compiler.error().message.find("QUIPU_NVRTC"), std::string::npos) << compiler.error().message;
  }
}

TEST(Nvrtc, a_library_that_is_not_nvrtc_is_refused) {
  Setting setting("QUIPU_NVRTC", "libm.so.6");
  auto compiler = Nvrtc::open("sm_80", false);
  ASSERT_FALSE(compiler);
  EXPECT_NE(compiler.error().message.find("nvrtc"), std::string::npos) << compiler.error().message;
}

TEST(Nvrtc, a_chip_it_does_not_know_is_an_error) {
  auto known = Nvrtc::open("sm_80", false);
  if (!known)
    GTEST_SKIP() << known.error().message;
  auto compiler = Nvrtc::open("sm_10", false);
  ASSERT_FALSE(compiler);
  EXPECT_NE(compiler.error().message.find("does not know sm_10"), std::string::npos) << compiler.error().message;
}

TEST(PtxasReport, spills_of_all_functions_count) {
  gpu::Resources resources =
      readPtxasReport("ptxas info    : 0 bytes gmem\n"
                      "ptxas info    : Compiling entry function 'k' for 'sm_80'\n"
                      "ptxas info    : Function properties for k\n"
                      "    16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads\n"
                      "ptxas info    : Used 255 registers, used 1 barriers, 1024 bytes smem, 372 bytes cmem[0]\n"
                      "ptxas info    : Function properties for f\n"
                      "    24 bytes stack frame, 12 bytes spill stores, 12 bytes spill loads\n");
  EXPECT_TRUE(resources.known);
  EXPECT_EQ(resources.registers, 255);
  EXPECT_EQ(resources.sharedBytes, 1024);
  EXPECT_EQ(resources.stackBytes, 40);
  EXPECT_EQ(resources.spills, 36);
}

TEST(PtxasReport, advice_that_wgmma_is_serialized_counts) {
  const std::string used = "ptxas info    : Used 90 registers, used 1 barriers\n";
  EXPECT_EQ(readPtxasReport(used).serialized, 0);
  EXPECT_EQ(readPtxasReport("ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are "
                            "serialized due to insufficient register resources for the wgmma pipeline in the function "
                            "'k'\n" +
                            used)
                .serialized,
            1);
}

// Sums that are touched between a product and its wait. In our kernels none are (test/EndToEnd/gpu_targets.py).
TEST(Nvrtc, reports_wgmma_that_is_serialized) {
  auto compiler = Nvrtc::open("sm_90a", false);
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  auto code = (*compiler)->compile("k", R"(extern "C" __global__ void k(float *out, unsigned long long a) {
    float d[4] = {0, 0, 0, 0};
    for (int i = 0; i < 8; ++i) {
      asm volatile("wgmma.fence.sync.aligned;");
      asm volatile("wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0, %1, %2, %3}, %4, %4, 1, 1, 1, 0, 0;"
                   : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "l"(a));
      asm volatile("wgmma.commit_group.sync.aligned;");
      d[0] += out[i];
    }
    asm volatile("wgmma.wait_group.sync.aligned 0;");
    out[threadIdx.x] = d[0] + d[1] + d[2] + d[3]; })");
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_GT(code->resources.serialized, 0);
}

TEST(PtxasReport, no_report_is_not_known) { EXPECT_FALSE(readPtxasReport("warning: nothing").known); }

TEST(PtxClang, compiles_for_every_chip) {
  for (const gpu::Chip &chip : chips()) {
    auto compiler = PtxClang::find(chip.name);
    if (!compiler)
      GTEST_SKIP() << compiler.error().message;
    auto code = (*compiler)->compile("doubling", doubling("doubling"));
    ASSERT_TRUE(code) << code.error().message;
    EXPECT_TRUE(code->native.empty());
    EXPECT_FALSE(code->resources.known);
    EXPECT_NE(code->portable.find(".entry doubling("), std::string::npos) << code->portable;
    EXPECT_NE(code->portable.find(".target " + chip.name), std::string::npos) << code->portable;
  }
}

TEST(PtxClang, an_error_names_the_kernel_and_the_chip) {
  auto compiler = PtxClang::find("sm_90a");
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  auto code = (*compiler)->compile("broken", "int x = ;");
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().message.find("kernel @broken for sm_90a: "), 0u) << code.error().message;
}

} // namespace
} // namespace quipu::cuda
