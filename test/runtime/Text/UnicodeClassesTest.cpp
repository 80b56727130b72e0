#include "runtime/Text/UnicodeClasses.h"

#include <chrono>
#include <gtest/gtest.h>

using namespace quipu;

namespace {

// Examples of Unicode Standard Annex 15, figures 3 to 6.
TEST(UnicodeClassesTest, normal_forms_follow_the_annex) {
  std::string ligature = "\xEF\xAC\x81"; // U+FB01, fi
  EXPECT_EQ(normalizeUnicode(ligature, NormalForm::NFC), ligature);
  EXPECT_EQ(normalizeUnicode(ligature, NormalForm::NFKC), "fi");
  std::string longS = "\xE1\xBA\x9B\xCC\xA3"; // U+1E9B U+0323
  EXPECT_EQ(normalizeUnicode(longS, NormalForm::NFC), longS);
  EXPECT_EQ(normalizeUnicode(longS, NormalForm::NFD), "\xC5\xBF\xCC\xA3\xCC\x87"); // U+017F U+0323 U+0307
  EXPECT_EQ(normalizeUnicode(longS, NormalForm::NFKC), "\xE1\xB9\xA9");            // U+1E69
  EXPECT_EQ(normalizeUnicode(longS, NormalForm::NFKD), "s\xCC\xA3\xCC\x87");
  EXPECT_EQ(normalizeUnicode("\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", NormalForm::NFC), "\xEA\xB0\x81"); // Hangul gag
}

TEST(UnicodeClassesTest, a_long_run_of_marks_is_not_quadratic) {
  std::string text = "e";
  while (text.size() < 1 << 20)
    text += "\xCC\x81\xCC\xA3"; // above, below: out of order
  auto start = std::chrono::steady_clock::now();
  std::string normal = normalizeUnicode(text, NormalForm::NFC);
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(normal.substr(0, 3), "\xE1\xBA\xB9"); // e with dot below
  EXPECT_LT(seconds.count(), 20);
}

TEST(UnicodeClassesTest, white_space_is_the_unicode_property) {
  for (char32_t c : {U'\t', U'\r', U' ', U'\u0085', U'\u00A0', U'\u2003', U'\u3000'})
    EXPECT_TRUE(isWhiteSpace(c)) << static_cast<uint32_t>(c);
  for (char32_t c : {U'\u180E', U'\u200B', U'\uFEFF', U'a', U'\x1F'})
    EXPECT_FALSE(isWhiteSpace(c)) << static_cast<uint32_t>(c);
}

} // namespace
