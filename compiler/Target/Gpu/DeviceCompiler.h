// A compiler that turns the printed source of a kernel into what a GPU's driver loads.
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <string>

namespace quipu::gpu {

// What a kernel takes of the chip, as its compiler reports it.
struct Resources {
  bool known = false;    // PTX has none yet: the driver allocates registers
  int64_t registers = 0; // 32-bit vector registers of a thread, accumulation registers included
  int64_t scalarRegisters = 0;
  int64_t sharedBytes = 0; // static shared memory of a block
  int64_t stackBytes = 0;  // local memory of a thread
  int64_t spills = 0;      // registers that went to memory: bytes (NVIDIA) or registers (AMD)
};

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
