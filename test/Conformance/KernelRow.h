// One row of a table of kernels under test: which kernel, on which problem, and how far it may be from the slow and
// obvious answer. Each device has a table; rows that differ between devices only by layouts are made here.
#pragma once

#include "compiler/Codegen/KernelSpec.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace quipu::conformance {

// Of a step, in the order kernels receive them.
enum Dim : size_t { Tokens = 0, Sequences = 1, Rows = 2, PageStride = 3 };

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

enum class ElementType { F32, BF16, F16, I32, I8 };
std::string name(ElementType type);
size_t bytesOf(ElementType type);

// What an output operand must hold. |got - value| <= tolerance * (|value| + magnitude), element by element.
struct Expectation {
  size_t operand;
  ElementType type = ElementType::F32; // integers are compared exactly
  std::vector<double> value;
  std::vector<double> magnitude; // of the terms that were summed; empty: 0
  // Where element i is and what it says, for an operand that is no array of `type`.
  std::function<double(const std::vector<uint8_t> &bytes, size_t i)> read = {};
};

// Operands lie in the order of the generator's signature.
struct Problem {
  Problem() = default;
  // All operands absent.
  explicit Problem(std::string_view generator)
      : signature(findSignature(generator)), operands(signature->operands.size()) {}

  size_t indexOf(std::string_view operand) const { return signature->operand(operand); }
  Operand &operand(std::string_view name) { return operands[indexOf(name)]; }
  void give(std::initializer_list<std::pair<std::string_view, Operand>> named) {
    for (const auto &[name, value] : named)
      operand(name) = value;
  }

  const KernelSignature *signature = nullptr;
  std::vector<Operand> operands;
  std::array<int64_t, 4> dims{}; // by Dim
  std::vector<Expectation> expected;
};

struct KernelRow {
  std::string name;               // letters, digits and underscores
  std::vector<KernelSpec> stages; // run one after the other on the same operands; symbols are set by the harness
  double tolerance;               // for bf16 values f32 accumulation is meant
  std::vector<int64_t> sizes;     // what `make` takes: rows, tokens, ...
  std::function<Problem(int64_t size)> make;
  std::vector<int> workers = {1, 2, 3};
};

// Empty when the outputs are within the row's tolerance, else the worst element.
std::string compare(const KernelRow &row, const Problem &problem);

// ---- values for problems: the same in every run
// Uniform in [-1, 1), by seed.
std::vector<float> randomValues(size_t count, uint32_t seed);
uint16_t toBf16(float value); // to nearest even
float fromBf16(uint16_t bits);
std::vector<uint16_t> toBf16(const std::vector<float> &values);
// As stored: f32, bf16 or f16.
Operand stored(const std::vector<float> &values, ElementType type);
// What is stored reads as this.
std::vector<float> rounded(const std::vector<float> &values, ElementType type);

} // namespace quipu::conformance
