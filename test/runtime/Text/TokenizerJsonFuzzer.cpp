// A tokenizer.json of any bytes, then a text through whatever came of it, also by way of the artifact's form.
#include "runtime/Text/HuggingFace/HuggingFaceModel.h"
#include "runtime/Text/Tokenizer.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace quipu;
  std::string_view bytes(reinterpret_cast<const char *>(data), size);
  (void)Tokenizer::deserialize(bytes);
  (void)HuggingFaceModel::fromCompact(bytes, "tables");
  auto tokenizer = Tokenizer::fromBytes(TokenizerFormat::HuggingFace, bytes, {}, "tokenizer.json");
  if (!tokenizer)
    return 0;
  constexpr std::string_view text = "The 12 foxes' caf\xC3\xA9\xCC\x81 \xE2\x96\x81\xF0\x9F\xA6\x99 <s>\r\n\t  end.";
  auto ids = (*tokenizer)->encode(text);
  auto again = Tokenizer::deserialize((*tokenizer)->serialize());
  // What was accepted once must be read back, and mean the same.
  if (!again || (*again)->encode(text).has_value() != ids.has_value())
    std::abort();
  if (ids && (*(*again)->encode(text) != *ids || (*again)->decode(*ids) != (*tokenizer)->decode(*ids)))
    std::abort();
  return 0;
}
