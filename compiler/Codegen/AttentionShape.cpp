#include "compiler/Codegen/AttentionShape.h"

#include <fmt/format.h>

namespace quipu {

std::string AttentionShape::symbolStem() const {
  return fmt::format("attention_{}_h{}_kv{}_d{}{}{}", elem, heads, kvHeads, dim,
                     window ? fmt::format("_w{}", window) : "", softcap ? "_softcap" : "");
}

KernelParams AttentionShape::params() const {
  KernelParams params = {{"heads", heads}, {"kv_heads", kvHeads},   {"dim", dim},
                         {"elem", elem},   {"page_size", pageSize}, {"scale", scale}};
  if (window)
    params["window"] = window;
  if (softcap)
    params["softcap"] = softcap;
  return params;
}

AttentionShape AttentionShape::read(ParamReader &params) {
  AttentionShape shape;
  shape.heads = params.integer("heads");
  shape.kvHeads = params.integer("kv_heads");
  shape.dim = params.integer("dim");
  shape.elem = params.text("elem");
  shape.pageSize = params.integer("page_size");
  shape.scale = params.real("scale");
  if (params.has("window"))
    shape.window = params.integer("window");
  if (params.has("softcap"))
    shape.softcap = params.real("softcap");
  params.require(shape.softcap >= 0, "expected softcap of at least 0");
  params.require(shape.heads % shape.kvHeads == 0,
                 fmt::format("expected heads ({}) to be a multiple of kv_heads ({})", shape.heads, shape.kvHeads));
  return shape;
}

} // namespace quipu
