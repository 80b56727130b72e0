// Columns, rows and the sampled token.
#include "compiler/Reference/Evaluation.h"

namespace quipu::reference {
namespace {

Results evalSliceColumns(Evaluation &e, lm::SliceColumnsOp op) {
  return resultsOf(sliceColumns(e.tensor(op.getX()), op.getOffset(), op.getSize()));
}

Results evalSelectRows(Evaluation &e, lm::SelectRowsOp op) {
  for (int32_t row : e.ints(op.getRows()))
    if (row < 0 || row >= e.tensor(op.getX()).rows)
      return makeError("row {} is asked for of a step with {} tokens", row, e.tensor(op.getX()).rows);
  return resultsOf(selectRows(e.tensor(op.getX()), e.ints(op.getRows())));
}

Results evalSample(Evaluation &e, lm::SampleOp op) {
  const Tensor &logits = e.tensor(op.getLogits());
  const auto &sampling = std::get<Sampling>(e.get(op.getSampling()));
  uint64_t words = seenWords(uint64_t(logits.cols));
  for (size_t row = 0; row < sampling.rows.size(); ++row)
    if (sampling.rows[row].repetitionPenalty != 1 && sampling.seen.size() < (row + 1) * words)
      return makeError("row {} has a repetition penalty and no tokens that were seen", row);
  if (int64_t(sampling.rows.size()) != logits.rows)
    return makeError("{} rows of sampling with {} of logits", sampling.rows.size(), logits.rows);
  return resultsOf(sample(logits, sampling));
}

} // namespace

llvm::ArrayRef<OpEval> rowEvals() {
  static const OpEval table[] = {
      eval<evalSliceColumns>(),
      eval<evalSelectRows>(),
      eval<evalSample>(),
  };
  return table;
}

} // namespace quipu::reference
