// The toy model with a target for the fake device, and what a test does with both.
#pragma once

#include "runtime/Engine/Engine.h"
#include "test/runtime/Artifact/ToyModel.h"
#include "test/runtime/Device/Fake/FakeGpu.h"

#include <gtest/gtest.h>

namespace quipu::toy {

struct GpuOptions : Options {
  std::string target = "cuda:sm_90a";   // or for hip
  bool native = true, portable = false; // images of the kernels
};

// As contents(), for a GPU in place of the CPU.
ArtifactContents gpuContents(const GpuOptions &options = {});

// Starts with a fresh fake device; at the end nothing may be left on it and nothing may have been complained of.
class GpuTest : public testing::Test {
protected:
  explicit GpuTest(std::string backend = "cuda");
  ~GpuTest() override;

  // What the fake device of the backend is told and has seen.
  fake::Control &control() { return gpu->control; }
  void write(const GpuOptions &options = {});
  // Writes nothing; the artifact is at `path`.
  Expected<std::unique_ptr<Engine>> load(const EngineOptions &options = {});
  std::string errorOf(const EngineOptions &options = {});

  std::string backend;
  fake::Gpu *gpu;
  TemporaryFolder folder;
  std::string path = folder.file("toy.qpu");
};

} // namespace quipu::toy
