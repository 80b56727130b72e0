#include "compiler/Codegen/Cpu/Generators.h"

namespace quipu::cpu {

Generator findGenerator(std::string_view name) {
  static constexpr struct {
    std::string_view name;
    Generator generator;
  } generators[] = {
      {"embedding", generateEmbedding},
      {"matmul", generateMatmul},
      {"pack_input", generatePackInput},
  };
  for (const auto &entry : generators)
    if (entry.name == name)
      return entry.generator;
  return nullptr;
}

} // namespace quipu::cpu
