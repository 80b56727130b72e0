// Which kernels a target uses for a launch. The conversion asks here for what differs between targets; everything else
// (operands, buffers, names) is the same for all of them.
#pragma once

#include "compiler/Conversion/LMToKernel/KernelRequest.h"
#include "runtime/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace quipu {

// Stages that run, in order, while the launch's dim is at most maxValue.
struct VariantRequest {
  uint32_t maxValue;
  std::vector<KernelRequest> stages;
};

struct LaunchKernels {
  std::vector<VariantRequest> variants;
  // Buffer of the packed input: rows of a tile, columns and element type of a row. No tile: no variant packs.
  int64_t packedTile = 0;
  int64_t packedColumns = 0;
  mlir::Type packedElement;
};

// What a matmul launch computes, as its kernels see it.
struct MatmulShape {
  int64_t n = 0; // columns of the result: half the weight's rows where gated
  int64_t k = 0;
  std::string storage; // "f32" or "bf16"
  std::string activation;
  bool gated = false;
  bool bias = false;
  bool residual = false;
  std::optional<double> normEps;
  kernel::Dim rows = kernel::Dim::Tokens;
};

class KernelChoice {
public:
  virtual ~KernelChoice() = default;
  virtual LaunchKernels matmul(mlir::Builder &builder, const MatmulShape &shape) const = 0;
};

// Errors: a device or a chip there is no code generation for.
Expected<std::unique_ptr<KernelChoice>> chooseKernels(llvm::StringRef target);

} // namespace quipu
