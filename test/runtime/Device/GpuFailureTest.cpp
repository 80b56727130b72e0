// What goes wrong with a GPU, and what is said of it.
#include "runtime/Device/Cuda/CudaDevice.h"
#include "runtime/Device/Hip/HipDevice.h"
#include "test/runtime/Device/Fake/ToyGpu.h"

#include <chrono>

using namespace quipu;

namespace {

class GpuFailureTest : public toy::GpuTest {
protected:
  // The error of a text, whose program is gone when this returns.
  std::string errorOfRun(const EngineOptions &options = {}) {
    auto engine = load(options);
    if (!engine)
      return "load: " + engine.error().message;
    Expected<GenerateResult> result = (*engine)->generate({1, 2}, {}, 9);
    if (result)
      return "";
    // The device is not used again.
    control().calls.clear();
    Expected<GenerateResult> again = (*engine)->generate({1, 2}, {}, 9);
    EXPECT_FALSE(again);
    EXPECT_EQ(again.error().message, result.error().message);
    EXPECT_EQ(control().calls.size(), 0u);
    return result.error().message;
  }
};

// A machine with devices of both vendors.
class HipFailureTest : public GpuFailureTest {
protected:
  struct Hip : toy::GpuTest {
    Hip() : GpuTest("hip") {}
    void TestBody() override {}
    using GpuTest::control;
  } hip;
};

std::string openError(const std::string &name) {
  Expected<std::unique_ptr<Device>> device = openDevice(name);
  return device ? "" : device.error().message;
}

TEST_F(GpuFailureTest, names_of_devices) {
  EXPECT_EQ(openError("cuda"), "");
  EXPECT_EQ(openError("cuda:0"), "");
  EXPECT_EQ(openError("cuda:7"), "device 'cuda:7': this machine has 1 CUDA device, and no number 7");
  for (const char *number : {"", "x", "-1", "0x", "1 ", "99999999999"})
    EXPECT_EQ(openError(std::string("cuda:") + number),
              "device 'cuda:" + std::string(number) + "': '" + number + "' is no number of a device, as in cuda:0");
  EXPECT_EQ(openError("cpu:0"), "device 'cpu:0': 'cpu' has no numbers");
  EXPECT_EQ(openError("gpu"), "device 'gpu' is unknown: there are auto, cpu, cuda, hip, null, simt");
}

TEST_F(GpuFailureTest, a_machine_with_a_driver_and_no_device) {
  control().devices = 0;
  EXPECT_EQ(openError("cuda"), "device 'cuda': cuInit: CUDA_ERROR_NO_DEVICE (as the driver says it)");
}

TEST_F(GpuFailureTest, a_driver_too_old) {
  control().cudaVersion = 11040;
  EXPECT_EQ(openError("cuda"),
            "device 'cuda': the driver supports CUDA 11.4, 11.8 or later is needed; install a newer driver");
}

TEST_F(GpuFailureTest, a_driver_too_old_for_the_artifact) {
  toy::GpuOptions options;
  options.features = {"sm_90a", "cuda-12.8"};
  write(options);
  EXPECT_EQ(errorOf(), path + ": has no code for cuda:0, Fake H100 (sm_90); it has 'cuda:sm_90a', which needs "
                              "cuda-12.8 (it has 12.4); compile it with --target cuda:sm_90a");
  control().cudaVersion = 12080;
  EXPECT_EQ(errorOf(), "");
}

TEST_F(GpuFailureTest, a_feature_that_nobody_knows_is_not_there) {
  for (const char *feature : {"cuda-", "cuda-12", "cuda-12.", "cuda-x.1", "tensor-cores"}) {
    toy::GpuOptions options;
    options.features = {feature};
    write(options);
    EXPECT_NE(errorOf().find(std::string("which needs ") + feature), std::string::npos) << errorOf();
  }
}

TEST_F(GpuFailureTest, a_chip_that_the_artifact_has_no_code_for) {
  toy::GpuOptions options;
  options.target = "cuda:sm_80";
  write(options);
  EXPECT_EQ(errorOf(), path + ": has no code for cuda:0, Fake H100 (sm_90); it has 'cuda:sm_80'; compile it with "
                              "--target cuda:sm_90a");
  options.target = "hip:gfx942";
  write(options);
  EXPECT_NE(errorOf().find("it has 'hip:gfx942'"), std::string::npos);
}

TEST_F(GpuFailureTest, text_for_later_chips_runs_where_there_is_no_code) {
  toy::GpuOptions options;
  options.target = "cuda:sm_80";
  options.portable = true;
  write(options);
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  Expected<GenerateResult> result = (*engine)->generate({4}, {}, 5);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->ids, toy::greedy({4}, 5));
}

