#include "compiler/Codegen/SharedParams.h"

namespace quipu {

const std::vector<std::string> &activationNames() {
  static const std::vector<std::string> names = {"silu", "gelu_tanh", "gelu_erf", "relu", "relu2", "sigmoid"};
  return names;
}

ParamSignature activationParam(std::string name, std::string help) {
  return textParam(std::move(name), activationNames(), std::move(help));
}

std::vector<ParamSignature> cacheParams() {
  return {integerParam("kv_heads", "heads of keys and values"), integerParam("dim", "features of a head"),
          textParam("elem", {"f32", "f16", "bf16", "i8"}, "storage type of the cache"),
          integerParam("page_size", "positions of a page")};
}

} // namespace quipu
