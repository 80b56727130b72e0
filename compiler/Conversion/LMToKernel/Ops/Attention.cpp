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
                       static_cast<int64_t>(op.getWindow().value_or(0))};
  SmallVector<Value> writes;
  if (int64_t partials = step.kernels().attentionPartials(shape))
    writes.push_back(step.activation(name + ".partials", Float32Type::get(step.context()), Dim::None, partials));
  writes.push_back(step.resultBuffer(op.getResult(), name, Dim::Tokens));
  step.launch(op, name,
              {step.bufferOf(op.getQ()), step.input("positions"), step.input("seq_starts"), step.input("context_lens"),
               step.input("page_table"), cache},
              writes, Dim::Tokens, step.kernels().attention(shape));
  return success();
}

static LogicalResult refuseAttention(lm::AttentionOp op, StepLowering &) {
  return op.emitError("expected the cached form: insert-kv-cache makes lm.cached_attention of it");
}

void addAttentionLowerings(OpLowerings &all) {
  all.add(lowerCachedAttention);
  all.add(refuseAttention);
}

} // namespace quipu