TEST_F(GpuFailureTest, text_for_the_chip_itself_runs_there) {
  toy::GpuOptions options;
  options.native = false;
  options.portable = true;
  write(options);
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ((*engine)->generate({4}, {}, 5)->ids, toy::greedy({4}, 5));
}

TEST_F(GpuFailureTest, too_little_memory_is_said_before_anything_is_loaded) {
  write();
  control().memory = 1 << 20;
  EXPECT_EQ(errorOf(), path +
                           ": takes 3 MiB of memory (1 of weights, 1 of KV cache) on cuda:0 (Fake H100, 1 MiB), 1 MiB "
                           "are free; lower max sequences or max context");
  EXPECT_EQ(control().calls["cuMemAlloc_v2"] + control().calls["cuModuleLoadDataEx"], 0);
}

TEST_F(GpuFailureTest, every_call_that_fails_is_named_and_leaves_nothing_behind) {
  write();
  for (const char *symbol : {"cuMemAlloc_v2", "cuMemHostAlloc", "cuModuleLoadDataEx", "cuModuleGetFunction",
                             "cuFuncSetAttribute", "cuStreamCreate", "cuEventCreate", "cuMemsetD32Async",
                             "cuMemcpyHtoDAsync_v2", "cuMemGetInfo_v2", "cuEventRecord", "cuEventQuery"}) {
    control().failing = {{symbol, fake::OutOfMemory}};
    std::string error = errorOf();
    EXPECT_NE(error.find(std::string(symbol) + ": CUDA_ERROR_OUT_OF_MEMORY"), std::string::npos) << error;
    EXPECT_EQ(error.find(path + ": target 'cuda:sm_90a' on cuda:0: "), 0u) << error;
    control().failing.clear();
    EXPECT_EQ(control().openObjects, 0) << symbol;
  }
  for (const char *symbol : {"cuDevicePrimaryCtxRetain", "cuCtxSetCurrent", "cuDeviceGetCount"}) {
    control().failing = {{symbol, fake::OutOfMemory}};
    EXPECT_NE(openError("cuda").find(symbol), std::string::npos) << openError("cuda");
  }
  control().failing.clear();
}

TEST_F(GpuFailureTest, code_that_the_driver_refuses) {
  ArtifactContents contents = toy::gpuContents();
  contents.code[0] = "no bundle at all, but long enough";
  ASSERT_TRUE(writeArtifact(path, std::move(contents)));
  EXPECT_EQ(errorOf(), path + ": target 'cuda:sm_90a' on cuda:0: its code is no bundle of kernels");
  contents = toy::gpuContents();
  contents.program.targets[0]->kernels[2]->symbol = "toy_absent";
  ASSERT_TRUE(writeArtifact(path, std::move(contents)));
  EXPECT_EQ(errorOf(), path + ": target 'cuda:sm_90a' on cuda:0: its code has no kernel 'toy_absent'");
  contents = toy::gpuContents();
  contents.program.targets[0]->kernels[2]->geometry.reset();
  ASSERT_TRUE(writeArtifact(path, std::move(contents)));
  EXPECT_EQ(errorOf(), path + ": target 'cuda:sm_90a' on cuda:0: kernel 'toy_attend' does not say how it is launched");
  contents = toy::gpuContents();
  contents.program.targets[0]->kernels[2]->geometry->shared_bytes = 228 << 10;
  ASSERT_TRUE(writeArtifact(path, std::move(contents)));
  EXPECT_EQ(errorOf(), path + ": target 'cuda:sm_90a' on cuda:0: kernel 'toy_attend' takes 233472 bytes of shared "
                              "memory, a block has 232448");
}

