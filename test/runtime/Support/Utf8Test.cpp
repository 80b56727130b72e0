#include "runtime/Support/Utf8.h"

#include <gtest/gtest.h>

using namespace quipu;

namespace {

TEST(Utf8Test, every_scalar_value_survives) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800)
      c = 0xE000;
    std::string text;
    appendUtf8(text, c);
    Utf8Scan scan = scanUtf8(text);
    ASSERT_EQ(scan.kind, Utf8Scan::Complete) << static_cast<uint32_t>(c);
    ASSERT_EQ(scan.codePoint, c);
    ASSERT_EQ(scan.length, text.size());
    for (size_t cut = 1; cut < text.size(); ++cut)
      ASSERT_EQ(scanUtf8(text.substr(0, cut)).kind, Utf8Scan::Incomplete);
  }
}

TEST(Utf8Test, invalid_bytes_are_found) {
  EXPECT_EQ(findInvalidUtf8("abc"), std::nullopt);
  EXPECT_EQ(findInvalidUtf8("ab\x80"), 2u);           // continuation without lead
  EXPECT_EQ(findInvalidUtf8("\xC0\xAF"), 0u);         // overlong
  EXPECT_EQ(findInvalidUtf8("a\xED\xA0\x80"), 1u);    // surrogate
  EXPECT_EQ(findInvalidUtf8("\xF4\x90\x80\x80"), 0u); // above U+10FFFF
  EXPECT_EQ(findInvalidUtf8("aa\xE2\x82"), 2u);       // cut short
}

// The Unicode standard's example for U+FFFD substitution (table 3-8).
TEST(Utf8Test, maximal_subparts_have_the_lengths_of_the_standard) {
  std::string_view text = "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64";
  std::string lengths;
  while (!text.empty()) {
    Utf8Scan scan = scanUtf8(text);
    lengths += scan.kind == Utf8Scan::Complete ? "." : std::to_string(scan.length);
    text.remove_prefix(scan.length);
  }
  EXPECT_EQ(lengths, ".321.1.11.");
}

} // namespace
