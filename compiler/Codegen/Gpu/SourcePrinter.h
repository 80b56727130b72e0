// Prints a kernel's source: the chip's macros, the device headers it needs (each once, in dependency order), then the
// kernel itself.
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "compiler/Codegen/Gpu/Kernel.h"
#include "compiler/Codegen/KernelSpec.h"

#include <string>
#include <string_view>
#include <vector>

namespace quipu::gpu {

class SourcePrinter {
public:
  explicit SourcePrinter(const Chip &chip);

  // A file of device/, "matmul/few.h", and what it includes.
  void include(std::string_view header);
  // Text at file scope, after the headers printed so far: constants, an epilogue's functor.
  void declare(std::string_view text);

  // The body calls awaitEarlierKernels(mark) (device/platform.h) where it must; others begin with it.
  void bodyWaits() { waitsItself = true; }

  // Parameters are the operands of the generator's signature, by their names: `const float *x`. What lies in blocks or
  // as the target packs it is u8. body: statements that use them, dims, scratch and mark. minBlocks: blocks a unit
  // should hold (0: no wish).
  Kernel kernel(const KernelSpec &spec, const LaunchGeometry &launch, std::string_view body, int minBlocks = 0,
                int64_t scratchBytes = 0);

private:
  std::string text;
  bool earlyStart, waitsItself = false;
  std::vector<std::string_view> included;
};

// The text of device/NAME; empty when there is none.
std::string_view deviceHeader(std::string_view name);

// A literal that reads back exactly: 0x1p-3f. Infinities and NaN do not occur in parameters.
std::string floatLiteral(double value);

} // namespace quipu::gpu