TEST_F(GpuFailureTest, text_that_the_driver_does_not_compile_tells_why) {
  ArtifactContents contents = toy::gpuContents();
  std::vector<BundledKernel> kernels;
  for (const auto &kernel : contents.program.targets[0]->kernels)
    kernels.push_back({kernel->symbol, "", "text of no kernel"});
  contents.code[0] = writeCodeBundle(kernels);
  ASSERT_TRUE(writeArtifact(path, std::move(contents)));
  EXPECT_EQ(errorOf(), path + ": target 'cuda:sm_90a' on cuda:0: kernel 'toy_embedding': cuModuleLoadDataEx: "
                              "CUDA_ERROR_INVALID_IMAGE (as the driver says it): line 9; fatal");
}

TEST_F(GpuFailureTest, a_launch_that_fails_is_named) {
  write();
  control().failing = {{"cuLaunchKernel", fake::InvalidValue}};
  EXPECT_EQ(errorOfRun(),
            "cuda:0: launch 'embedding', kernel 'toy_embedding': cuLaunchKernel: CUDA_ERROR_SOME_OTHER (as "
            "the driver says it)");
  control().failing = {{"cuLaunchKernelEx", fake::InvalidValue}};
  EXPECT_EQ(errorOfRun(),
            "cuda:0: launch 'logits', kernel 'toy_logits': cuLaunchKernelEx: CUDA_ERROR_SOME_OTHER (as the "
            "driver says it)");
  for (const char *symbol : {"cuStreamBeginCapture_v2", "cuGraphLaunch"}) {
    control().failing = {{symbol, fake::InvalidValue}};
    EXPECT_NE(errorOfRun().find(symbol), std::string::npos);
  }
  control().failing = {{"cuGraphInstantiateWithFlags", fake::OutOfMemory}};
  EXPECT_NE(errorOfRun().find("instantiate a graph: CUDA_ERROR_OUT_OF_MEMORY"), std::string::npos);
}

TEST_F(GpuFailureTest, a_grid_that_no_gpu_takes_is_an_error) {
  ArtifactContents contents = toy::gpuContents();
  contents.program.targets[0]->kernels[2]->geometry->grid[1]->times = 70000;
  ASSERT_TRUE(writeArtifact(path, std::move(contents)));
  EXPECT_EQ(errorOfRun(), "cuda:0: launch 'attend', kernel 'toy_attend': 70000 blocks along axis y are more than a GPU "
                          "takes");
}

// A kernel that fails takes its device with it: the program ends with the kernel's name, in a graph too.
TEST_F(GpuFailureTest, a_kernel_that_fails_while_it_runs_is_named) {
  write();
  control().failingKernel = "toy_attend";
  EXPECT_EQ(errorOfRun(), "cuda:0: launch 'attend', kernel 'toy_attend' of a step of 2 tokens of 1 sequences: "
                          "cuEventQuery: CUDA_ERROR_ILLEGAL_ADDRESS (as the driver says it)");
  EXPECT_GT(control().calls["cuGraphExecDestroy"], 0);
  control().openObjects = 0; // a device that is lost frees nothing
}

// Marks are of one step: those of later kernels in the step before do not count.
TEST_F(GpuFailureTest, a_kernel_that_fails_after_good_steps_is_named) {
  write();
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ((*engine)->generate({4}, {}, 5)->ids, toy::greedy({4}, 5));
  control().failingKernel = "toy_append";
  Expected<GenerateResult> result = (*engine)->generate({1, 2}, {}, 9);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "cuda:0: launch 'append', kernel 'toy_append' of a step of 2 tokens of 1 sequences: "
            "cuEventQuery: CUDA_ERROR_ILLEGAL_ADDRESS (as the driver says it)");
  engine->reset();
  control().openObjects = 0;
}

// The kernel behind it had begun, and waits: either may be at fault.
TEST_F(GpuFailureTest, a_kernel_that_begins_before_the_one_that_fails_has_ended_is_named_too) {
  write();
  control().failingKernel = "toy_nudge"; // the second stage
  EXPECT_EQ(errorOfRun(), "cuda:0: launch 'attend', kernel 'toy_nudge' or, begun before that ended, launch 'logits', "
                          "kernel 'toy_logits' (--check-launches tells which) of a step of 2 tokens of 1 sequences: "
                          "cuEventQuery: CUDA_ERROR_ILLEGAL_ADDRESS (as the driver says it)");
  control().openObjects = 0;
}

