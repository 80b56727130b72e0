// Any bytes as a config.json: they are refused with one line, or every value of the description is in its range.
#include "models/config/JsonFile.h"
#include "models/config/ModelConfig.h"
#include "models/llama/LlamaConfig.h"

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
  auto llama = llama::parseConfig({std::move(*values), nlohmann::json::object(), "fuzz", ""});
  if (!llama) {
    require(llama.error().message.find('\n') == std::string::npos);
    return 0;
  }
  require(llama->headDim % 2 == 0 && llama->heads % llama->kvHeads == 0);
  require(static_cast<int64_t>(llama->kinds[0].rope->inverseFrequencies.size()) == llama->headDim / 2);
  for (double frequency : llama->kinds[0].rope->inverseFrequencies)
    require(std::isfinite(frequency) && frequency >= 0);
  for (const TensorSpec &tensor : llama->tensors())
    require(elementsOf(tensor) > 0);
  return 0;
}
