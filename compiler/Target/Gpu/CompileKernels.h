// Kernel specifications to the machine code of a GPU: printed by the generators, compiled by a DeviceCompiler, kept in
// the compile cache.
#pragma once

#include "compiler/Codegen/Gpu/Generate.h"
#include "compiler/Target/CompileCache.h"
#include "compiler/Target/CompileJobs.h"
#include "compiler/Target/Gpu/DeviceCompiler.h"

#include <vector>

namespace quipu::gpu {

struct CompileOptions {
  std::string cacheFolder = CompileCache::defaultFolder(); // empty: no cache
  int threads = 0;                                         // 0: one for each core
  CompileProgress progress;
};

struct CompiledKernel {
  Kernel kernel;
  DeviceCode code;
  double seconds = 0; // to compile it; 0: from the cache
};

struct CompiledKernels {
  std::vector<CompiledKernel> kernels; // by spec
  size_t compiled = 0;                 // those that were not in the cache
};

// Symbols must be unique C identifiers; the code defines them. Errors name the kernel.
Expected<CompiledKernels> compileKernels(const std::vector<KernelSpec> &specs, const Chip &chip,
                                         const DeviceCompiler &compiler, const CompileOptions &options = {});

} // namespace quipu::gpu
