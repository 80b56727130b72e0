#include "compiler/Codegen/SharedParams.h"

namespace quipu {

void addEmbeddingSignatures(Signatures &all) {
  all.add({"embedding",
           "out[t] = table[ids[t]] as f32; zeros for an id outside the table.",
           {rowsOperand("ids", "i32", "tokens", "1", "token ids"),
            weightOperand("table", "storage", {"rows", "dim"}, "a row a token of the vocabulary"),
            written(rowsOperand("out", "f32", "tokens", "dim", "the result"))},
           {integerParam("rows", "tokens of the vocabulary"), integerParam("dim", "columns of the table"),
            textParam("storage", {}, "storage format of the table"),
            realParam("scale", "what rows are multiplied by").optional(),
            textParam("layout", {"row_major", "panel64", "tile64"}, "of the table; panel64 on CPUs, tile64 on GPUs")}});
}

} // namespace quipu
