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
  return step.launch(op, name,
                     {{"x", step.bufferOf(op.getX())},
                      {"positions", step.bufferOf(op.getPositions())},
                      {"rope_table", table},
                      {"out", out}},
                     Dim::Tokens,
                     {formatv("rope_h{0}_d{1}", heads, rope.getDim()),
                      "rope",
                      {{"heads", heads},
                       {"dim", rope.getDim()},
                       {"rotated", rope.getRotated()},
                       {"rope_layout", lm::stringifyRopeLayout(rope.getLayout()).str()}}});
}

static int64_t sizeOf(Value vector) { return cast<RankedTensorType>(vector.getType()).getDimSize(0); }

// What is done to heads beside their rotation; gives what a symbol says of it.
static std::string addHeadParams(lm::RopeAppendOp op, KernelParams &params) {
  std::string symbol;
  if (op.getQGain()) {
    params["norm_eps"] = op.getNormEps()->convertToDouble();
    params["gains"] = sizeOf(op.getQGain());
    params["k_gains"] = sizeOf(op.getKGain());
    if (op.getCentred())
      params["centred"] = true;
    if (op.getWhole())
      params["whole"] = true;
    symbol += op.getCentred() ? "_layer_norm" : "_rms_norm";
  }
  if (std::optional<ArrayRef<double>> scale = op.getQueryScale()) {
    params["query_scale_beta"] = (*scale)[0];
    params["query_scale_length"] = static_cast<int64_t>((*scale)[1]);
    symbol += "_query_scale";
  }
  return symbol;
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
    params["rotated"] = rope.getRotated();
    table = step.ropeTable(rope);
  }
  std::string symbol = formatv("rope_append_{0}_h{1}_kv{2}_d{3}", elem, op.getHeads(), type.getHeads(), type.getDim());
  if (op.getV()) {
    params["separate_v"] = true;
    symbol += "_separate_v";
  }
  symbol += addHeadParams(op, params);
  FailureOr<Value> qGain = step.vectorWeight(op, op.getQGain()), kGain = step.vectorWeight(op, op.getKGain());
  if (failed(qGain) || failed(kGain))
    return failure();
  Value q = step.resultBuffer(op.getQ(), name, Dim::Tokens);
  step.bind(op.getNextCache(), cache);
  return step.launch(op, name,
                     {{"qkv", step.bufferOf(op.getQkv())},
                      {"v", step.bufferOf(op.getV())},
                      {"positions", step.bufferOf(op.getPositions())},
                      {"slots", step.input("slots")},
                      {"rope_table", table},
                      {"q_gain", *qGain},
                      {"k_gain", *kGain},
                      {"cache", cache},
                      {"q_out", q}},
                     Dim::Tokens, {symbol, "rope_append", params});
}

static LogicalResult lowerPositionScale(lm::PositionScaleOp op, StepLowering &step) {
  std::string name = step.indexedName(op, "position_scale");
  Value out = step.resultBuffer(op.getResult(), name, Dim::Tokens);
  return step.launch(op, name,
                     {{"x", step.bufferOf(op.getX())}, {"positions", step.bufferOf(op.getPositions())}, {"out", out}},
                     Dim::Tokens,
                     {formatv("position_scale_n{0}", featuresOf(op.getX())),
                      "position_scale",
                      {{"n", featuresOf(op.getX())},
                       {"beta", op.getBeta().convertToDouble()},
                       {"length", static_cast<int64_t>(op.getLength())}}});
}

void addRopeLowerings(OpLowerings &all) {
  all.add(lowerPositionScale);
  all.add(lowerRope);
  all.add(lowerRopeAppend);
}

} // namespace quipu
