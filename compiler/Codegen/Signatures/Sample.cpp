// The next token of each row: one kernel, or two where several blocks of a GPU share a row.
#include "compiler/Codegen/SharedParams.h"

namespace quipu {

static std::vector<OperandSignature> sampleOperands() {
  return {
      rowsOperand("logits", "f32", "rows_dim", "n", "of every token of the vocabulary"),
      rowsOperand("sampling", "i32", "rows_dim", "8", "a RowSampling (runtime/Artifact/RowSampling.h)"),
      rowsOperand("seen", "i32", "rows_dim", "(n + 31) / 32", "tokens of the row's sequence, a bit each"),
      written(rowsOperand("out", "i32", "rows_dim", "1", "the token; -1 where no logit is a number")),
  };
}

void addSampleSignatures(Signatures &all) {
  std::vector<ParamSignature> params = {integerParam("n", "tokens of the vocabulary"),
                                        rowsDimParam().fallsBackTo(int64_t(2))};
  all.add({"sample", "The next token of each row, by the row's sampling.", sampleOperands(), params});
  params.push_back(integerParam("splits", "blocks that share a row"));
  params.push_back(integerParam("rows", "of a launch, at most"));
  all.add({"sample_split", "GPU: surveys parts of each row, to scratch.", sampleOperands(), params});
  all.add({"sample_merge", "GPU: `sample` by what `sample_split` found.", sampleOperands(), params});
}

} // namespace quipu