TEST_F(GpuFailureTest, a_kernel_that_began_early_and_fails_alone_is_named_alone) {
  write();
  control().failingKernel = "toy_logits";
  EXPECT_EQ(errorOfRun(), "cuda:0: launch 'logits', kernel 'toy_logits' of a step of 2 tokens of 1 sequences: "
                          "cuEventQuery: CUDA_ERROR_ILLEGAL_ADDRESS (as the driver says it)");
  control().openObjects = 0;
}

// No row is asked for in the first of two steps: the kernels behind have no blocks.
TEST_F(GpuFailureTest, kernels_that_a_step_leaves_out_are_not_named) {
  write();
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  control().failingKernel = "toy_nudge";
  Expected<GenerateResult> result = (*engine)->generate(std::vector<int32_t>(30, 1), {}, 9);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "cuda:0: launch 'attend', kernel 'toy_nudge' of a step of 24 tokens of 1 sequences: cuEventQuery: "
            "CUDA_ERROR_ILLEGAL_ADDRESS (as the driver says it)");
  engine->reset();
  control().openObjects = 0;
}

TEST_F(GpuFailureTest, checked_launches_name_one_kernel) {
  write();
  control().failingKernel = "toy_nudge";
  EngineOptions options;
  options.checkLaunches = true;
  EXPECT_EQ(errorOfRun(options), "cuda:0: launch 'attend', kernel 'toy_nudge' of a step of 2 tokens of 1 sequences: "
                                 "cuEventQuery: CUDA_ERROR_ILLEGAL_ADDRESS (as the driver says it)");
  control().openObjects = 0;
}

// Of a step that is no graph, the driver gives a kernel's error to the launches behind it.
TEST_F(GpuFailureTest, a_launch_behind_a_kernel_that_failed_is_not_named) {
  toy::GpuOptions model;
  model.maxContext = 512;
  model.maxBatchTokens = 512;
  write(model);
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  control().eager = true;
  control().failingKernel = "toy_append";
  Expected<GenerateResult> result = (*engine)->generate(std::vector<int32_t>(300, 1), {}, 9);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message.find("cuda:0: launch 'append', kernel 'toy_append' of a step of 300 tokens of 1 "
                                        "sequences: cu"),
            0u)
      << result.error().message;
  EXPECT_EQ(control().calls["cuGraphLaunch"], 0);
  engine->reset();
  control().openObjects = 0;
}

TEST_F(GpuFailureTest, without_marks_the_step_is_named) {
  write();
  control().failingKernel = "toy_attend";
  EngineOptions options;
  options.markLaunches = false;
  EXPECT_EQ(errorOfRun(options), "cuda:0: a step of 2 tokens of 1 sequences: cuEventQuery: CUDA_ERROR_ILLEGAL_ADDRESS "
                                 "(as the driver says it)");
  control().openObjects = 0;
}

TEST_F(GpuFailureTest, checked_launches_give_the_same_text) {
  write();
  EngineOptions options;
  options.checkLaunches = true;
  auto engine = load(options);
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ((*engine)->generate({4}, {}, 5)->ids, toy::greedy({4}, 5));
  EXPECT_EQ(control().calls["cuGraphLaunch"], 0);
}

// Nothing that waits for the device is called, or the program would never end.
TEST_F(GpuFailureTest, a_device_that_does_not_answer_is_given_up) {
  write();
  EngineOptions options;
  options.deviceTimeout = 0.05;
  auto engine = load(options);
  ASSERT_TRUE(engine) << engine.error().message;
  control().hangs = true;
  Expected<GenerateResult> result = (*engine)->generate({1, 2}, {}, 9);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "cuda:0: a step of 2 tokens of 1 sequences: it has not answered for 0.05 s");
  engine->reset();
  control().openObjects = 0;
}

