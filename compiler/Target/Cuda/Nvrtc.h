// NVIDIA's runtime compiler, opened when it is needed: CUDA C++ to a cubin of one chip, and its PTX.
#pragma once

#include "compiler/Target/Gpu/DeviceCompiler.h"

#include <memory>

namespace quipu::cuda {

struct NvrtcLibrary; // the opened library; stays open until the program ends

class Nvrtc : public gpu::DeviceCompiler {
public:
  // The library: $QUIPU_NVRTC (a file, or a folder with it; "none": as if there were none), what the dynamic linker
  // finds, CUDA toolkits ($CUDA_PATH, $CUDA_HOME, /usr/local/cuda), or the wheel nvidia-cuda-nvrtc of a Python in
  // $VIRTUAL_ENV, $HOME or the system. Errors: none found, too old, or one that does not know the chip. `chip` is
  // "sm_90a". With `ptx`, the code holds PTX beside the cubin.
  static Expected<std::unique_ptr<Nvrtc>> open(const std::string &chip, bool ptx);

  std::string name() const override;
  std::string identity() const override;
  // CUDA release whose driver is the first to load this compiler's cubins, times 1000: 13000.
  int leastDriver() const;

  Expected<gpu::DeviceCode> compile(const std::string &symbol, const std::string &source) const override;
  Expected<std::string> assembly(const std::string &symbol, const std::string &source) const override; // PTX

private:
  Nvrtc(const NvrtcLibrary &library, std::string chip, bool ptx);
  Expected<gpu::DeviceCode> build(const std::string &symbol, const std::string &source, bool withPtx) const;

  const NvrtcLibrary &library;
  std::string chip;
  bool ptx;
};

// The report of `ptxas -v`: registers, shared memory, stack and spills of the kernel and the functions it calls.
gpu::Resources readPtxasReport(const std::string &log);

} // namespace quipu::cuda
