#include "runtime/Artifact/CodeBundle.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace quipu;

namespace {

std::string errorOf(const std::string &section) {
  Expected<CodeBundle> bundle = CodeBundle::read(section);
  return bundle ? "" : bundle.error().message;
}

// Two kernels that share an image, and one with text for later chips.
std::string sample() {
  return writeCodeBundle(
      {{"norm", "image of two", ""}, {"sample", "image of one", "ptx"}, {"add", "image of two", ""}});
}

template <typename T> std::string patched(std::string section, size_t at, T value) {
  std::memcpy(section.data() + at, &value, sizeof(T));
  return section;
}

constexpr size_t kernelsAt = 24, kernelBytes = 16, imagesAt = kernelsAt + 3 * kernelBytes;

TEST(CodeBundleTest, images_are_found_by_symbol_and_kind) {
  std::string section = sample();
  Expected<CodeBundle> bundle = CodeBundle::read(section);
  ASSERT_TRUE(bundle) << bundle.error().message;
  EXPECT_EQ(bundle->find("norm", ImageKind::Native), "image of two");
  EXPECT_EQ(bundle->find("sample", ImageKind::Native), "image of one");
  EXPECT_EQ(bundle->find("sample", ImageKind::Portable), "ptx");
  EXPECT_EQ(bundle->find("norm", ImageKind::Portable), "");
  EXPECT_EQ(bundle->find("nor", ImageKind::Native), "");
  EXPECT_EQ(bundle->find("zero", ImageKind::Native), "");
  ASSERT_EQ(bundle->kernels().size(), 3u);
  EXPECT_EQ(bundle->kernels()[0].symbol, "add");
}

TEST(CodeBundleTest, equal_images_are_stored_once) {
  std::string section = sample();
  Expected<CodeBundle> bundle = CodeBundle::read(section);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->find("norm", ImageKind::Native).data(), bundle->find("add", ImageKind::Native).data());
}

TEST(CodeBundleTest, the_order_of_the_kernels_does_not_change_the_bytes) {
  EXPECT_EQ(
      sample(),
      writeCodeBundle({{"sample", "image of one", "ptx"}, {"add", "image of two", ""}, {"norm", "image of two", ""}}));
}

TEST(CodeBundleTest, images_start_at_multiples_of_sixteen) {
  std::string section = sample();
  Expected<CodeBundle> bundle = CodeBundle::read(section);
  ASSERT_TRUE(bundle);
  for (const CodeBundle::Kernel &kernel : bundle->kernels())
    EXPECT_EQ((kernel.native.data() - section.data()) % 16, 0);
}

TEST(CodeBundleTest, a_bundle_without_kernels_is_one) {
  std::string section = writeCodeBundle({});
  Expected<CodeBundle> bundle = CodeBundle::read(section);
  ASSERT_TRUE(bundle);
  EXPECT_TRUE(bundle->kernels().empty());
}

TEST(CodeBundleTest, what_is_cut_short_or_something_else_is_refused) {
  std::string section = sample();
  for (size_t size = 0; size < section.size(); ++size)
    EXPECT_NE(errorOf(section.substr(0, size)), "") << size;
  EXPECT_NE(errorOf(section + "x"), "");
  EXPECT_EQ(errorOf("\x7f"
                    "ELF" +
                    std::string(100, 'x')),
            "its code is no bundle of kernels");
}

TEST(CodeBundleTest, places_outside_of_the_bundle_are_refused) {
  std::string section = sample();
  EXPECT_NE(errorOf(patched(section, 8, UINT32_MAX)).find("kernels"), std::string::npos); // kernel count
  EXPECT_NE(errorOf(patched(section, 12, UINT32_MAX)), "");                               // image count
  EXPECT_EQ(errorOf(patched(section, kernelsAt, UINT32_MAX)), "the symbol of kernel 0 lies outside of its code");
  EXPECT_EQ(errorOf(patched(section, kernelsAt + 4, UINT32_MAX)), "the symbol of kernel 0 lies outside of its code");
  EXPECT_EQ(errorOf(patched(section, kernelsAt + 8, uint32_t(7))), "kernel 0 of its code has image 7, there are 3");
  EXPECT_EQ(errorOf(patched(section, kernelsAt + 8, UINT32_MAX)), "kernel 0 of its code has no image");
  for (uint64_t offset : {uint64_t(0), uint64_t(8), uint64_t(1) << 40, UINT64_MAX - 15})
    EXPECT_EQ(errorOf(patched(section, imagesAt, offset)), "image 0 of its code lies outside of it") << offset;
  for (uint64_t bytes : {uint64_t(0), uint64_t(section.size()), UINT64_MAX})
    EXPECT_EQ(errorOf(patched(section, imagesAt + 8, bytes)), "image 0 of its code lies outside of it") << bytes;
}

TEST(CodeBundleTest, symbols_out_of_order_are_refused) {
  // The second kernel takes the first one's symbol.
  std::string section = sample();
  std::memcpy(section.data() + kernelsAt + kernelBytes, section.data() + kernelsAt, 8);
  EXPECT_EQ(errorOf(section), "the kernels of its code are not in order");
}

} // namespace
