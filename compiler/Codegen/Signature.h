// The declaration of a kernel: operands and parameters of a generator, the same on every target. What follows from it:
// the order of operands in launches, the checks of their sizes and types (compiler/Dialect/Kernel), `b.buffer("cache")`
// of CPU kernels, the parameter lists of GPU kernels, the checks of parameters (ParamReader), and the page
// docs/reference/kernels.md. The signatures are the files of Signatures/.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace quipu {

using ParamValue = std::variant<bool, int64_t, double, std::string>;
using KernelParams = std::map<std::string, ParamValue>;

// "true", "64", "\"bf16\""; real numbers exactly, in hexadecimal.
std::string printValue(const ParamValue &value);

enum class OperandRole { Read, Written, InPlace }; // InPlace: read as well, where it is written

enum class OperandKind {
  Rows,   // of a symbolic dim of the step: {columns}
  Weight, // of the checkpoint, in a layout the target chooses: {rows, columns}, or {elements}
  Cache,  // pages of keys and values: {KV heads, features of a head, positions of a page}
  Table,  // made by the runtime, a row a position: {columns}
};

struct OperandSignature {
  std::string name;
  OperandKind kind;
  OperandRole role;
  // "f32", "i32", or the name of the parameter that says it. Empty: as the target packs it.
  std::string element;
  // Rows alone: "tokens", "sequences", "rows" or "none" (one row in every step), or the parameter `rows_dim` that says
  // it.
  std::string dim;
  // By kind, as evaluateExtent takes them. Empty text: as large as the target or the step has it.
  std::vector<std::string> extents;
  std::string help;
  bool mayBeAbsent = false; // a null pointer then

  OperandSignature orAbsent() const;
};

// Operands that are read; `written` and `inPlace` make the others of them.
OperandSignature rowsOperand(std::string name, std::string element, std::string dim, std::string columns,
                             std::string help);
OperandSignature weightOperand(std::string name, std::string element, std::vector<std::string> extents,
                               std::string help);
OperandSignature cacheOperand(std::string name, std::string help); // by kv_heads, dim, page_size and elem
OperandSignature tableOperand(std::string name, std::string columns, std::string help);
OperandSignature written(OperandSignature operand);
OperandSignature inPlace(OperandSignature operand);

enum class ParamKind { Integer, Real, Flag, Text };

struct ParamSignature {
  std::string name;
  ParamKind kind;
  std::string help;
  bool required = true; // flags never are: absent is false
  std::optional<ParamValue> fallback = {};
  int64_t least = 1, most = int64_t(1) << 31; // of integers
  std::vector<std::string> texts = {};        // what a text may be; none: whatever the generator takes

  ParamSignature optional() const; // what its absence means the help says
  ParamSignature fallsBackTo(ParamValue value) const;
  ParamSignature between(int64_t least, int64_t most) const;
  ParamSignature atLeast(int64_t least) const;
};

ParamSignature integerParam(std::string name, std::string help);
ParamSignature realParam(std::string name, std::string help);
ParamSignature flagParam(std::string name, std::string help);
ParamSignature textParam(std::string name, std::vector<std::string> texts, std::string help);
// Which dim of the step the operands' rows are of: 0 tokens, 2 rows.
ParamSignature rowsDimParam();

struct KernelSignature {
  std::string generator;
  std::string help;                       // what is computed; one sentence
  std::vector<OperandSignature> operands; // those that are read, then the others
  std::vector<ParamSignature> params;

  const ParamSignature *findParam(std::string_view name) const;
  std::optional<size_t> findOperand(std::string_view name) const;
  // End the program for a name the signature does not have: a generator that asks so is wrong in every build.
  const ParamSignature &param(std::string_view name) const;
  size_t operand(std::string_view name) const;
};

class Signatures {
public:
  void add(KernelSignature signature);
  // By generator, in order of its name.
  const std::map<std::string, KernelSignature, std::less<>> &all() const { return table; }

private:
  std::map<std::string, KernelSignature, std::less<>> table;
};

// Calls each file of Signatures/.
void addAllSignatures(Signatures &all);

// All there are, made once.
const Signatures &kernelSignatures();
// Null for a generator there is none of.
const KernelSignature *findSignature(std::string_view generator);

// The first thing that is wrong with parameters by a signature: one that is not in it or lacks, a value of another
// kind or out of its bounds. Empty: nothing.
std::string findParamError(const KernelSignature &signature, const KernelParams &params);

} // namespace quipu
