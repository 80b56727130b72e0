#include "compiler/Target/Cpu/CompileKernels.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace quipu::cpu {
namespace {
namespace fs = std::filesystem;

const Chip chip = *findChip("x86-64-v3");

KernelSpec matmul(const std::string &symbol, int64_t n) {
  return {
      symbol,
      "matmul",
      {{"n", n}, {"k", int64_t(64)}, {"storage", std::string("bf16")}, {"rows_dim", int64_t(0)}, {"tile", int64_t(1)}}};
}

// A cache folder of the test's own.
class CompileKernels : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::temp_directory_path() / fmt::format("quipu-compile-{}", getpid());
    fs::remove_all(folder);
    options.cacheFolder = folder.string();
  }
  void TearDown() override { fs::remove_all(folder); }

  std::vector<fs::path> entries() const {
    std::vector<fs::path> files;
    if (fs::exists(folder))
      for (const auto &entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file())
          files.push_back(entry.path());
    return files;
  }

  CompiledKernels compile(const std::vector<KernelSpec> &specs) const {
    auto result = compileKernels(specs, chip, options);
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(CompiledKernels{});
  }

  std::string error(const KernelSpec &spec) const {
    auto result = compileKernels({spec}, chip, options);
    return result ? "no error" : result.error().message;
  }

  fs::path folder;
  CompileOptions options;
};

TEST_F(CompileKernels, EqualKernelsAreCompiledOnce) {
  CompiledKernels result = compile({matmul("layer0", 64), matmul("layer1", 64), matmul("head", 128)});
  EXPECT_EQ(result.compiled, 2u);
  EXPECT_EQ(result.scratchBytes.size(), 3u);
  EXPECT_EQ(result.scratchBytes[0], result.scratchBytes[1]);
  EXPECT_EQ(entries().size(), 2u);
}

TEST_F(CompileKernels, CacheGivesTheSameBytesWhateverTheNames) {
  std::string first = compile({matmul("a", 64)}).sharedObject;
  CompiledKernels again = compile({matmul("a", 64)});
  EXPECT_EQ(again.compiled, 0u);
  EXPECT_EQ(again.sharedObject, first);
  EXPECT_EQ(compile({matmul("b", 64)}).compiled, 0u);
}

TEST_F(CompileKernels, DamagedEntriesAreMadeAgain) {
  std::string first = compile({matmul("a", 64)}).sharedObject;
  ASSERT_EQ(entries().size(), 1u);
  fs::path entry = entries()[0];
  auto size = fs::file_size(entry);
  for (uint64_t at : {uint64_t(0), uint64_t(9), uint64_t(20), uint64_t(40), uint64_t(size - 1)}) {
    {
      std::fstream file(entry, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(std::streamoff(at));
      char byte = char(file.get());
      file.seekp(std::streamoff(at));
      file.put(char(byte ^ 0x10));
    }
    CompiledKernels result = compile({matmul("a", 64)});
    EXPECT_EQ(result.compiled, 1u) << "byte " << at;
    EXPECT_EQ(result.sharedObject, first);
  }
  for (uint64_t cut : {uint64_t(0), uint64_t(7), uint64_t(size / 2)}) {
    fs::resize_file(entry, cut);
    EXPECT_EQ(compile({matmul("a", 64)}).compiled, 1u) << "cut to " << cut;
  }
}

TEST_F(CompileKernels, AnUnwritableCacheIsNoError) {
  options.cacheFolder = "/proc/no/such/folder";
  EXPECT_EQ(compile({matmul("a", 64)}).compiled, 1u);
}

TEST_F(CompileKernels, ThreadsDoNotChangeTheBytes) {
  std::vector<KernelSpec> specs;
  for (int64_t n = 64; n <= 256; n += 64)
    specs.push_back(matmul(fmt::format("n{}", n), n));
  options.cacheFolder.clear();
  options.threads = 1;
  std::string one = compile(specs).sharedObject;
  options.threads = 3;
  EXPECT_EQ(compile(specs).sharedObject, one);
}

template <typename T> T at(const std::string &bytes, uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// The sections of an ELF file of one type.
std::vector<Elf64_Shdr> sections(const std::string &bytes, uint32_t type) {
  auto header = at<Elf64_Ehdr>(bytes, 0);
  std::vector<Elf64_Shdr> found;
  for (int i = 0; i < header.e_shnum; ++i)
    if (auto section = at<Elf64_Shdr>(bytes, header.e_shoff + uint64_t(i) * sizeof(Elf64_Shdr));
        section.sh_type == type)
      found.push_back(section);
  return found;
}

TEST_F(CompileKernels, SharedObjectNeedsNothingAndExportsOnlyTheKernels) {
  std::string bytes = compile({matmul("first", 64), matmul("second", 128)}).sharedObject;
  std::vector<Elf64_Shdr> symbolTables = sections(bytes, SHT_DYNSYM), dynamic = sections(bytes, SHT_DYNAMIC);
  ASSERT_EQ(symbolTables.size(), 1u);
  ASSERT_EQ(dynamic.size(), 1u);
  auto header = at<Elf64_Ehdr>(bytes, 0);
  auto strings = at<Elf64_Shdr>(bytes, header.e_shoff + symbolTables[0].sh_link * sizeof(Elf64_Shdr));
  std::vector<std::string> names;
  for (uint64_t i = 1; i < symbolTables[0].sh_size / sizeof(Elf64_Sym); ++i) {
    auto symbol = at<Elf64_Sym>(bytes, symbolTables[0].sh_offset + i * sizeof(Elf64_Sym));
    EXPECT_NE(symbol.st_shndx, SHN_UNDEF);
    names.emplace_back(bytes.c_str() + strings.sh_offset + symbol.st_name);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"first", "second"}));
  for (uint64_t i = 0; i < dynamic[0].sh_size / sizeof(Elf64_Dyn); ++i)
    EXPECT_NE(at<Elf64_Dyn>(bytes, dynamic[0].sh_offset + i * sizeof(Elf64_Dyn)).d_tag, DT_NEEDED);
}

