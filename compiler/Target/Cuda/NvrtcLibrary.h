// libnvrtc as it is found on this machine: its functions, its version and the chips it knows.
#pragma once

#include "runtime/Support/Error.h"

#include <string>
#include <vector>

namespace quipu::cuda {

using NvrtcProgram = void *;

// The part of NVRTC's interface that is used; equal since CUDA 11.1. All but errorString return 0 where they succeed.
struct NvrtcLibrary {
  std::string path;
  int major = 0, minor = 0;
  std::vector<int> chips; // 90 for sm_90 and sm_90a

  const char *(*errorString)(int);
  int (*version)(int *, int *);
  int (*countChips)(int *);
  int (*listChips)(int *);
  int (*create)(NvrtcProgram *, const char *source, const char *name, int, const char *const *, const char *const *);
  int (*destroy)(NvrtcProgram *);
  int (*compile)(NvrtcProgram, int count, const char *const *options);
  int (*logSize)(NvrtcProgram, size_t *);
  int (*log)(NvrtcProgram, char *);
  int (*cubinSize)(NvrtcProgram, size_t *);
  int (*cubin)(NvrtcProgram, char *);
  int (*ptxSize)(NvrtcProgram, size_t *);
  int (*ptx)(NvrtcProgram, char *);
};

// The library, opened once in this process for each value of $QUIPU_NVRTC.
Expected<const NvrtcLibrary *> openNvrtc();

} // namespace quipu::cuda
