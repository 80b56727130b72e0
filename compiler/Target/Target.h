// What a backend is to the compiler: the code of kernels for one chip. A new backend is a folder beside this file with
// a Target, and a row in Registry.cpp.
#pragma once

#include "compiler/Codegen/KernelChoice.h"
#include "compiler/Codegen/KernelSpec.h"
#include "compiler/Codegen/LaunchGeometry.h"
#include "compiler/Target/CandidateTimer.h"
#include "compiler/Target/Gpu/Resources.h"
#include "runtime/Support/Error.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quipu {

struct TargetCompileOptions {
  int threads = 0;   // 0: one for each core
  bool text = false; // also text that a driver compiles for later chips: PTX, of CUDA targets
  std::function<void(size_t done, size_t all)> progress; // called from the compiling threads, one at a time
};

struct KernelCode {
  int64_t scratchBytes = 0;               // for each worker; a GPU has one
  std::optional<LaunchGeometry> geometry; // of a GPU kernel, and so are those below
  gpu::Resources resources;
  double seconds = 0; // to compile it; 0: from the cache
};

struct TargetCode {
  std::string section;             // the artifact's code section, in a form the backend's device loads
  std::vector<KernelCode> kernels; // in the order asked for
  size_t compiled = 0;             // kernels that were not in the compile cache
  std::vector<std::string> warnings;
};

class Target {
public:
  virtual ~Target() = default;

  virtual std::string name() const = 0; // "cpu:x86-64-v3", the same on every machine
  // What the machine must have, in the words of the backend's device.
  virtual std::vector<std::string> features() const = 0;
  // Which kernels to ask for.
  virtual const KernelChoice &choice() const = 0;
  // Symbols of the kernels are unique C identifiers. Errors name the kernel and the parameter at fault.
  virtual Expected<TargetCode> compile(const std::vector<KernelSpec> &kernels,
                                       const TargetCompileOptions &options) const = 0;
  // Measures kernels on this machine, with as many threads as the model will run with; 0: one for each physical core.
  // Errors: this machine is no such chip.
  virtual Expected<std::unique_ptr<CandidateTimer>> timer(unsigned /*threads*/) const {
    return makeError("kernels of {} are measured on the device alone, which --tune does not offer; leave --tune out",
                     name());
  }
  // One kernel's code as text, for people.
  virtual Expected<std::string> print(const KernelSpec &kernel) const = 0;
};

// The target of a name: "cpu" (this machine), "cpu:x86-64-v3". Errors: a backend or a chip there is no code for.
Expected<std::unique_ptr<Target>> findTarget(std::string_view name);

} // namespace quipu
