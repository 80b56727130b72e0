#include "runtime/Text/HuggingFace/TextPattern.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/HuggingFace/RegexSyntax.h"
#include "runtime/Text/Json.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace quipu {

namespace {

template <auto release> struct Releaser {
  template <typename T> void operator()(T *object) const { release(object); }
};
using CompileContext = std::unique_ptr<pcre2_compile_context, Releaser<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Releaser<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Releaser<pcre2_match_data_free>>;
using JitStack = std::unique_ptr<pcre2_jit_stack, Releaser<pcre2_jit_stack_free>>;

std::string describe(int code) {
  unsigned char text[256];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char *>(text);
}

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

} // namespace

struct TextPattern::Regex {
  std::string pattern; // as given, for errors
  std::unique_ptr<pcre2_code, Releaser<pcre2_code_free>> code;
};

Expected<TextPattern> TextPattern::literal(std::string text) {
  if (text.empty())
    return makeError("an empty string cannot be searched for");
  TextPattern pattern;
  pattern.string = std::move(text);
  return pattern;
}

Expected<TextPattern> TextPattern::regex(std::string_view oniguruma) {
  auto translated = translateOniguruma(oniguruma);
  if (!translated)
    return passError(std::move(translated));
  CompileContext context(pcre2_compile_context_create(nullptr));
  if (!context)
    return makeError("out of memory");
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int code = 0;
  PCRE2_SIZE offset = 0;
  auto regex = std::make_shared<Regex>();
  regex->pattern = oniguruma;
  regex->code.reset(pcre2_compile(units(*translated), translated->size(), PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE,
                                  &code, &offset, context.get()));
  if (!regex->code)
    return makeError("regular expression '{}': {}", oniguruma, describe(code));
  // Where a machine forbids executable memory PCRE2 interprets the pattern, with the same result.
  pcre2_jit_compile(regex->code.get(), PCRE2_JIT_COMPLETE);
  TextPattern pattern;
  pattern.compiled = std::move(regex);
  return pattern;
}

Expected<TextPattern> TextPattern::fromJson(const nlohmann::json &json, const std::string &where) {
  JsonFields fields(json, where);
  std::string string = fields.string("String", ""), expression = fields.string("Regex", "");
  if (auto known = fields.finish(); !known)
    return passError(std::move(known));
  auto pattern = expression.empty() ? literal(std::move(string)) : regex(expression);
  if (!pattern)
    return makeError("{}: {}", where, pattern.error().message);
  return pattern;
}

struct PatternSearch::Memory {
  MatchData data{pcre2_match_data_create(1, nullptr)};
  MatchContext context{pcre2_match_context_create(nullptr)};
  JitStack stack{pcre2_jit_stack_create(32 << 10, 8 << 20, nullptr)};
};

PatternSearch::PatternSearch(const TextPattern &pattern) : pattern(pattern) {
  if (pattern.compiled)
    memory = std::make_unique<Memory>();
}

PatternSearch::~PatternSearch() = default;

Expected<const std::vector<Span> *> PatternSearch::matches(std::string_view text) {
  spans.clear();
  if (!memory)
    findString(text);
  else if (auto found = findRegex(text); !found)
    return passError(std::move(found));
  return &spans;
}

void PatternSearch::findString(std::string_view text) {
  const std::string &string = pattern.string;
  for (size_t at = text.find(string); at != std::string_view::npos; at = text.find(string, at + string.size()))
    spans.push_back({at, at + string.size()});
}

Expected<void> PatternSearch::findRegex(std::string_view text) {
  if (!memory->data || !memory->context || !memory->stack)
    return makeError("out of memory");
  // Bounds the time a hostile pattern can take; a sane one needs a few units per byte.
  size_t limit = std::min<size_t>(10'000'000 + 20 * text.size(), UINT32_MAX);
  pcre2_set_match_limit(memory->context.get(), static_cast<uint32_t>(limit));
  pcre2_jit_stack_assign(memory->context.get(), nullptr, memory->stack.get());
  const TextPattern::Regex &regex = *pattern.compiled;
  for (size_t at = 0; at <= text.size();) {
    int count = pcre2_match(regex.code.get(), units(text), text.size(), at, PCRE2_NO_UTF_CHECK, memory->data.get(),
                            memory->context.get());
    if (count == PCRE2_ERROR_NOMATCH)
      break;
    if (count < 0)
      return makeError("regular expression '{}': {}", regex.pattern, describe(count));
    const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(memory->data.get());
    size_t begin = bounds[0], end = std::max(bounds[0], bounds[1]);
    if (begin != end || spans.empty() || spans.back().end != begin) // no empty match right after another
      spans.push_back({begin, end});
    at = end;
    if (begin == end)
      at += end < text.size() ? scanUtf8(text.substr(end, 4)).length : 1;
  }
  return {};
}

} // namespace quipu
