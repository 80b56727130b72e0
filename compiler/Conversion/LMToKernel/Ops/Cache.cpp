#include "compiler/Conversion/LMToKernel/OpLowerings.h"
#include "compiler/Conversion/LMToKernel/WeightOperands.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

static LogicalResult lowerKvCache(lm::KvCacheOp op, StepLowering &step) {
  step.bind(op.getCache(), step.kvCache(op));
  return success();
}

static LogicalResult lowerKvAppend(lm::KvAppendOp op, StepLowering &step) {
  auto type = cast<lm::KvType>(op.getCache().getType());
  std::string elem = formatName(type.getElem());
  Value cache = step.bufferOf(op.getCache());
  step.bind(op.getResult(), cache);
  return step.launch(op, step.layerName(cache) + ".kv_append",
                     {{"k", step.bufferOf(op.getK())},
                      {"v", step.bufferOf(op.getV())},
                      {"slots", step.input("slots")},
                      {"cache", cache}},
                     Dim::Tokens,
                     {llvm::formatv("kv_append_{0}_kv{1}_d{2}", elem, type.getHeads(), type.getDim()),
                      "kv_append",
                      {{"kv_heads", type.getHeads()},
                       {"dim", type.getDim()},
                       {"elem", elem},
                       {"page_size", type.getLayout().getPageSize()}}});
}

void addCacheLowerings(OpLowerings &all) {
  all.add(lowerKvCache);
  all.add(lowerKvAppend);
}

} // namespace quipu
