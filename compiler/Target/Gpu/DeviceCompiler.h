// A compiler that turns the printed source of a kernel into what a GPU's driver loads.
#pragma once

#include "compiler/Target/Gpu/Resources.h"
#include "runtime/Support/Error.h"

#include <string>

namespace quipu::gpu {

struct DeviceCode {
  std::string native;   // a cubin or a code object; may be empty where there is PTX
  std::string portable; // PTX
  Resources resources;
};

class DeviceCompiler {
public:
  virtual ~DeviceCompiler() = default;

  // Name and version, for people: "NVRTC 13.0".
  virtual std::string name() const = 0;
  // Name, version, chip and options: with the source, all that decides the code.
  virtual std::string identity() const = 0;
  // The source defines one kernel, called `symbol`. Any number of threads may compile at a time. Errors name the
  // kernel and hold what the compiler said, on one line.
  virtual Expected<DeviceCode> compile(const std::string &symbol, const std::string &source) const = 0;
  // What it makes of the source as text, for people; empty where the compiler gives none.
  virtual Expected<std::string> assembly(const std::string &symbol, const std::string &source) const { return {}; }
};

} // namespace quipu::gpu
