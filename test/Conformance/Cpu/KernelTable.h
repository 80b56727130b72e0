// The table of CPU kernels under test: one row says which kernel, on which problem, and how far it may be from the slow
// and obvious answer. Tests and micro-benchmarks are driven by the rows.
#pragma once

#include "compiler/Codegen/Cpu/KernelSpec.h"
#include "compiler/Codegen/Cpu/WeightLayout.h"
#include "compiler/Target/Cpu/Chip.h"
#include "runtime/Device/Cpu/KernelAbi.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace quipu::cpu::conformance {

// One operand of a launch; absent operands have no bytes.
struct Operand {
  std::vector<uint8_t> bytes;

  static Operand absent() { return {}; }
  template <typename T> static Operand of(const std::vector<T> &values) {
    Operand operand;
    operand.bytes.resize(values.size() * sizeof(T));
    if (!values.empty())
      std::memcpy(operand.bytes.data(), values.data(), operand.bytes.size());
    return operand;
  }
  // Filled with a pattern that reads as NaN, so that what a kernel leaves out shows.
  static Operand output(size_t bytes) { return {std::vector<uint8_t>(bytes, 0xff)}; }
};

enum class ElementType { F32, BF16, I32 };

// What an output operand must hold. |got - value| <= tolerance * (|value| + magnitude), element by element.
struct Expectation {
  size_t operand;
  ElementType type = ElementType::F32; // integers are compared exactly
  std::vector<double> value;
  std::vector<double> magnitude; // of the terms that were summed; empty: 0
};

struct Problem {
  std::vector<Operand> operands;
  std::array<int64_t, size_t(StepDim::Count)> dims{};
  std::vector<Expectation> expected;
};

struct KernelRow {
  std::string name;               // letters, digits and underscores
  std::vector<KernelSpec> stages; // run one after the other on the same operands; symbols are set by the harness
  double tolerance;               // for bf16 values f32 accumulation is meant
  std::vector<int64_t> sizes;     // what `make` takes: rows, tokens, ...
  std::function<Problem(const Chip &, int64_t size)> make;
};

// All rows. Each generator's are in a file of their own.
std::vector<KernelRow> kernelTable();
std::vector<KernelRow> attentionRows();
std::vector<KernelRow> embeddingRows();
std::vector<KernelRow> matmulRows();
std::vector<KernelRow> rowwiseRows();

// ---- values for problems: the same in every run
// Uniform in [-1, 1), by seed.
std::vector<float> randomValues(size_t count, uint32_t seed);
uint16_t toBf16(float value); // to nearest even
float fromBf16(uint16_t bits);
std::vector<uint16_t> toBf16(const std::vector<float> &values);
// Rounded to the storage and back.
std::vector<float> rounded(const std::vector<float> &values, Storage storage);
std::string name(Storage storage);
// W [n, k] (gated: [2n, k]) in panel64 form, element by element as WeightLayout.h states it.
Operand asPanels(const std::vector<float> &w, const PanelLayout &layout);

} // namespace quipu::cpu::conformance
