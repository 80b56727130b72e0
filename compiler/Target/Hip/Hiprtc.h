// AMD's runtime compiler: HIP C++ to a code object. It runs in a process of its own (HiprtcProcess.cpp), because it
// ends its process where it is asked for a chip it does not know, and because it brings an LLVM of its own.
#pragma once

#include "compiler/Target/Gpu/DeviceCompiler.h"

#include <memory>

namespace quipu::hip {

class Hiprtc : public gpu::DeviceCompiler {
public:
  // The library: $QUIPU_HIPRTC (a file; "none": as if there were none), what the dynamic linker finds, or /opt/rocm.
  // Errors: none found, or a release that does not know the chip.
  static Expected<std::unique_ptr<Hiprtc>> open(const std::string &chip);

  int hipRelease() const { return release; } // 502 for 5.2
  std::string name() const override;
  std::string identity() const override;
  Expected<gpu::DeviceCode> compile(const std::string &symbol, const std::string &source) const override;

private:
  Hiprtc() = default;
  std::string program; // of HiprtcProcess.cpp
  std::string library;
  int release = 0;
  std::string build;
  std::string chip;
};

// The first release of HIP whose compiler is known to work for the chip: 502 for 5.2; 0: none.
int leastHipRelease(const std::string &chip);

} // namespace quipu::hip
