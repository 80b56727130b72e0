// Rotary embedding, and what is written to the cache with it.
#include "compiler/Codegen/SharedParams.h"

namespace quipu {

void addRopeSignatures(Signatures &all) {
  ParamSignature layout = textParam("rope_layout", {"split_half", "interleaved"}, "which features make a pair");
  ParamSignature dim = integerParam("dim", "features of a head"), heads = integerParam("heads", "query heads");
  OperandSignature positions = rowsOperand("positions", "i32", "tokens", "1", "of each token in its sequence");
  OperandSignature slots = rowsOperand("slots", "i32", "tokens", "1", "where a token's key and value go");
  OperandSignature table = tableOperand("rope_table", "dim", "cosines and sines by position");
  all.add({"rope",
           "Rotary embedding of every head of x.",
           {rowsOperand("x", "f32", "tokens", "heads * dim", "heads to turn"), positions, table,
            written(rowsOperand("out", "f32", "tokens", "heads * dim", "the result"))},
           {heads, dim, layout}});
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
  params.push_back(flagParam("separate_v", "rows of qkv end with k, values are the operand v"));
  all.add({"rope_append",
           "Rotary embedding of queries and keys; keys and values are written to the cache.",
           {rowsOperand("qkv", "f32", "tokens", "(heads + kv_heads * (2 - separate_v)) * dim", "queries, keys, values"),
            rowsOperand("v", "f32", "tokens", "kv_heads * dim", "values, with separate_v").orAbsent(), positions, slots,
            table.orAbsent(), inPlace(cacheOperand("cache", "written at the slots")),
            written(rowsOperand("q_out", "f32", "tokens", "heads * dim", "the queries"))},
           params});
}

} // namespace quipu
