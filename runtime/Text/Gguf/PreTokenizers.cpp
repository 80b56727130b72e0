#include "runtime/Text/Gguf/PreTokenizers.h"

#include "runtime/Text/HuggingFace/ByteLevel.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace quipu {

using nlohmann::json;

namespace {

json split(std::string_view regex, const char *behavior = "Isolated") {
  return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", behavior}};
}

json byteLevel(bool useRegex = false) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", useRegex}};
}

json sequence(std::vector<json> steps) { return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}}; }

// Splits one after the other, then bytes as characters.
json splits(std::initializer_list<std::string_view> regexes) {
  std::vector<json> steps;
  for (std::string_view regex : regexes)
    steps.push_back(split(regex));
  steps.push_back(byteLevel());
  return sequence(std::move(steps));
}

constexpr std::string_view kDigit = R"(\p{N})";
constexpr std::string_view kThreeDigits = R"(\p{N}{1,3})";
constexpr std::string_view kHanAndKana = R"([一-龥぀-ゟ゠-ヿ]+)";
constexpr std::string_view kLineEnd = R"([\r\n])";
constexpr std::string_view kHanAndHangul = R"([一-龥ࠀ-一가-퟿]+)";

constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// With marks among the letters.
constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kMiniCpm5 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kExaoneMoe =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kO200k =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// As o200k, with single digits and without contractions.
constexpr std::string_view kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
                                     R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
                                     R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// As o200k, with Chinese characters apart from other letters.
constexpr std::string_view kKimi =
    R"([\p{Han}]+|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// Digits in groups of three from the right.
constexpr std::string_view kDigitGroups = R"(\d{1,3}(?=(?:\d{3})*\b))";

constexpr std::string_view kDeepSeekV3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kSpark =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+)";
// Letters with an upper and a lower case. Those that an editor could normalise away are written as numbers.
constexpr std::string_view kDeepSeekLlmLetters =
    R"(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\x{1F7D}ᾀ-ᾴᾶ-ᾼ\x{1FBE}ῂ-ῄῆ-ῌῐ-\x{1FD3}ῖ-\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\x{2126}ℨ\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)";
constexpr std::string_view kBloom = R"( ?[^(\s|[.,!?…。，、।۔،])]+)";

std::vector<NamedPreTokenizer> makeTable() {
  const json none, nfc = {{"type", "NFC"}};
  const json falcon = sequence({{{"type", "Punctuation"}, {"behavior", "Contiguous"}},
                                byteLevel(/*useRegex=*/true),
                                {{"type", "Digits"}, {"individual_digits", false}},
                                split("[0-9][0-9][0-9]")});
  const json laguna = sequence({split(R"((?:\r?\n)+(?!\r?\n))", "MergedWithNext"), split(kQwen2), byteLevel()});
  return {
      {{"gpt-2", "phi-2", "exaone4", "jais", "trillion", "granite-docling", "gigachat", "a.x-4.0", "mellum"},
       none,
       splits({kGpt2Pattern})},
      {{"mpt", "olmo"}, nfc, splits({kGpt2Pattern})}, // GPT-NeoX's
      {{"smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b", "mellum2"},
       none,
       splits({kDigit, kGpt2Pattern})},
      {{"command-r"}, nfc, splits({kDigit, kGpt2Pattern})},
      {{"llama-bpe", "llama3", "llama-v3", "lfm2", "falcon3", "falcon-h1", "pixtral", "midm-2.0"},
       none,
       splits({kLlama3}),
       /*ignoreMerges=*/true,
       /*addBos=*/true},
      {{"glm4", "glm5"}, none, splits({kLlama3}), /*ignoreMerges=*/true},
      {{"dbrx", "smaug-bpe", "chatglm-bpe"}, none, splits({kLlama3})},
      {{"qwen2", "deepseek-r1-qwen", "megrez", "kormo", "stablelm2"}, nfc, splits({kQwen2})},
      {{"hunyuan", "grok-2", "solar-open"}, none, splits({kQwen2})},
      {{"qwen35"}, nfc, splits({kQwen35})},
      {{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, none, splits({kO200k})},
      {{"tekken"}, none, splits({kTekken}), /*ignoreMerges=*/true, /*addBos=*/true},
      {{"tiny_aya", "cohere2moe"}, nfc, splits({kDigitGroups, kO200k})},
      {{"kimi-k2"}, none, splits({kKimi})},
      {{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"}, none, splits({kThreeDigits, kHanAndKana, kDeepSeekV3})},
      {{"deepseek-llm"},
       none,
       splits({kLineEnd, kDeepSeekLlmLetters, R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)", R"(\s+$)", kHanAndHangul, kDigit})},
      {{"deepseek-coder"}, none, splits({kLineEnd, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kHanAndHangul, kDigit})},
      {{"falcon"}, none, falcon},
      {{"seed-coder"}, none, splits({kSeedCoder})},
      {{"bailingmoe", "bailingmoe2", "llada-moe"}, none, splits({kBailing})},
      {{"exaone-moe"}, none, splits({kExaoneMoe})},
      {{"minicpm5"}, none, splits({kThreeDigits, kMiniCpm5}), /*ignoreMerges=*/true},
      {{"spark2_5"}, none, splits({kThreeDigits, kHanAndKana, kSpark, kDigit})},
      {{"laguna"}, none, laguna},
      {{"bloom", "gpt3-finnish", "poro-chat"}, none, splits({kBloom})},
      {{"viking"}, none, splits({kBloom, kDigit})},
  };
}

const std::vector<NamedPreTokenizer> &table() {
  static const std::vector<NamedPreTokenizer> rows = makeTable();
  return rows;
}

} // namespace

const NamedPreTokenizer *findPreTokenizer(std::string_view name) {
  for (const NamedPreTokenizer &row : table())
    if (std::find(row.names.begin(), row.names.end(), name) != row.names.end())
      return &row;
  return nullptr;
}

std::string preTokenizerNames() {
  std::vector<std::string_view> names;
  for (const NamedPreTokenizer &row : table())
    names.insert(names.end(), row.names.begin(), row.names.end());
  std::sort(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

} // namespace quipu
