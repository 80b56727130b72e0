// Routers and the matmuls of experts: expert_group, expert_pack and expert_matmul are the stages of one launch.
#include "compiler/Codegen/SharedParams.h"

namespace quipu {

// Sizes by the parameters that a stage has; empty: it does not ask for them.
struct ExpertExtents {
  std::string x = {}, rows = {}, columns = {}, storage = {}, outputs = {}, out = {};
};

static std::vector<OperandSignature> expertOperands(const ExpertExtents &by) {
  return {
      rowsOperand("x", "f32", "tokens", by.x, "rows, or a part for each expert"),
      weightOperand("weight", by.storage, {"experts", by.rows, by.columns},
                    "a matrix for each expert; where gated, the rows of the gate, then those of the up projection"),
      rowsOperand("ids", "i32", "tokens", "chosen", "the experts of each token"),
      rowsOperand("combine", "f32", "tokens", "chosen", "weights of the products' sum").orAbsent(),
      rowsOperand("residual", "f32", "tokens", by.outputs, "added to the sum").orAbsent(),
      written(rowsOperand("groups", "i32", "tokens", "", "which rows each expert has")),
      written(rowsOperand("packed", "", "tokens", "", "x in the form that the products read")),
      written(rowsOperand("out", "f32", "tokens", by.out, "the result")),
  };
}

void addExpertsSignatures(Signatures &all) {
  ParamSignature experts = integerParam("experts", "how many there are");
  ParamSignature chosen = integerParam("chosen", "experts of a token");
  all.add({"route",
           "The experts of each token, by the scores that logits give them, and their weights.",
           {rowsOperand("logits", "f32", "tokens", "experts", "one for each expert"),
            weightOperand("bias", "f32", {"experts"}, "added to the scores for the choice alone").orAbsent(),
            written(rowsOperand("ids", "i32", "tokens", "chosen", "largest score first")),
            written(rowsOperand("weights", "f32", "tokens", "chosen", "of each"))},
           {experts, chosen, textParam("score", {"softmax", "sigmoid"}, "what logits become"),
            flagParam("normalize", "weights are divided by their sum"), flagParam("bias", "there is a bias"),
            realParam("scale", "what weights are multiplied by").optional(),
            integerParam("groups", "experts come in so many groups").fallsBackTo(int64_t(1)),
            integerParam("kept_groups", "of which so many can be chosen from").fallsBackTo(int64_t(1))}});
  all.add({"expert_group",
           "groups = the rows of each expert: the first stage of `expert_matmul`.",
           expertOperands({}),
           {experts, chosen}});
  ParamSignature storage = textParam("storage", {}, "storage format of the matrices"), k = integerParam("k", "columns");
  ParamSignature readsParts = flagParam("reads_parts", "x has a part for each of a token's experts");
  ParamSignature tile = integerParam("tile", "most rows of a tile");
  ParamSignature parts =
      integerParam("parts", "CPU: int8 parts that a row of the packed input has").fallsBackTo(int64_t(1));
  all.add({"expert_pack",
           "packed = rows of x in the order of `groups`, converted: the second stage of `expert_matmul`.",
           expertOperands({"k * (1 + reads_parts * (chosen - 1))", "", "k", "storage"}),
           {experts, chosen, k, storage, readsParts, tile, parts}});
  all.add({"expert_matmul",
           "Products of each token with the matrices of its experts, one after the other or their weighted sum.",
           expertOperands({"", "n * (1 + gated)", "k", "storage", "n", "n * (chosen - combine * (chosen - 1))"}),
           {experts, chosen, k, storage, tile, parts, integerParam("n", "columns of a product"),
            flagParam("gated", "matrices have a gate and an up projection"),
            activationParam("activation", "applied to the product, or to the gate").optional(),
            flagParam("combine", "products are summed"), flagParam("residual", "there is a residual")}});
}

} // namespace quipu
