#include "compiler/Codegen/Gpu/Kernels/Attention.h"

#include "compiler/Codegen/Gpu/Kernels/DeviceType.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"

#include <cmath>
#include <fmt/format.h>

namespace quipu::gpu {

AttentionParams readAttention(ParamReader &params) {
  AttentionParams p;
  p.heads = params.integer("heads");
  p.kvHeads = params.integer("kv_heads");
  p.dim = params.integer("dim");
  p.scale = params.real("scale");
  p.window = params.integerOr("window", 0);
  p.elem = deviceType(params, "elem");
  int64_t pageSize = params.integer("page_size");
  params.require(pageSize == 16, fmt::format("expected pages of 16 positions, got {}", pageSize));
  params.require(p.heads % p.kvHeads == 0,
                 fmt::format("expected heads ({}) to be a multiple of kv_heads ({})", p.heads, p.kvHeads));
  params.require(p.dim <= 512, fmt::format("expected heads of at most 512 dimensions, got {}", p.dim));
  return p;
}

std::string AttentionParams::members() const {
  // Scores are in base 2: the scale holds log2 e.
  return fmt::format("  typedef {} Elem;\n"
                     "  static QUIPU_DEVICE_MEMBER float scale() {{ return {}; }}\n"
                     "  enum {{ heads = {}, kvHeads = {}, dim = {}, window = {} }};\n",
                     elem, floatLiteral(scale * std::log2(std::exp(1.0))), heads, kvHeads, dim, window);
}

std::vector<std::string> AttentionParams::operands() const {
  return {"const float *", "const i32 *",          "const i32 *", "const i32 *",
          "const i32 *",   "const " + elem + " *", "float *"};
}

} // namespace quipu::gpu
