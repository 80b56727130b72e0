#include "compiler/Target/Gpu/CompileKernels.h"

#include <atomic>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace quipu::gpu {
namespace {

namespace fs = std::filesystem;

// Gives the source back as the code, and counts.
class Copying : public DeviceCompiler {
public:
  explicit Copying(std::string version) : version(std::move(version)) {}

  std::string name() const override { return "copying " + version; }
  std::string identity() const override { return name(); }
  Expected<DeviceCode> compile(const std::string &symbol, const std::string &source) const override {
    ++calls;
    if (symbol == "broken")
      return makeError("kernel @{}: broken on purpose", symbol);
    DeviceCode code;
    code.native = source;
    code.portable = "portable " + symbol;
    code.resources = {true, 1, 2, staticBytes, 4, 5, 6};
    return code;
  }

  std::string version;
  int64_t staticBytes = 3;
  mutable std::atomic<int> calls{0};
};

class GpuCompileKernels : public testing::Test {
protected:
  GpuCompileKernels() : folder(fs::temp_directory_path() / ("gpu-compile-kernels-test-" + std::to_string(getpid()))) {
    fs::remove_all(folder);
    options.cacheFolder = folder.string();
    chip.name = "sm_80";
  }
  ~GpuCompileKernels() override { fs::remove_all(folder); }

  static KernelSpec norm(const std::string &symbol, int64_t n) {
    return {symbol, "rms_norm", {{"n", n}, {"gains", n}, {"eps", 1e-5}, {"rows_dim", int64_t(0)}}};
  }

  fs::path folder;
  CompileOptions options;
  Chip chip;
};

TEST_F(GpuCompileKernels, second_compile_comes_from_the_cache) {
  Copying compiler("1");
  std::vector<KernelSpec> specs = {norm("a", 64), norm("b", 128)};
  auto cold = compileKernels(specs, chip, compiler, options), warm = compileKernels(specs, chip, compiler, options);
  ASSERT_TRUE(cold && warm);
  EXPECT_EQ(cold->compiled, 2u);
  EXPECT_EQ(warm->compiled, 0u);
  EXPECT_EQ(compiler.calls, 2);
  for (size_t i = 0; i < specs.size(); ++i) {
    const DeviceCode &code = warm->kernels[i].code;
    EXPECT_EQ(code.native, cold->kernels[i].kernel.source);
    EXPECT_EQ(code.portable, "portable " + specs[i].symbol);
    EXPECT_TRUE(code.resources.known);
    EXPECT_EQ(code.resources.registers, 1);
    EXPECT_EQ(code.resources.spills, 5);
    EXPECT_EQ(code.resources.serialized, 6);
  }
}

TEST_F(GpuCompileKernels, a_kernel_that_a_block_has_no_room_for_is_an_error) {
  Copying compiler("1");
  compiler.staticBytes = 0;
  KernelParams params = {{"n", int64_t(64)}, {"k", int64_t(64)}, {"storage", std::string("f32")}, {"tile", int64_t(4)}};
  params["rows_dim"] = int64_t(0);
  std::vector<KernelSpec> specs = {{"large", "matmul", params}};
  EXPECT_TRUE(compileKernels(specs, chip, compiler, options));
  chip.sharedPerBlock = 1024;
  auto compiled = compileKernels(specs, chip, compiler, options);
  ASSERT_FALSE(compiled);
  EXPECT_NE(compiled.error().message.find("kernel @large for sm_80: takes"), std::string::npos);
  EXPECT_NE(compiled.error().message.find("a block has 1024"), std::string::npos) << compiled.error().message;
}

TEST_F(GpuCompileKernels, another_compiler_or_chip_has_entries_of_its_own) {
  Copying first("1"), second("2");
  ASSERT_TRUE(compileKernels({norm("a", 64)}, chip, first, options));
  EXPECT_EQ(compileKernels({norm("a", 64)}, chip, second, options)->compiled, 1u);
  chip.name = "sm_86";
  EXPECT_EQ(compileKernels({norm("a", 64)}, chip, first, options)->compiled, 1u);
}

TEST_F(GpuCompileKernels, progress_counts_all_kernels) {
  Copying compiler("1");
  ASSERT_TRUE(compileKernels({norm("a", 64)}, chip, compiler, options));
  std::vector<std::pair<size_t, size_t>> seen;
  options.progress = [&](size_t done, size_t all) { seen.emplace_back(done, all); };
  ASSERT_TRUE(compileKernels({norm("a", 64), norm("b", 128), norm("c", 192)}, chip, compiler, options));
  EXPECT_EQ(seen, (std::vector<std::pair<size_t, size_t>>{{2, 3}, {3, 3}}));
}

TEST_F(GpuCompileKernels, errors_name_the_kernel) {
  Copying compiler("1");
  for (const KernelSpec &spec : {norm("broken", 64), KernelSpec{"odd", "no_such_generator", {}}}) {
    auto compiled = compileKernels({norm("fine", 64), spec}, chip, compiler, options);
    ASSERT_FALSE(compiled);
    EXPECT_NE(compiled.error().message.find("@" + spec.symbol), std::string::npos) << compiled.error().message;
  }
}

// Tiles in dynamic shared memory lie at multiples of 1024 bytes only if nothing is in front of them.
TEST_F(GpuCompileKernels, static_shared_memory_beside_the_dynamic_is_an_error) {
  Copying compiler("1");
  KernelSpec matmul{"m",
                    "matmul",
                    {{"n", int64_t(64)},
                     {"k", int64_t(64)},
                     {"storage", std::string("bf16")},
                     {"rows_dim", int64_t(0)},
                     {"tile", int64_t(1)}}};
  auto compiled = compileKernels({matmul}, chip, compiler, options);
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().message, "kernel @m for sm_80: 3 bytes of static shared memory beside the dynamic part");
  compiler.staticBytes = 0;
  EXPECT_TRUE(compileKernels({matmul}, chip, compiler, options));
}

TEST_F(GpuCompileKernels, two_kernels_of_one_name_are_an_error) {
  Copying compiler("1");
  auto compiled = compileKernels({norm("a", 64), norm("a", 128)}, chip, compiler, options);
  ASSERT_FALSE(compiled);
  EXPECT_NE(compiled.error().message.find("@a"), std::string::npos);
}

} // namespace
} // namespace quipu::gpu
