#include "compiler/Conversion/LMToKernel/OpLowerings.h"
#include "compiler/Conversion/LMToKernel/WeightOperands.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

static LogicalResult lowerCachedAttention(lm::CachedAttentionOp op, StepLowering &step) {
  auto type = cast<lm::KvType>(op.getCache().getType());
  Value cache = step.bufferOf(op.getCache());
  std::string name = step.layerName(cache) + ".attention";
  AttentionShape shape{static_cast<int64_t>(op.getHeads()),
                       type.getHeads(),
                       type.getDim(),
                       formatName(type.getElem()),
                       type.getLayout().getPageSize(),
                       op.getScale().convertToDouble(),
                       static_cast<int64_t>(op.getWindow().value_or(0)),
                       op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0};
  Value partials;
  if (int64_t count = step.kernels().attentionPartials(shape))
    partials = step.activation(name + ".partials", Float32Type::get(step.context()), Dim::None, count);
  Value out = step.resultBuffer(op.getResult(), name, Dim::Tokens);
  return step.launch(op, name,
                     {{"q", step.bufferOf(op.getQ())},
                      {"positions", step.input("positions")},
                      {"seq_starts", step.input("seq_starts")},
                      {"context_lens", step.input("context_lens")},
                      {"page_table", step.input("page_table")},
                      {"cache", cache},
                      {"partials", partials},
                      {"out", out}},
                     Dim::Tokens, step.kernels().attention(shape));
}

static LogicalResult refuseAttention(lm::AttentionOp op, StepLowering &) {
  return op.emitError("expected the cached form: insert-kv-cache makes lm.cached_attention of it");
}

void addAttentionLowerings(OpLowerings &all) {
  all.add(lowerCachedAttention);
  all.add(refuseAttention);
}

} // namespace quipu
