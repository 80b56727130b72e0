// Any bytes as a GGUF file: they are refused in one line, or every tensor lies inside them, and configuration and
// tokenizer come of them or are refused.
#include "models/Family.h"
#include "models/import/CheckpointTokenizer.h"
#include "models/import/gguf/GgufConfig.h"

#include <cstdlib>

using namespace quipu;
using namespace quipu::models;

template <typename T> static bool accepted(const Expected<T> &result) {
  if (!result && (result.error().message.empty() || result.error().message.find('\n') != std::string::npos))
    std::abort();
  return result.has_value();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto file = GgufFile::parse(reinterpret_cast<const std::byte *>(data), size, "fuzz");
  if (!accepted(file))
    return 0;
  size_t total = 0;
  unsigned sum = 0;
  for (const GgufTensor &tensor : file->tensors) {
    total += tensor.bytes;
    for (size_t i = 0; i < tensor.bytes; ++i)
      sum += static_cast<unsigned>(tensor.data[i]);
  }
  volatile unsigned keep = sum;
  (void)keep;
  if (total > size)
    std::abort();
  std::vector<std::string> warnings;
  if (auto architecture = findGgufArchitecture(*file); accepted(architecture)) {
    for (const GgufTensor &tensor : file->tensors)
      (*architecture)->huggingFaceName(tensor.name);
    if (auto config = readGgufConfig(*file, **architecture, warnings); accepted(config))
      accepted(describeModel(*config));
  }
  auto tokenizer = readGgufTokenizer(*file);
  if (!tokenizer || !*tokenizer) // names of tokens stand in its messages as they are
    return 0;
  if (auto ids = (*tokenizer)->encode("The 12 foxes' caf\xC3\xA9 \xE2\x96\x81<s>\r\n end."))
    (void)(*tokenizer)->decode(*ids);
  (void)Tokenizer::deserialize((*tokenizer)->serialize());
  return 0;
}
