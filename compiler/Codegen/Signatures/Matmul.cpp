// matmul and the stage before it that packs its input; see compiler/Codegen/KernelChoice.h for which of them runs when.
#include "compiler/Codegen/SharedParams.h"

namespace quipu {

static std::vector<OperandSignature> matmulOperands(const std::string &outputs) {
  std::string joined = outputs.empty() ? "" : outputs + " * (1 + gated)";
  return {
      rowsOperand("x", "f32", "rows_dim", "k", "rows to multiply"),
      weightOperand("gain", "f32", {"k"}, "of the norm").orAbsent(),
      weightOperand("weight", "storage", {joined, "k"},
                    "W; where gated, the rows of the gate, then those of the up projection"),
      weightOperand("bias", "f32", {joined}, "one for each row of W").orAbsent(),
      rowsOperand("residual", "f32", "rows_dim", outputs, "added to the result").orAbsent(),
      weightOperand("shift", "f32", {"k"}, "bias of the norm").orAbsent(),
      written(rowsOperand("packed", "", "rows_dim", "", "x in the form that the products read")).orAbsent(),
      written(rowsOperand("out", "f32", "rows_dim", outputs, "the result")),
  };
}

void addMatmulSignatures(Signatures &all) {
  ParamSignature storage = textParam("storage", {}, "storage format of W");
  ParamSignature normEps = realParam("norm_eps", "normalise x first, with this epsilon").optional();
  ParamSignature centred = flagParam("centred", "the norm is layer_norm, else rms_norm");
  ParamSignature shift = flagParam("shift", "the norm has a bias");
  ParamSignature parts =
      integerParam("parts", "CPU: int8 parts that a row of the packed input has; two with small weights in blocks")
          .fallsBackTo(int64_t(1));
  all.add(
      {"matmul",
       "out = epilogue(norm(x) W^T + bias): the activation, times the up projection where gated, times the scale, "
       "capped, "
       "plus the residual.",
       matmulOperands("n"),
       {integerParam("n", "columns of the result"),
        integerParam("k", "columns of x"),
        storage,
        flagParam("gated", "W has a gate and an up projection"),
        activationParam("activation", "applied to the product, or to the gate").optional(),
        flagParam("bias", "there is a bias"),
        flagParam("residual", "there is a residual"),
        realParam("scale", "what the result is multiplied by").optional(),
        realParam("softcap", "then y becomes softcap * tanh(y / softcap)").optional(),
        normEps,
        centred,
        shift,
        rowsDimParam(),
        integerParam("tile", "rows of a tile; with packed_input of the packed form"),
        flagParam("packed_input", "reads `packed`; else each worker or block prepares the input for itself"),
        parts,
        integerParam("prefetch_bytes", "CPU: how far ahead weights are asked for (absent: the cost model says)")
            .between(0, 1 << 20)
            .optional(),
        integerParam("prefetch_level", "CPU: into which cache").between(1, 3).optional(),
        integerParam("k_blocks", "CPU, packed_input: blocks of k that stay in L2 one after the other").optional(),
        integerParam("columns", "GPU, packed_input: rows of W of a block, for the kernel of warpgroups").optional(),
        integerParam("splits", "GPU, packed_input: blocks that share a tile of results, each a part of k").optional(),
        integerParam("tokens", "GPU, with splits: rows of a launch at most").optional()}});
  all.add({"pack_input",
           "packed = x, normalised and converted, in tiles: the stage before a `matmul` with packed_input.",
           matmulOperands(""),
           {integerParam("k", "columns of x"), storage, normEps, centred, shift, rowsDimParam(),
            integerParam("tile", "rows of a tile"), parts}});
}

} // namespace quipu
