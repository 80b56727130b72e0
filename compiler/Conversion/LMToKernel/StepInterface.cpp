// The buffers at the edges of a step: what the runtime uploads, and what it reads back.
#include "compiler/Conversion/LMToKernel/StepLowering.h"
#include "runtime/Artifact/RowSampling.h"
#include "runtime/Support/Rounding.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

LogicalResult StepLowering::declareInputs() {
  ArrayRef<Type> arguments = func.getArgumentTypes();
  if (arguments.size() != 5 || !isa<lm::BatchType>(arguments[3]) || !isa<lm::SamplingType>(arguments[4]))
    return func.emitError("expected the cached form (ids, pos, rows, batch, sampling); insert-kv-cache makes it");
  FailureOr<int64_t> pageSize = findPageSize();
  if (failed(pageSize))
    return failure();
  Type i32 = IntegerType::get(func.getContext(), 32);
  auto input = [&](StringRef name, Dim rows, int64_t columns = 1, int64_t extraRows = 0) {
    return inputs[name] = program.buffer(Role::Input, name, i32, rows, columns, extraRows);
  };
  auto bind = [&](unsigned argument, Value buffer, Dim rows) {
    buffers[func.getArgument(argument)] = buffer;
    dims[func.getArgument(argument)] = rows;
  };
  bind(0, input("ids", Dim::Tokens), Dim::Tokens);
  bind(1, input("positions", Dim::Tokens), Dim::Tokens);
  input("slots", Dim::Tokens);
  input("seq_starts", Dim::Sequences, /*columns=*/1, /*extraRows=*/1);
  input("context_lens", Dim::Sequences);
  input("page_table", Dim::Sequences, /*columns=*/divideUp(limits.context, *pageSize));
  bind(2, input("rows", Dim::Rows), Dim::Rows);
  bind(4, input("sampling", Dim::Rows, /*columns=*/sizeof(RowSampling) / sizeof(int32_t)), Dim::Rows);
  return success();
}

FailureOr<int64_t> StepLowering::findPageSize() {
  int64_t pageSize = 0;
  for (auto cache : func.getBody().getOps<lm::KvCacheOp>()) {
    lm::KvLayout layout = cast<lm::KvType>(cache.getCache().getType()).getLayout();
    if (!layout.isPaged())
      return cache.emitError("expected a paged cache; page-kv-cache makes it");
    if (pageSize && layout.getPageSize() != pageSize)
      return cache.emitError("expected pages of ")
             << pageSize << " positions as in the caches before, got " << layout.getPageSize();
    pageSize = layout.getPageSize();
  }
  if (!pageSize)
    return func.emitError("expected a KV cache; insert-kv-cache makes it");
  return pageSize;
}

LogicalResult StepLowering::declareOutputs() {
  Operation *terminator = func.getBody().front().getTerminator();
  if (terminator->getNumOperands() != 2)
    return terminator->emitError("expected the results of the cached form: logits and sampled");
  Value logits = terminator->getOperand(0), sampled = terminator->getOperand(1);
  if (!lm::isRowsType(logits.getType()) || !lm::isIntsType(sampled.getType()) || logits.getDefiningOp() == nullptr ||
      sampled.getDefiningOp() == nullptr)
    return terminator->emitError("expected logits (rows of f32) and sampled (i32), computed by the function");
  Type i32 = IntegerType::get(func.getContext(), 32);
  inputs["seen"] =
      program.buffer(Role::Input, "seen", i32, Dim::Rows, static_cast<int64_t>(seenWords(featuresOf(logits))));
  returned[logits] =
      program.buffer(Role::Output, "logits", Float32Type::get(func.getContext()), Dim::Rows, featuresOf(logits));
  returned[sampled] = program.buffer(Role::Output, "sampled", i32, Dim::Rows, /*columns=*/1);
  return success();
}

} // namespace quipu
