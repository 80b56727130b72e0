// What the generators of matmuls share: the parameters and the printed epilogue. One function for each form of the
// kernel; generateMatmul chooses among them.
#pragma once

#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Codegen/Gpu/Kernels/DeviceType.h"
#include "compiler/Codegen/Gpu/SourcePrinter.h"
#include "compiler/Codegen/Gpu/WeightLayout.h"

#include <optional>
#include <string>

namespace quipu::gpu {

struct MatmulParams {
  KernelSpec spec;
  TileLayout weight;
  std::string element;    // device type: "float", "bf16", "f16"
  std::string activation; // enumerator of the device's Activation: "None", "Silu"
  bool bias = false, residual = false, packedInput = false;
  std::optional<double> normEps;
  int64_t rowsDim = 0;
  int64_t tile = 1;    // tokens of a launch at most, or with packedInput those of a block
  int64_t columns = 0; // rows of W of a block, for the matmul of warpgroups; 0: another kernel
  int64_t splits = 1;  // blocks that share a tile of results, with a packed input
  int64_t tokens = 0;  // of a launch at most, where blocks share

  // The device struct Epilogue (device/matmul/epilogue.h), and what constructs one from the operands.
  std::string epilogue() const;
  std::string epilogueArguments() const { return "Epilogue{bias, residual, out}"; }
  std::string rows() const; // "dims[0]"
};

// Whether the chip multiplies this type with matrix instructions.
bool hasMatrix(const Chip &chip, const std::string &element);

Expected<Kernel> generateMatmulFew(const MatmulParams &matmul, const Chip &chip);
Expected<Kernel> generateMatmulMany(const MatmulParams &matmul, const Chip &chip);
Expected<Kernel> generateMatmulWarpgroup(const MatmulParams &matmul, const Chip &chip);

} // namespace quipu::gpu
