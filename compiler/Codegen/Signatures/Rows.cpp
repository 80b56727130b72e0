// Kernels that read a row and write a row.
#include "compiler/Codegen/SharedParams.h"

namespace quipu {

void addRowsSignatures(Signatures &all) {
  ParamSignature tokensOrRows = rowsDimParam().fallsBackTo(int64_t(0));
  std::vector<std::string> functions = {"add", "mul", "scale", "softcap"};
  functions.insert(functions.end(), activationNames().begin(), activationNames().end());
  all.add({"pointwise",
           "out = op(x, y), element by element.",
           {rowsOperand("x", "f32", "rows_dim", "n", "first operand"),
            rowsOperand("y", "f32", "rows_dim", "n", "second operand, of add and mul").orAbsent(),
            written(rowsOperand("out", "f32", "rows_dim", "n", "the result"))},
           {integerParam("n", "columns"), textParam("op", functions, "the function"),
            realParam("factor", "of scale; the cap of softcap").optional(), tokensOrRows}});
  OperandSignature x = rowsOperand("x", "f32", "rows_dim", "n", "rows to normalise");
  OperandSignature gain = weightOperand("gain", "f32", {"gains"}, "of a row, or of a group").orAbsent();
  OperandSignature residual = rowsOperand("residual", "f32", "rows_dim", "n", "added last").orAbsent();
  OperandSignature out = written(rowsOperand("out", "f32", "rows_dim", "n", "the result"));
  std::vector<ParamSignature> params = {
      integerParam("n", "columns"),
      integerParam("groups", "equal parts of a row that are normalised apart").fallsBackTo(int64_t(1)),
      integerParam("gains", "features of gain; absent: there is none").optional(),
      flagParam("residual", "there is a residual"),
      realParam("eps", "added to the mean square"),
      rowsDimParam()};
  all.add(
      {"rms_norm", "out = x / sqrt(mean(x^2) + eps) * gain + residual, row by row.", {x, gain, residual, out}, params});
  params.push_back(flagParam("bias", "there is a bias"));
  all.add({"layer_norm",
           "out = (x - mean) / sqrt(variance + eps) * gain + bias + residual, row by row.",
           {x, gain, weightOperand("bias", "f32", {"gains"}, "of a row, or of a group").orAbsent(), residual, out},
           params});
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
