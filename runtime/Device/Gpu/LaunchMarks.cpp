#include "runtime/Device/Gpu/LaunchMarks.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Device/Gpu/LaunchGrid.h"

#include <algorithm>

namespace quipu::gpu {

LaunchMarks::LaunchMarks(const fb::TargetProgram &target) : target(target) {
  for (uint32_t i = 0; i < sizeOf(target.launches()); ++i) {
    size_t most = 0;
    for (const fb::Variant *variant : *target.launches()->Get(i)->variants())
      most = std::max<size_t>(most, sizeOf(variant->stages()));
    firsts.push_back(count);
    count += most;
  }
}

void LaunchMarks::placeIn(std::byte *pinned) {
  words = reinterpret_cast<volatile uint32_t *>(pinned);
  clear();
}

// The device has the memory at the host's address.
Address LaunchMarks::of(uint32_t launch, uint32_t stage) const {
  return words ? reinterpret_cast<Address>(words + firsts[launch] + stage) : 0;
}

void LaunchMarks::clear() {
  if (words)
    std::fill(words, words + count, 0);
}

std::string LaunchMarks::lastBegun(const StepDims &dims) const {
  std::string last, before;
  uint32_t mark = 0;
  for (uint32_t i = 0; words && i < firsts.size(); ++i) {
    const fb::Launch &launch = *target.launches()->Get(i);
    const fb::Variant *variant = variantOf(launch, dims);
    for (uint32_t stage = 0; variant && stage < sizeOf(variant->stages()); ++stage)
      if (uint32_t value = words[firsts[i] + stage]) {
        uint32_t kernel = variant->stages()->Get(stage)->kernel();
        before = std::move(last);
        last = fmt::format("launch '{}', kernel '{}'", launch.name()->str(),
                           target.kernels()->Get(kernel)->symbol()->str());
        mark = value;
      }
  }
  if (mark != Started || before.empty())
    return last;
  return fmt::format("{} or, begun before that ended, {} (--check-launches tells which)", before, last);
}

} // namespace quipu::gpu
