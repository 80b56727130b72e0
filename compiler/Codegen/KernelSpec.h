// What a kernel is asked to be: the generator's name and its parameters, free of any MLIR context so that kernels
// compile in parallel. `kernel.def @symbol generator "matmul" {params}` maps onto it one to one.
#pragma once

#include "compiler/Codegen/Signature.h"
#include "runtime/Artifact/StorageFormat.h"
#include "runtime/Support/Error.h"

#include <cstdint>
#include <set>
#include <string>

namespace quipu {

struct KernelSpec {
  std::string symbol;    // name in the shared object; no part of the kernel's identity
  std::string generator; // "matmul"
  KernelParams params;

  // Generator and parameters in one canonical form: `matmul {k = 64, n = 64, storage = "bf16"}`. Equal text, equal
  // kernel.
  std::string print() const;
};

// Reads a spec's parameters, which its generator's signature has checked; for a name the signature does not have the
// program ends. The first error is kept and given by finish(), which also refuses parameters nobody asked for: those of
// another target. After an error the values are such that one can go on with them.
class ParamReader {
public:
  explicit ParamReader(const KernelSpec &spec);

  // What the spec says, else what the signature falls back to, else 0 or nothing.
  int64_t integer(const std::string &name);
  double real(const std::string &name);
  bool flag(const std::string &name);
  std::string text(const std::string &name);
  StorageFormat format(const std::string &name);
  // Where absence means what the target finds best.
  int64_t integerOr(const std::string &name, int64_t fallback);
  bool has(const std::string &name) const { return spec.params.count(name) != 0; }
  // For a generator's own constraints between parameters.
  void require(bool condition, const std::string &message);

  Expected<> finish() const;

private:
  // Null where the spec lacks it and there is nothing to fall back to.
  template <typename T> const T *find(const std::string &name);
  void fail(const std::string &message);

  const KernelSpec &spec;
  const KernelSignature *signature;
  std::set<std::string> known;
  std::string error;
};

} // namespace quipu
