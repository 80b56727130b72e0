// A tokenizer.model of any bytes, then a text through whatever came of it.
#include "runtime/Text/Tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace quipu;
  std::string_view bytes(reinterpret_cast<const char *>(data), size);
  auto tokenizer = Tokenizer::fromBytes(TokenizerFormat::SentencePiece, bytes, {}, "tokenizer.model");
  if (!tokenizer)
    return 0;
  constexpr std::string_view text = "The 12 foxes' caf\xC3\xA9\xCC\x81 \xE2\x96\x81\xF0\x9F\xA6\x99 <s>\r\n\t  end.";
  for (bool parseSpecial : {false, true})
    if (auto ids = (*tokenizer)->encode(text, {true, parseSpecial}))
      (void)(*tokenizer)->decode(*ids, {/*skipSpecialTokens=*/parseSpecial});
  return 0;
}
