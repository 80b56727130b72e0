#include "compiler/Target/Hip/AmdClang.h"
#include "compiler/Target/Hip/Chips.h"
#include "compiler/Target/Hip/CodeObject.h"
#include "compiler/Target/Hip/Hiprtc.h"
#include "test/compiler/Target/Environment.h"
#include "test/compiler/Target/Gpu/DoublingKernel.h"

#include <gtest/gtest.h>

namespace quipu::hip {
namespace {

using gpu::doubling;

constexpr const char *hungry = R"(extern "C" __global__ void hungry(float *a, const int *b) {
  __shared__ float s[96];
  float local[200];
  for (int i = 0; i < 200; ++i) local[i] = a[i];
  for (int i = 0; i < 1000; ++i) local[b[i]] += local[b[i + 1]];
  s[__builtin_amdgcn_workitem_id_x()] = local[b[0]];
  __builtin_amdgcn_s_barrier();
  a[0] = s[b[3]];
})";

void expectElf(const gpu::DeviceCode &code) {
  EXPECT_EQ(code.native.substr(0, 4), "\x7f"
                                      "ELF");
  EXPECT_TRUE(code.portable.empty());
  EXPECT_TRUE(code.resources.known);
  EXPECT_GT(code.resources.registers, 0);
}

TEST(AmdClang, compiles_for_every_chip) {
  for (const gpu::Chip &chip : chips()) {
    auto compiler = AmdClang::find(chip.name);
    if (!compiler)
      GTEST_SKIP() << compiler.error().message;
    auto code = (*compiler)->compile("doubling", doubling("doubling"));
    ASSERT_TRUE(code) << code.error().message;
    expectElf(*code);
    EXPECT_EQ(code->resources.spills, 0);
    EXPECT_EQ(code->resources.stackBytes, 0);
  }
}

TEST(AmdClang, reports_stack_and_shared_memory) {
  auto compiler = AmdClang::find("gfx942");
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  auto code = (*compiler)->compile("hungry", std::string(gpu::kernelWords) + hungry);
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_EQ(code->resources.sharedBytes, 96 * 4);
  EXPECT_GE(code->resources.stackBytes, 200 * 4);
}

TEST(AmdClang, equal_sources_give_equal_bytes) {
  auto compiler = AmdClang::find("gfx1100");
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  auto first = (*compiler)->compile("k", doubling("k")), second = (*compiler)->compile("k", doubling("k"));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->native, second->native);
}

TEST(AmdClang, an_error_names_the_kernel_and_the_chip) {
  auto compiler = AmdClang::find("gfx942");
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  auto code = (*compiler)->compile("broken", "int x = ;");
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().message.find("kernel @broken for gfx942: "), 0u) << code.error().message;
}

TEST(AmdClang, a_kernel_under_another_name_is_an_error) {
  auto compiler = AmdClang::find("gfx942");
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  auto code = (*compiler)->compile("asked_for", doubling("written"));
  ASSERT_FALSE(code);
  EXPECT_NE(code.error().message.find("no kernel asked_for"), std::string::npos) << code.error().message;
}

TEST(CodeObject, what_is_no_code_object_is_refused) {
  EXPECT_FALSE(readCodeObject("", "k"));
  EXPECT_FALSE(readCodeObject("not an ELF file, though it is longer than the header of one would have to be.", "k"));
  EXPECT_FALSE(readCodeObject(std::string("\x7f"
                                          "ELF\2\1\1") +
                                  std::string(100, '\0'),
                              "k"));
}

TEST(Hiprtc, compiles_for_the_chips_of_its_release) {
  auto compiler = Hiprtc::open("gfx90a");
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  for (const char *chip : {"gfx90a", "gfx1030"}) {
    auto compiler = Hiprtc::open(chip);
    ASSERT_TRUE(compiler) << compiler.error().message;
    auto code = (*compiler)->compile("doubling", doubling("doubling"));
    ASSERT_TRUE(code) << code.error().message;
    expectElf(*code);
    EXPECT_EQ(code->resources.spills, 0);
  }
}

TEST(Hiprtc, an_error_names_the_kernel_and_what_is_wrong) {
  auto compiler = Hiprtc::open("gfx1030");
  if (!compiler)
    GTEST_SKIP() << compiler.error().message;
  auto code = (*compiler)->compile("broken", "extern \"C\" __global__ void broken() { undeclared = 1; }");
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().message.find("kernel @broken for gfx1030: hiprtc "), 0u) << code.error().message;
  EXPECT_NE(code.error().message.find("undeclared"), std::string::npos) << code.error().message;
  EXPECT_EQ(code.error().message.find('\n'), std::string::npos) << code.error().message;
}

// Debian's 5.2 ends the process that asks it for these.
TEST(Hiprtc, is_not_asked_for_a_chip_its_release_does_not_know) {
  auto known = Hiprtc::open("gfx90a");
  if (!known)
    GTEST_SKIP() << known.error().message;
  for (const gpu::Chip &chip : chips()) {
    auto compiler = Hiprtc::open(chip.name);
    if (compiler)
      EXPECT_TRUE((*compiler)->compile("k", doubling("k"))) << chip.name;
    else
      EXPECT_NE(compiler.error().message.find("does not know"), std::string::npos) << compiler.error().message;
  }
}

TEST(Hiprtc, a_wrong_setting_is_an_error) {
  for (const char *value : {"none", "/nowhere/libhiprtc.so.6", "libm.so.6"}) {
    Setting setting("QUIPU_HIPRTC", value);
    EXPECT_FALSE(Hiprtc::open("gfx90a")) << value;
  }
}

} // namespace
} // namespace quipu::hip
