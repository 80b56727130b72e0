// Kernel specifications to a shared object: the way into code generation for CPUs.
#pragma once

#include "compiler/Codegen/KernelSpec.h"
#include "compiler/Target/CompileCache.h"
#include "compiler/Target/CompileJobs.h"
#include "compiler/Target/Cpu/Chip.h"

#include <vector>

namespace quipu::cpu {

struct CompileOptions {
  std::string cacheFolder = CompileCache::defaultFolder(); // empty: no cache
  int threads = 0;                                         // 0: one for each core
  CompileProgress progress;
};

struct CompiledKernels {
  std::string sharedObject;          // exports every spec's symbol as a quipu::cpu::Kernel; needs no library
  std::vector<int64_t> scratchBytes; // by spec, for each worker
  size_t compiled = 0;               // kernels that were not in the cache; equal ones count once
};

// Symbols must be unique C identifiers. Errors name the kernel and the parameter at fault.
Expected<CompiledKernels> compileKernels(const std::vector<KernelSpec> &specs, const Chip &chip,
                                         const CompileOptions &options = {});

// What decides the code of a spec for a chip: LLVM's release and a digest of the code generator's sources.
std::string codeGenerator();

enum class KernelForm { Mlir, Llvm, Assembly };

// One kernel as text, for people and tests.
Expected<std::string> printKernel(const KernelSpec &spec, const Chip &chip, KernelForm form);

} // namespace quipu::cpu
