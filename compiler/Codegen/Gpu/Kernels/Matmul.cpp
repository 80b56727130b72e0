#include "compiler/Codegen/Gpu/Kernels/Matmul.h"

#include <fmt/format.h>

namespace quipu::gpu {
namespace {

// Names of lm.activation as enumerators of the device.
std::string activationName(ParamReader &params) {
  std::string name = params.text("activation");
  for (auto [known, enumerator] :
       {std::pair{"", "None"}, {"silu", "Silu"}, {"gelu_tanh", "GeluTanh"}, {"gelu_erf", "GeluErf"}, {"relu", "Relu"}})
    if (name == known)
      return enumerator;
  params.require(false, fmt::format("unknown activation \"{}\"", name));
  return "None";
}

Expected<MatmulParams> readMatmul(const KernelSpec &spec) {
  ParamReader params(spec);
  MatmulParams m;
  m.spec = spec;
  m.element = deviceType(params, "storage");
  m.weight = {params.integer("n"), params.integer("k"), bytesOf(m.element), params.flag("gated")};
  m.activation = activationName(params);
  m.bias = params.flag("bias");
  m.residual = params.flag("residual");
  m.packedInput = params.flag("packed_input");
  m.tile = params.integer("tile");
  if (params.has("columns"))
    m.columns = params.integer("columns");
  if (params.has("splits")) {
    m.splits = params.integer("splits");
    m.tokens = params.integer("tokens");
  }
  m.rowsDim = params.integer("rows_dim");
  if (params.has("norm_eps"))
    m.normEps = params.real("norm_eps");
  params.require(!m.packedInput || !m.normEps, "expected the norm in pack_input, not in the packed matmul");
  params.require(m.packedInput || (m.columns == 0 && m.splits == 1),
                 "expected columns and splits of a block with a packed input alone");
  // Columns and bytes of a row are ints on the device.
  params.require(m.weight.n <= 1 << 28 && m.weight.k <= 1 << 24, "expected n up to 2^28 and k up to 2^24");
  if (auto read = params.finish(); !read)
    return passError(std::move(read));
  return m;
}

} // namespace

bool hasMatrix(const Chip &chip, const std::string &element) {
  return chip.matrix != Matrix::None && element != "float" && (element != "bf16" || chip.hasBf16Matrix);
}

std::string MatmulParams::epilogue() const {
  std::string text = fmt::format("struct Epilogue {{\n  enum {{ columns = {}, residual = {} }};\n"
                                 "  const float *bias, *added;\n  float *out;\n"
                                 "  QUIPU_DEVICE_MEMBER float finish(float sum, float up, int column) const {{\n",
                                 weight.n, int(residual));
  if (bias)
    text += "    sum += bias[column];\n";
  if (bias && weight.gated)
    text += "    up += bias[columns + column];\n";
  text += activation == "None" ? "    return sum" : fmt::format("    return activate<Activation::{}>(sum)", activation);
  text += weight.gated ? " * up;\n" : ";\n";
  return text + "  }\n};";
}

std::string MatmulParams::rows() const { return fmt::format("dims[{}]", rowsDim); }

Expected<Kernel> generateMatmul(const KernelSpec &spec, const Chip &chip) {
  Expected<MatmulParams> matmul = readMatmul(spec);
  if (!matmul)
    return passError(std::move(matmul));
  if (!matmul->packedInput)
    return generateMatmulFew(*matmul, chip);
  return matmul->columns ? generateMatmulWarpgroup(*matmul, chip) : generateMatmulMany(*matmul, chip);
}

} // namespace quipu::gpu
