// What a kernel is asked to be: the generator's name and its parameters, free of any MLIR context so that kernels
// compile in parallel. `kernel.def @symbol generator "matmul" {params}` maps onto it one to one.
#pragma once

#include "runtime/Artifact/StorageFormat.h"
#include "runtime/Support/Error.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>

namespace quipu {

using ParamValue = std::variant<bool, int64_t, double, std::string>;
using KernelParams = std::map<std::string, ParamValue>;

struct KernelSpec {
  std::string symbol;    // name in the shared object; no part of the kernel's identity
  std::string generator; // "matmul"
  KernelParams params;

  // Generator and parameters in one canonical form: `matmul {k = 64, n = 64, storage = "bf16"}`. Equal text, equal
  // kernel.
  std::string print() const;
};

// Reads a spec's parameters. The first error is kept and given by finish(), which also refuses parameters nobody asked
// for.
class ParamReader {
public:
  explicit ParamReader(const KernelSpec &spec) : spec(spec) {}

  int64_t integer(const std::string &name, int64_t least = 1);
  int64_t integerOr(const std::string &name, int64_t fallback);
  double real(const std::string &name);
  bool flag(const std::string &name); // absent: false
  std::string text(const std::string &name);
  std::string textOr(const std::string &name, const std::string &fallback);
  StorageFormat format(const std::string &name);
  bool has(const std::string &name) const { return spec.params.count(name) != 0; }
  // For a generator's own constraints between parameters.
  void require(bool condition, const std::string &message);

  Expected<> finish() const;

private:
  template <typename T> const T *find(const std::string &name, const char *kind);
  void fail(const std::string &message);

  const KernelSpec &spec;
  std::set<std::string> known;
  std::string error;
};

} // namespace quipu
