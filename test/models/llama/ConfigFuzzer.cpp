// Any bytes as a config.json: they are refused with one line, or every value of the description is in its range.
#include "models/config/DecoderConfig.h"
#include "models/config/JsonFile.h"
#include "models/config/ModelConfig.h"

#include <cmath>
#include <cstdlib>

using namespace quipu;
using namespace quipu::models;

namespace {

void require(bool condition) {
  if (!condition)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto values = parseJsonObject({reinterpret_cast<const char *>(data), size}, "fuzz");
  if (!values) {
    require(values.error().message.find('\n') == std::string::npos);
    return 0;
  }
  auto decoder = parseDecoder({std::move(*values), nlohmann::json::object(), "fuzz", ""});
  if (!decoder) {
    require(decoder.error().message.find('\n') == std::string::npos);
    return 0;
  }
  require(decoder->headDim % 2 == 0 && decoder->heads % decoder->kvHeads == 0);
  for (int64_t layer = 0; layer < decoder->layers; ++layer) {
    const AttentionKind &kind = decoder->attentionOf(layer);
    require(std::isfinite(decoder->scoreScale(kind)) && kind.window.value_or(1) >= 1);
    if (!kind.rope)
      continue;
    require(static_cast<int64_t>(kind.rope->inverseFrequencies.size()) <= decoder->headDim / 2);
    for (double frequency : kind.rope->inverseFrequencies)
      require(std::isfinite(frequency) && frequency >= 0);
  }
  for (const TensorSpec &tensor : decoder->tensors())
    require(elementsOf(tensor) > 0);
  return 0;
}
