#include "test/runtime/Device/Fake/ToyGpu.h"

#include "runtime/Artifact/CodeBundle.h"

#include <dlfcn.h>

namespace quipu::toy {

namespace {

std::unique_ptr<fb::GridAxisT> axis(fb::Dim dim, uint32_t divide = 1, uint32_t times = 1) {
  auto made = std::make_unique<fb::GridAxisT>();
  made->dim = dim;
  made->divide = divide;
  made->times = times;
  return made;
}

std::unique_ptr<fb::LaunchGeometryT> geometryOf(const std::string &symbol, bool cuda) {
  auto geometry = std::make_unique<fb::LaunchGeometryT>();
  geometry->block = 32;
  geometry->early_start = symbol == "toy_embedding" || symbol == "toy_logits" || symbol == "toy_sample";
  if (symbol == "toy_append") {
    geometry->grid.push_back(axis(fb::Dim::tokens, 4));
  } else if (symbol == "toy_attend") {
    geometry->grid.push_back(axis(fb::Dim::tokens));
    geometry->grid.push_back(axis(fb::Dim::none, 1, width));
  } else if (symbol == "toy_nudge") {
    geometry->grid.push_back(axis(fb::Dim::tokens, 32));
    geometry->shared_bytes = cuda ? 100 << 10 : 40 << 10;
  } else if (symbol == "toy_logits") {
    geometry->grid.push_back(axis(fb::Dim::rows));
    geometry->cluster = cuda ? 2 : 1;
  } else {
    geometry->grid.push_back(axis(symbol == "toy_sample" ? fb::Dim::rows : fb::Dim::tokens));
  }
  return geometry;
}

} // namespace

ArtifactContents gpuContents(const GpuOptions &options) {
  ArtifactContents made = contents(options);
  fb::TargetProgramT &target = *made.program.targets[0];
  target.target = options.target;
  std::string image = readFile(QUIPU_TOY_GPU_KERNELS), text = std::string("toy ptx ") + QUIPU_TOY_GPU_KERNELS;
  std::vector<BundledKernel> bundle;
  for (auto &kernel : target.kernels) {
    kernel->scratch_bytes = uint64_t(options.maxBatchTokens) * width * sizeof(float);
    kernel->geometry = geometryOf(kernel->symbol, options.target.substr(0, 4) == "cuda");
    bundle.push_back({kernel->symbol, options.native ? image : "", options.portable ? text : ""});
  }
  made.code[0] = writeCodeBundle(bundle);
  return made;
}

GpuTest::GpuTest(std::string name) : backend(std::move(name)) {
  void *library = ::dlopen(backend == "cuda" ? "libcuda.so.1" : "libamdhip64.so.7", RTLD_NOW | RTLD_LOCAL);
  auto find = reinterpret_cast<fake::Gpu *(*)()>(library ? ::dlsym(library, "fakeGpu") : nullptr);
  if (!find)
    std::abort(); // the test program does not find the fake library: see the RPATH in CMakeLists.txt
  gpu = find();
  gpu->reset();
}

GpuTest::~GpuTest() {
  for (const std::string &complaint : control().complaints)
    ADD_FAILURE() << complaint;
  EXPECT_EQ(control().openObjects, 0) << "left on the device";
  gpu->reset();
}

void GpuTest::write(const GpuOptions &options) {
  Expected<void> written = writeArtifact(path, gpuContents(options));
  ASSERT_TRUE(written) << written.error().message;
}

Expected<std::unique_ptr<Engine>> GpuTest::load(const EngineOptions &given) {
  EngineOptions options = given;
  if (options.device == "cpu")
    options.device = backend;
  return Engine::load(path, options);
}

std::string GpuTest::errorOf(const EngineOptions &options) {
  Expected<std::unique_ptr<Engine>> engine = load(options);
  return engine ? "" : engine.error().message;
}

} // namespace quipu::toy
