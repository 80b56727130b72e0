// A GPU as a device of the runtime, whichever vendor's driver it is reached through.
#pragma once

#include "runtime/Artifact/CodeBundle.h"
#include "runtime/Device/Device.h"
#include "runtime/Device/Gpu/GpuDriver.h"

#include <optional>

namespace quipu::gpu {

// How well code for a chip suits a device; the larger the better.
struct CodeFit {
  int rank;
  ImageKind kind;
};

// What is known of a backend beside its driver.
struct Backend {
  std::string_view name; // "cuda"
  // Of code for `chip` ("sm_90a"), which has text for later chips where `portable`; nothing where it does not run.
  std::optional<CodeFit> (*fit)(const DeviceInfo &device, std::string_view chip, bool portable);
  // The chip to compile for on this device.
  std::string (*chipToCompileFor)(const DeviceInfo &device);
};

// What a GPU of any kind allocates for a target.
Expected<MemoryPlan> planMemory(const Artifact &artifact, uint32_t target, const LoadOptions &options);

// What the target needs and the device lacks. Features of a GPU target are its chip and, for
// CUDA, the oldest driver that loads its code ("cuda-12.4").
std::vector<std::string> missingFeatures(const fb::TargetProgram &target, const DeviceInfo &device);

std::unique_ptr<Device> makeGpuDevice(std::shared_ptr<GpuDriver> driver, const Backend &backend);

} // namespace quipu::gpu
