// A row of a matmul's input as CPU kernels multiply it.
#pragma once

#include "compiler/Codegen/Cpu/WeightLayout.h"

#include <vector>

namespace quipu::cpu::conformance {

struct PreparedRow {
  std::vector<double> exact, used;
  std::vector<double> mostError;    // |used - exact| where the kernel rounds to int8
  std::vector<double> minimumError; // what else the kernel leaves of the elements that integer minima multiply
};

PreparedRow prepare(std::vector<double> exact, const PackedInput &form);

} // namespace quipu::cpu::conformance