TEST_F(GpuFailureTest, a_device_that_was_given_up_is_not_waited_for_again) {
  write();
  EngineOptions options;
  options.deviceTimeout = 0.05;
  auto engine = load(options);
  ASSERT_TRUE(engine) << engine.error().message;
  auto probe = (*engine)->device().bandwidthProbe((*engine)->loadedProgram());
  ASSERT_TRUE(probe) << probe.error().message;
  control().hangs = true;
  EXPECT_FALSE((*engine)->generate({1, 2}, {}, 9));
  auto started = std::chrono::steady_clock::now();
  EXPECT_FALSE((*probe)->sample()); // which has patience for 30 s
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(10));
  probe->reset();
  engine->reset();
  control().openObjects = 0;
}

TEST_F(GpuFailureTest, a_kernel_that_does_not_end_is_named) {
  write();
  EngineOptions options;
  options.deviceTimeout = 0.05;
  auto engine = load(options);
  ASSERT_TRUE(engine) << engine.error().message;
  control().hangingKernel = "toy_attend";
  Expected<GenerateResult> result = (*engine)->generate({1, 2}, {}, 9);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "cuda:0: launch 'attend', kernel 'toy_attend' of a step of 2 tokens of 1 sequences: "
            "it has not answered for 0.05 s");
  engine->reset();
  control().openObjects = 0;
}

TEST_F(GpuFailureTest, a_device_that_does_not_answer_while_weights_are_loaded_is_given_up) {
  write();
  control().hangs = false;
  control().failing = {{"cuMemsetD32Async", fake::None}};
  EngineOptions options;
  options.deviceTimeout = 0.05;
  options.progress = [&](uint64_t, uint64_t) { control().hangs = true; };
  EXPECT_NE(errorOf(options).find("it has not answered for 0.05 s"), std::string::npos);
  control().openObjects = 0;
}

TEST_F(HipFailureTest, hip_says_it_in_its_own_words) {
  toy::GpuOptions options;
  options.target = "hip:gfx90a";
  write(options);
  EngineOptions engine;
  engine.device = "hip:0";
  EXPECT_EQ(errorOf(engine), path +
                                 ": has no code for hip:0, Fake MI300X (gfx942); it has 'hip:gfx90a'; compile it with "
                                 "--target hip:gfx942");
  hip.control().devices = 0;
  EXPECT_EQ(openError("hip"), "device 'hip': hipInit: hipErrorNoDevice (as the driver says it); no AMD GPU is there "
                              "that this user may open: see "
                              "/dev/kfd and /dev/dri");
  hip.control().devices = 2;
  EXPECT_EQ(openError("hip:2"), "device 'hip:2': this machine has 2 HIP devices, and no number 2");
  EXPECT_EQ(openError("hip:1"), "");
  hip.control().hipVersion = 40500000;
  EXPECT_EQ(openError("hip"),
            "device 'hip': the driver supports HIP 4.5, 5.2 or later is needed; install a newer ROCm");
}

// ROCm ends the process then: this is all that is said of the kernel.
TEST_F(HipFailureTest, a_memory_fault_names_the_kernel_before_the_process_ends) {
  toy::GpuOptions options;
  options.target = "hip:gfx942";
  write(options);
  EngineOptions engineOptions;
  engineOptions.device = "hip:0";
  auto engine = load(engineOptions), idle = load(engineOptions);
  ASSERT_TRUE(engine && idle) << engine.error().message;
  hip.control().failingKernel = "toy_attend";
  testing::internal::CaptureStderr();
  EXPECT_FALSE((*engine)->generate({1, 2}, {}, 9));
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "quipu: hip:0: launch 'attend', kernel 'toy_attend' of a step of 2 tokens of 1 sequences: memory access "
            "fault at 0x7000\n");
  engine->reset();
  idle->reset();
  hip.control().openObjects = 0;
}

TEST_F(HipFailureTest, automatic_takes_the_best_device_that_there_is_code_for) {
  auto nameFor = [&](const std::string &target) {
    toy::GpuOptions options;
    options.target = target;
    write(options);
    Expected<Artifact> artifact = Artifact::open(path);
    Expected<OpenedDevice> device = openDeviceFor(*artifact, "auto");
    return device ? device->name : device.error().message;
  };
  EXPECT_EQ(nameFor("cuda:sm_90a"), "cuda");
  EXPECT_EQ(nameFor("hip:gfx942"), "hip");
  EXPECT_EQ(nameFor("hip:gfx1100"), path +
                                        ": has no code for hip:0, Fake MI300X (gfx942); it has 'hip:gfx1100'; compile "
                                        "it with --target hip:gfx942");
  control().devices = 0;
  EXPECT_EQ(nameFor("hip:gfx942"), "hip");
  EXPECT_EQ(nameFor("cuda:sm_90a"), "device 'cuda': cuInit: CUDA_ERROR_NO_DEVICE (as the driver says it)");
  toy::write(path);
  Expected<Artifact> artifact = Artifact::open(path);
  EXPECT_EQ(openDeviceFor(*artifact, "auto")->name, "cpu");
  EXPECT_EQ((*openDevice("auto"))->targetToCompile(), "hip:gfx942");
}

