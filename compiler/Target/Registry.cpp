#include "compiler/Target/Cpu/CpuTarget.h"
#include "compiler/Target/Cuda/CudaTarget.h"
#include "compiler/Target/Hip/HipTarget.h"
#include "compiler/Target/Simt/SimtTarget.h"
#include "compiler/Target/Target.h"

namespace quipu {

namespace {

struct Row {
  std::string_view backend;
  // Takes what follows the colon; empty: the chip of this machine.
  Expected<std::unique_ptr<Target>> (*find)(std::string_view chip);
};

// A backend is one word, the same here, in its folder and in runtime/Device/Registry.cpp.
constexpr Row rows[] = {
    {"cpu", findCpuTarget},
    {"cuda", findCudaTarget},
    {"hip", findHipTarget},
    {"simt", findSimtTarget},
};

} // namespace

Expected<std::unique_ptr<Target>> findTarget(std::string_view name) {
  size_t colon = name.find(':');
  for (const Row &row : rows)
    if (row.backend == name.substr(0, colon) && colon + 1 != name.size())
      return row.find(colon == std::string_view::npos ? "" : name.substr(colon + 1));
  return makeError(
      "there is no such device; expected cpu or BACKEND:CHIP, such as cpu:x86-64-v3, cuda:sm_90a or hip:gfx942");
}

} // namespace quipu
