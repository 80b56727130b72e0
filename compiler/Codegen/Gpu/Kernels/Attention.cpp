#include "compiler/Codegen/Gpu/Kernels/Attention.h"

#include "compiler/Codegen/Gpu/SourcePrinter.h"

#include <cmath>
#include <fmt/format.h>

namespace quipu::gpu {

AttentionParams readAttention(ParamReader &params) {
  AttentionParams p{AttentionShape::read(params), cacheType(params)};
  params.require(p.softcap == 0, "a softcap of scores is not supported on GPUs yet");
  params.require(p.dim <= 512, fmt::format("expected heads of at most 512 dimensions, got {}", p.dim));
  return p;
}

std::string AttentionParams::members() const {
  // Scores are in base 2: the scale holds log2 e.
  return fmt::format("  typedef {} Elem;\n"
                     "  static QUIPU_DEVICE_MEMBER float scale() {{ return {}; }}\n"
                     "  enum {{ heads = {}, kvHeads = {}, dim = {}, window = {} }};\n",
                     type, floatLiteral(scale * std::log2(std::exp(1.0))), heads, kvHeads, dim, window);
}

} // namespace quipu::gpu
