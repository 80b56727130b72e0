#include "runtime/Text/HuggingFace/RegexSyntax.h"

#include "runtime/Text/HuggingFace/TextPattern.h"
#include <gtest/gtest.h>

using namespace quipu;

namespace {

std::vector<std::string> matchesOf(const char *pattern, std::string_view text) {
  auto compiled = TextPattern::regex(pattern);
  if (!compiled)
    return {compiled.error().message};
  PatternSearch search(*compiled);
  auto spans = search.matches(text);
  if (!spans)
    return {spans.error().message};
  std::vector<std::string> result;
  for (const Span &span : **spans)
    result.emplace_back(text.substr(span.begin, span.end - span.begin));
  return result;
}

using Strings = std::vector<std::string>;

TEST(RegexSyntaxTest, classes_mean_what_oniguruma_means) {
  EXPECT_EQ(matchesOf("\\s", "a\xE1\xA0\x8E"
                             "b\xC2\x85"),
            Strings{"\xC2\x85"}); // U+180E is no space
  EXPECT_EQ(matchesOf("[^\\S\\n]+", "a \t\n b"), (Strings{" \t", " "}));
  EXPECT_EQ(matchesOf("\\w+", "a\xCC\x81\xC2\xBD_- b"), (Strings{"a\xCC\x81\xC2\xBD_", "b"}));
  EXPECT_EQ(matchesOf("\\h+", "xyz 12af g"), Strings{"12af"});
  EXPECT_EQ(matchesOf("\\p{Han}+", "\xE6\xBC\xA2\xE3\x80\x81"), Strings{"\xE6\xBC\xA2"}); // not the comma
  EXPECT_EQ(matchesOf("[[:punct:]]+", "a.$\xC2\xA3"), Strings{".$"});
  EXPECT_EQ(matchesOf("\\u00e9", "e\xC3\xA9"), Strings{"\xC3\xA9"});
  EXPECT_EQ(matchesOf("^.", "ab\ncd"), (Strings{"a", "c"}));
}

TEST(RegexSyntaxTest, classes_are_joined_and_intersected) {
  EXPECT_EQ(matchesOf("[a-z&&[^bc]]+", "abcd-e"), (Strings{"a", "d", "e"}));
  EXPECT_EQ(matchesOf("[a-z&&b-d]{2}x", "abcdx"), (Strings{"cdx"}));
  EXPECT_EQ(matchesOf("[\\p{L}&&[^\\p{Han}]]+|-", "ab\xE6\xBC\xA2-"), (Strings{"ab", "-"}));
  EXPECT_EQ(matchesOf("[^(\\s|[.,])]+", "a(b|c.d e"), (Strings{"a", "b", "c", "d", "e"}));
}

TEST(RegexSyntaxTest, empty_matches_move_on) {
  EXPECT_EQ(matchesOf("x*", "axb"), (Strings{"", "x", ""}));
  EXPECT_EQ(matchesOf("(?=\xC3\xA9)", "\xC3\xA9\xC3\xA9"), (Strings{"", ""}));
}

TEST(RegexSyntaxTest, intervals_keep_their_meaning) {
  EXPECT_EQ(matchesOf("a{,2}b", "aaab"), Strings{"aab"});
  EXPECT_EQ(matchesOf("a{b", "a{b"), Strings{"a{b"});
}

TEST(RegexSyntaxTest, what_cannot_be_said_is_refused_by_name) {
  auto error = [](const char *pattern) { return matchesOf(pattern, "").at(0); };
  EXPECT_EQ(error("[^a-z&&[^b]]"), "regular expression '[^a-z&&[^b]]': '&&' is not supported");
  EXPECT_EQ(error("[a&&b&&c]"), "regular expression '[a&&b&&c]': '&&' is not supported");
  EXPECT_EQ(error("[a&&[b]c]"),
            "regular expression '[a&&[b]c]': '&& with more than a class behind it' is not supported");
  EXPECT_EQ(error("[a[^b]]"), "regular expression '[a[^b]]': '[^ inside a class' is not supported");
  EXPECT_EQ(error("\\d{1,3}+"), "regular expression '\\d{1,3}+': '{1,3}+' is not supported");
  EXPECT_EQ(error("\\X"), "regular expression '\\X': '\\X' is not supported");
  EXPECT_EQ(error("(?m:a)"), "regular expression '(?m:a)': '(?m' is not supported");
  EXPECT_EQ(error("(*FAIL)"), "regular expression '(*FAIL)': '(*F' is not supported");
  EXPECT_EQ(error("[[:graph:]]"), "regular expression '[[:graph:]]': '[:graph:]' is not supported");
  EXPECT_EQ(error("a\\"), "regular expression 'a\\': '\\ at the end' is not supported");
}

} // namespace