TEST_F(HipFailureTest, devices_are_listed_with_what_they_are) {
  control().devices = 0;
  std::vector<FoundDevice> found = findDevices();
  ASSERT_EQ(found.size(), 5u); // cpu, cuda, hip:0, null, simt
  EXPECT_EQ(found[0].name, "cpu");
  EXPECT_TRUE(found[0].present);
  EXPECT_EQ(found[1].name, "cuda");
  EXPECT_FALSE(found[1].present);
  EXPECT_EQ(found[2].name, "hip:0");
  EXPECT_EQ(found[2].description, "Fake MI300X (gfx942), 1.0 GiB, driver 6.3");
}

// ---- which code runs on which chip

std::string fit(std::array<int, 2> capability, const std::vector<std::pair<const char *, bool>> &targets) {
  gpu::DeviceInfo device;
  device.capability = capability;
  std::string best;
  int rank = -1;
  for (auto [chip, portable] : targets)
    if (std::optional<gpu::CodeFit> found = cuda::fitOf(device, chip, portable); found && found->rank > rank) {
      rank = found->rank;
      best = fmt::format("{}{}", chip, found->kind == ImageKind::Portable ? " text" : "");
    }
  return best;
}

TEST(ChipFitTest, nvidia_code_runs_on_chips_of_its_generation_that_are_not_older) {
  EXPECT_EQ(fit({8, 6}, {{"sm_80", false}}), "sm_80");
  EXPECT_EQ(fit({8, 6}, {{"sm_89", false}}), "");
  EXPECT_EQ(fit({9, 0}, {{"sm_80", false}}), "");
  EXPECT_EQ(fit({9, 0}, {{"sm_80", true}}), "sm_80 text");
  EXPECT_EQ(fit({8, 0}, {{"sm_90", true}}), "");
}

TEST(ChipFitTest, nvidia_code_for_one_chip_alone_runs_there_and_nowhere_else) {
  EXPECT_EQ(fit({9, 0}, {{"sm_90a", false}}), "sm_90a");
  EXPECT_EQ(fit({10, 0}, {{"sm_90a", true}}), "");
  EXPECT_EQ(fit({10, 3}, {{"sm_100a", true}}), "");
  EXPECT_EQ(fit({10, 3}, {{"sm_100f", false}}), "sm_100f");
}

TEST(ChipFitTest, the_nearest_code_is_taken) {
  EXPECT_EQ(fit({8, 9}, {{"sm_80", false}, {"sm_89", false}, {"sm_86", false}}), "sm_89");
  EXPECT_EQ(fit({9, 0}, {{"sm_90", true}, {"sm_90a", false}, {"sm_80", true}}), "sm_90a");
  EXPECT_EQ(fit({12, 0}, {{"sm_80", true}, {"sm_89", true}, {"sm_90a", true}}), "sm_89 text");
}

TEST(ChipFitTest, names_that_are_no_chips_fit_nothing) {
  for (const char *chip : {"", "sm_", "sm_a", "sm_9", "gfx942", "sm_90x", "sm_90 "})
    EXPECT_EQ(fit({9, 0}, {{chip, true}}), "") << chip;
}

TEST(ChipFitTest, what_to_compile_for_a_device) {
  gpu::DeviceInfo device;
  device.chip = "sm_86", device.capability = {8, 6};
  EXPECT_EQ(cuda::chipToCompileFor(device), "sm_86");
  device.chip = "sm_90", device.capability = {9, 0};
  EXPECT_EQ(cuda::chipToCompileFor(device), "sm_90a");
}

} // namespace
