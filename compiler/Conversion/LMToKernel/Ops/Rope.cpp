#include "compiler/Conversion/LMToKernel/OpLowerings.h"
#include "compiler/Conversion/LMToKernel/WeightOperands.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace quipu::kernel;
using llvm::formatv;

namespace quipu {

static LogicalResult lowerRope(lm::RopeOp op, StepLowering &step) {
  lm::RopeAttr rope = op.getRope();
  int64_t heads = featuresOf(op.getX()) / rope.getDim();
  std::string name = step.indexedName(op, "rope");
  Value table = step.ropeTable(rope);
  Value out = step.resultBuffer(op.getResult(), name, Dim::Tokens);
  return step.launch(
      op, name,
      {{"x", step.bufferOf(op.getX())},
       {"positions", step.bufferOf(op.getPositions())},
       {"rope_table", table},
       {"out", out}},
      Dim::Tokens,
      {formatv("rope_h{0}_d{1}", heads, rope.getDim()),
       "rope",
       {{"heads", heads}, {"dim", rope.getDim()}, {"rope_layout", lm::stringifyRopeLayout(rope.getLayout()).str()}}});
}

static LogicalResult lowerRopeAppend(lm::RopeAppendOp op, StepLowering &step) {
  auto type = cast<lm::KvType>(op.getCache().getType());
  std::string elem = formatName(type.getElem());
  Value cache = step.bufferOf(op.getCache());
  std::string name = step.layerName(cache) + ".rope_append";
  KernelParams params = {{"heads", static_cast<int64_t>(op.getHeads())},
                         {"kv_heads", type.getHeads()},
                         {"dim", type.getDim()},
                         {"elem", elem},
                         {"page_size", type.getLayout().getPageSize()}};
  Value table;
  if (lm::RopeAttr rope = op.getRopeAttr()) {
    params["rope_layout"] = lm::stringifyRopeLayout(rope.getLayout()).str();
    table = step.ropeTable(rope);
  }
  std::string symbol = formatv("rope_append_{0}_h{1}_kv{2}_d{3}", elem, op.getHeads(), type.getHeads(), type.getDim());
  if (op.getV()) {
    params["separate_v"] = true;
    symbol += "_separate_v";
  }
  Value q = step.resultBuffer(op.getQ(), name, Dim::Tokens);
  step.bind(op.getNextCache(), cache);
  return step.launch(op, name,
                     {{"qkv", step.bufferOf(op.getQkv())},
                      {"v", step.bufferOf(op.getV())},
                      {"positions", step.bufferOf(op.getPositions())},
                      {"slots", step.input("slots")},
                      {"rope_table", table},
                      {"cache", cache},
                      {"q_out", q}},
                     Dim::Tokens, {symbol, "rope_append", params});
}

void addRopeLowerings(OpLowerings &all) {
  all.add(lowerRope);
  all.add(lowerRopeAppend);
}

} // namespace quipu
