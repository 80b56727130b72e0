// Attention over the cache: one kernel, or two that divide the positions.
#include "compiler/Codegen/SharedParams.h"

namespace quipu {

static std::vector<OperandSignature> attentionOperands() {
  return {
      rowsOperand("q", "f32", "tokens", "heads * dim", "queries"),
      rowsOperand("positions", "i32", "tokens", "1", "of each token in its sequence"),
      rowsOperand("seq_starts", "i32", "sequences", "1", "first token of each sequence, and the end of the last"),
      rowsOperand("context_lens", "i32", "sequences", "1", "positions that each sequence has"),
      rowsOperand("page_table", "i32", "sequences", "", "pages of each sequence"),
      cacheOperand("cache", "keys and values"),
      written(rowsOperand("partials", "f32", "none", "", "CPU: what `attention` leaves to `attention_merge`"))
          .orAbsent(),
      written(rowsOperand("out", "f32", "tokens", "heads * dim", "the result")),
  };
}

static std::vector<ParamSignature> attentionParams(const std::vector<ParamSignature> &own) {
  std::vector<ParamSignature> params = cacheParams();
  params.insert(params.begin(), integerParam("heads", "query heads"));
  params.push_back(realParam("scale", "of the scores"));
  params.push_back(integerParam("window", "positions that a query sees at most (absent: all)").optional());
  params.push_back(realParam("softcap", "scaled scores s become softcap * tanh(s / softcap)").optional());
  params.insert(params.end(), own.begin(), own.end());
  return params;
}

void addAttentionSignatures(Signatures &all) {
  ParamSignature splits = integerParam("splits", "GPU: parts of the positions, at most");
  ParamSignature tokens = integerParam("tokens", "GPU: of a launch, at most");
  all.add({"attention", "softmax(scale * q k^T) v: each query sees its own sequence's positions up to its own.",
           attentionOperands(),
           attentionParams({flagParam("splits", "CPU: leaves parts of decoding sequences to `attention_merge`")})});
  all.add({"attention_split", "GPU: `attention` of parts of the positions, to scratch.", attentionOperands(),
           attentionParams({splits, tokens})});
  all.add({"attention_merge", "Joins the parts that `attention` with splits (CPU) or `attention_split` (GPU) left.",
           attentionOperands(), attentionParams({splits.optional(), tokens.optional()})});
}

} // namespace quipu
