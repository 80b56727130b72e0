// Rotary embedding, and what is written to the cache with it.
#include "compiler/Codegen/SharedParams.h"

namespace quipu {

void addRopeSignatures(Signatures &all) {
  ParamSignature layout = textParam("rope_layout", {"split_half", "interleaved"}, "which features make a pair");
  ParamSignature dim = integerParam("dim", "features of a head"), heads = integerParam("heads", "query heads");
  OperandSignature positions = rowsOperand("positions", "i32", "tokens", "1", "of each token in its sequence");
  OperandSignature slots = rowsOperand("slots", "i32", "tokens", "1", "where a token's key and value go");
  ParamSignature rotated = integerParam("rotated", "features of a head that turn, its first");
  OperandSignature table = tableOperand("rope_table", "rotated", "cosines and sines by position");
  all.add({"rope",
           "Rotary embedding of every head of x.",
           {rowsOperand("x", "f32", "tokens", "heads * dim", "heads to turn"), positions, table,
            written(rowsOperand("out", "f32", "tokens", "heads * dim", "the result"))},
           {heads, dim, layout, rotated}});
  all.add({"position_scale",
           "out = x * (1 + beta ln(1 + floor(position / length))), row by row.",
           {rowsOperand("x", "f32", "tokens", "n", "rows to scale"), positions,
            written(rowsOperand("out", "f32", "tokens", "n", "the result"))},
           {integerParam("n", "columns"), realParam("beta", "of the logarithm"),
            integerParam("length", "positions of the context that is not scaled")}});
  all.add({"kv_append",
           "Writes keys and values to the cache.",
           {rowsOperand("k", "f32", "tokens", "kv_heads * dim", "keys"),
            rowsOperand("v", "f32", "tokens", "kv_heads * dim", "values"), slots,
            inPlace(cacheOperand("cache", "written at the slots"))},
           cacheParams()});
  std::vector<ParamSignature> params = cacheParams();
  params.insert(params.begin(), heads.atLeast(1));
  params.push_back(ParamSignature(layout).optional());
  params.back().help += " (absent: no rotation)";
  params.push_back(ParamSignature(rotated).optional());
  params.push_back(realParam("norm_eps", "heads of q and k are normalised first, with this epsilon").optional());
  params.push_back(flagParam("centred", "by layer_norm, else by rms_norm"));
  params.push_back(flagParam("whole", "all heads of q together, and all of k"));
  params.push_back(integerParam("gains", "features of q_gain: of one head, or of all heads").optional());
  params.push_back(integerParam("k_gains", "features of k_gain").optional());
  params.push_back(realParam("query_scale_beta", "queries times 1 + beta ln(1 + floor(position / length))").optional());
  params.push_back(integerParam("query_scale_length", "the length of that").optional());
  params.push_back(flagParam("separate_v", "rows of qkv end with k, values are the operand v"));
  all.add({"rope_append",
           "Rotary embedding of queries and keys; keys and values are written to the cache.",
           {rowsOperand("qkv", "f32", "tokens", "(heads + kv_heads * (2 - separate_v)) * dim", "queries, keys, values"),
            rowsOperand("v", "f32", "tokens", "kv_heads * dim", "values, with separate_v").orAbsent(), positions, slots,
            table.orAbsent(), weightOperand("q_gain", "f32", {"gains"}, "of the norm of queries").orAbsent(),
            weightOperand("k_gain", "f32", {"k_gains"}, "of the norm of keys").orAbsent(),
            inPlace(cacheOperand("cache", "written at the slots")),
            written(rowsOperand("q_out", "f32", "tokens", "heads * dim", "the queries"))},
           params});
}

} // namespace quipu