TEST_F(CompileKernels, ErrorsNameTheKernelAndTheParameter) {
  KernelSpec spec = matmul("bad", 64);
  spec.generator = "convolution";
  EXPECT_EQ(error(spec), "kernel @bad: unknown generator \"convolution\"");
  spec = matmul("bad", 64);
  spec.params["colour"] = true;
  EXPECT_EQ(error(spec), "kernel @bad (matmul): unknown parameter \"colour\"");
  spec = matmul("bad", 0);
  EXPECT_EQ(error(spec), "kernel @bad (matmul): expected parameter \"n\" between 1 and 2^31, got 0");
  spec = matmul("bad", 64);
  spec.params["n"] = std::string("many");
  EXPECT_EQ(error(spec), "kernel @bad (matmul): expected parameter \"n\" to be an integer, got \"many\"");
  spec.params.erase("n");
  EXPECT_EQ(error(spec), "kernel @bad (matmul): expected parameter \"n\"");
  spec = matmul("bad", 64);
  spec.params["storage"] = std::string("f64");
  EXPECT_EQ(error(spec), "kernel @bad (matmul): expected \"storage\" to be a storage format, got \"f64\"");
  spec = matmul("bad", 64);
  spec.params["activation"] = std::string("swish");
  EXPECT_EQ(error(spec), "kernel @bad (matmul): expected parameter \"activation\" to be \"silu\", \"gelu_tanh\", "
                         "\"gelu_erf\", \"relu\", \"relu2\" or \"sigmoid\", "
                         "got \"swish\"");
  KernelSpec attention{"bad",
                       "attention",
                       {{"heads", int64_t(4)},
                        {"kv_heads", int64_t(0)},
                        {"dim", int64_t(8)},
                        {"scale", 1.0},
                        {"elem", std::string("f32")},
                        {"page_size", int64_t(16)}}};
  EXPECT_EQ(error(attention), "kernel @bad (attention): expected parameter \"kv_heads\" between 1 and 2^31, got 0");
  auto doubled = compileKernels({matmul("a", 64), matmul("a", 128)}, chip, options);
  ASSERT_FALSE(doubled);
  EXPECT_EQ(doubled.error().message, "two kernels are called @a");
}

TEST_F(CompileKernels, PrintedFormsShowTheMicrokernel) {
  Chip zen4 = *findChip("znver4");
  auto text = [&](KernelForm form) { return printKernel(matmul("k", 64), zen4, form).value_or(""); };
  EXPECT_NE(text(KernelForm::Mlir).find("scf.for"), std::string::npos);
  EXPECT_NE(text(KernelForm::Llvm).find("@llvm.x86.avx512bf16.dpbf16ps.512"), std::string::npos);
  EXPECT_NE(text(KernelForm::Assembly).find("vdpbf16ps"), std::string::npos);
}

} // namespace
} // namespace quipu::cpu
