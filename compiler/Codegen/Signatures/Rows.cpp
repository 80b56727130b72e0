// Kernels that read a row and write a row.
#include "compiler/Codegen/SharedParams.h"

namespace quipu {

void addRowsSignatures(Signatures &all) {
  ParamSignature tokensOrRows = rowsDimParam().fallsBackTo(int64_t(0));
  std::vector<std::string> functions = {"add", "mul"};
  functions.insert(functions.end(), activationNames().begin(), activationNames().end());
  all.add({"pointwise",
           "out = op(x, y), element by element.",
           {rowsOperand("x", "f32", "rows_dim", "n", "first operand"),
            rowsOperand("y", "f32", "rows_dim", "n", "second operand, of add and mul").orAbsent(),
            written(rowsOperand("out", "f32", "rows_dim", "n", "the result"))},
           {integerParam("n", "columns"), textParam("op", functions, "the function"), tokensOrRows}});
  all.add({"rms_norm",
           "out = x / sqrt(mean(x^2) + eps) * gain, row by row.",
           {rowsOperand("x", "f32", "rows_dim", "n", "rows to normalise"),
            weightOperand("gain", "f32", {"n"}, "one for each column"),
            written(rowsOperand("out", "f32", "rows_dim", "n", "the result"))},
           {integerParam("n", "columns"), realParam("eps", "added to the mean"), rowsDimParam()}});
  all.add({"select_rows",
           "out[r] = x[rows[r]].",
           {rowsOperand("x", "f32", "tokens", "n", "rows to choose from"),
            rowsOperand("rows", "i32", "rows", "1", "which of them"),
            written(rowsOperand("out", "f32", "rows", "n", "the result"))},
           {integerParam("n", "columns")}});
  all.add({"slice_columns",
           "out = columns offset .. offset + n of x.",
           {rowsOperand("x", "f32", "rows_dim", "n_in", "rows to cut"),
            written(rowsOperand("out", "f32", "rows_dim", "n", "the result"))},
           {integerParam("n_in", "columns of x"), integerParam("offset", "first column").atLeast(0),
            integerParam("n", "columns of the result"), tokensOrRows}});
}

} // namespace quipu
