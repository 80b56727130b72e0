// A model on a GPU, with the fake drivers of both vendors.
#include "runtime/Device/Gpu/GpuProgram.h"
#include "test/runtime/Device/Fake/ToyGpu.h"

#include <cmath>

using namespace quipu;

namespace {

class GpuProgramTest : public toy::GpuTest {};

class EveryVendorTest : public toy::GpuTest, public testing::WithParamInterface<const char *> {
protected:
  EveryVendorTest() : GpuTest(GetParam()) {
    toy::GpuOptions options;
    options.target = backend == "cuda" ? "cuda:sm_90a" : "hip:gfx942";
    write(options);
  }
};

std::vector<int32_t> generated(Engine &engine, const std::vector<int32_t> &prompt, uint32_t count) {
  Expected<GenerateResult> result = engine.generate(prompt, {}, count);
  EXPECT_TRUE(result) << result.error().message;
  return result ? result->ids : std::vector<int32_t>();
}

gpu::GpuProgram &programOf(Engine &engine) { return dynamic_cast<gpu::GpuProgram &>(engine.loadedProgram()); }

TEST_P(EveryVendorTest, greedy_text_is_what_the_formula_says) {
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  for (const std::vector<int32_t> &prompt : {std::vector<int32_t>{3}, {1, 2, 3}, {7, 7, 1, 4, 9, 2, 0, 5, 8, 6, 1}})
    EXPECT_EQ(generated(**engine, prompt, 20), toy::greedy(prompt, 20));
}

TEST_P(EveryVendorTest, sequences_of_one_step_do_not_disturb_each_other) {
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  std::vector<std::vector<int32_t>> prompts = {{3, 1}, {4}, {1, 5, 9, 2, 6}, {5, 3, 5}};
  std::map<SequenceId, std::vector<int32_t>> ids;
  std::vector<SequenceId> order;
  for (const std::vector<int32_t> &prompt : prompts)
    order.push_back(*(*engine)->add(prompt, {}, 9));
  for (;;) {
    Expected<StepResult> stepped = (*engine)->step();
    ASSERT_TRUE(stepped) << stepped.error().message;
    if (stepped->idle())
      break;
    for (const NewToken &token : stepped->tokens)
      ids[token.sequence].push_back(token.token);
  }
  for (size_t i = 0; i < prompts.size(); ++i)
    EXPECT_EQ(ids[order[i]], toy::greedy(prompts[i], 9)) << i;
}

TEST_P(EveryVendorTest, logits_at_every_position_are_read) {
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  std::vector<int32_t> ids = {4, 0, 3, 9, 1, 1, 2};
  ASSERT_TRUE((*engine)->score(ids, 0, [&](size_t position, const float *logits) {
    std::vector<float> want = toy::logitsOf({ids.begin(), ids.begin() + static_cast<long>(position) + 1});
    EXPECT_EQ(std::vector<float>(logits, logits + toy::vocab), want) << position;
  }));
}

TEST_P(EveryVendorTest, each_launch_has_its_own_time) {
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  LoadedProgram &program = (*engine)->loadedProgram();
  program.profile(true);
  EXPECT_EQ(generated(**engine, {1, 2, 3}, 3), toy::greedy({1, 2, 3}, 3));
  std::map<uint32_t, double> seconds; // of each launch
  double ended = 0;
  for (const KernelSpan &span : program.spans()) {
    EXPECT_GE(span.begin, ended - 1e-9);
    ended = span.begin + span.seconds;
    seconds[span.launch] += span.seconds;
  }
  ASSERT_EQ(seconds.size(), 5u);
  EXPECT_GT(seconds[2], seconds[1]); // it has two kernels
  program.profile(false);
  EXPECT_EQ(generated(**engine, {1, 2, 3}, 3), toy::greedy({1, 2, 3}, 3));
  EXPECT_TRUE(program.spans().empty());
}

TEST_P(EveryVendorTest, the_bandwidth_probe_measures_copies_within_the_device) {
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  auto probe = (*engine)->device().bandwidthProbe((*engine)->loadedProgram());
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_EQ((*probe)->kind(), "copy");
  for (int i = 0; i < 3; ++i) {
    Expected<Transfer> sample = (*probe)->sample();
    ASSERT_TRUE(sample) << sample.error().message;
    EXPECT_GT(sample->rate(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Vendors, EveryVendorTest, testing::Values("cuda", "hip"),
                         [](const auto &info) { return info.param; });

TEST_F(GpuProgramTest, one_graph_serves_all_steps_of_a_bucket) {
  write();
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ(generated(**engine, {4}, 9), toy::greedy({4}, 9));
  size_t steps = toy::greedy({4}, 9).size();
  ASSERT_GT(steps, 3u);
  EXPECT_EQ(control().calls["cuGraphLaunch"], static_cast<int>(steps));
  EXPECT_EQ(control().calls["cuStreamBeginCapture_v2"], 1);
  EXPECT_EQ(programOf(**engine).graphCount(), 1u);
  // Prompts of 5 and 7 tokens: the bucket that ends with 8. Of 3: a bucket of its own, for a launch has a variant up
  // to 3.
  for (auto [length, graphs] : {std::pair(5, 2u), {7, 2u}, {3, 3u}, {4, 4u}}) {
    std::vector<int32_t> prompt(static_cast<size_t>(length), 2);
    EXPECT_EQ(generated(**engine, prompt, 1), toy::greedy(prompt, 1));
    EXPECT_EQ(programOf(**engine).graphCount(), graphs) << length;
  }
}

TEST_F(GpuProgramTest, steps_larger_than_a_graph_is_for_run_launch_by_launch) {
  toy::GpuOptions options;
  options.maxContext = 600;
  options.maxBatchTokens = 600;
  write(options);
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  std::vector<int32_t> prompt(500, 1);
  EXPECT_EQ(generated(**engine, prompt, 1), toy::greedy(prompt, 1));
  EXPECT_EQ(control().calls["cuGraphLaunch"], 0);
  EXPECT_EQ(control().launches[0].grid[0], 500u); // as many blocks as the step needs
}

TEST_F(GpuProgramTest, grids_are_those_of_the_bucket_and_whole_clusters) {
  write();
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ(generated(**engine, {1, 2, 3, 4, 5}, 1), toy::greedy({1, 2, 3, 4, 5}, 1));
  std::vector<std::string> order = {"toy_embedding", "toy_append", "toy_attend",
                                    "toy_nudge",     "toy_logits", "toy_sample"};
  ASSERT_EQ(control().ran, order);
  const std::vector<fake::Launch> &launches = control().launches;
  EXPECT_EQ(launches[0].grid[0], 8u);
  EXPECT_EQ(launches[1].grid[0], 2u); // a block for four tokens
  EXPECT_EQ(launches[2].grid[1], 4u);
  EXPECT_EQ(launches[3].sharedBytes, 100u << 10);
  EXPECT_EQ(launches[4].grid[0], 2u); // one row, clusters of two blocks
  EXPECT_EQ(launches[4].cluster, 2u);
  EXPECT_EQ(launches[5].grid[0], 1u);
}

// How many launches of a run were allowed to start early, by kernel.
std::map<std::string, int> earlyLaunches(const fake::Control &control) {
  std::map<std::string, int> early;
  for (size_t i = 0; i < control.launches.size(); ++i)
    early[control.ran[i]] += control.launches[i].early;
  return early;
}

TEST_F(GpuProgramTest, kernels_that_wait_themselves_start_early_behind_a_kernel) {
  write();
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ(generated(**engine, {1, 2, 3}, 1), toy::greedy({1, 2, 3}, 1));
  auto early = earlyLaunches(control());
  EXPECT_EQ(early["toy_embedding"], 0); // behind the copy of the inputs
  EXPECT_EQ(early["toy_attend"], 0);    // its geometry does not say so
  EXPECT_EQ(early["toy_logits"], 1);
  EXPECT_EQ(early["toy_sample"], 1);
}

TEST_F(GpuProgramTest, no_kernel_starts_early_on_an_old_driver_or_chip) {
  for (auto [version, capability] : {std::pair(12020, 9), {12040, 8}}) {
    control().cudaVersion = version;
    control().capability[0] = capability;
    toy::GpuOptions options;
    if (capability == 8)
      options.target = "cuda:sm_80", options.features = {"sm_80"};
    write(options);
    auto engine = load();
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_EQ(generated(**engine, {1, 2, 3}, 1), toy::greedy({1, 2, 3}, 1));
    for (const fake::Launch &launch : control().launches)
      EXPECT_FALSE(launch.early);
  }
}

TEST_F(GpuProgramTest, a_decode_step_sends_and_fetches_once) {
  write();
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  ASSERT_TRUE((*engine)->add({4}, {}, 9));
  ASSERT_TRUE((*engine)->step());
  control().calls.clear();
  ASSERT_TRUE((*engine)->step());
  EXPECT_EQ(control().calls["cuMemcpyHtoDAsync_v2"], 1); // all inputs and the dims
  EXPECT_EQ(control().calls["cuMemcpyDtoHAsync_v2"], 1); // the sampled token
  EXPECT_EQ(control().calls["cuEventRecord"], 1);        // of one wait
}

TEST_F(GpuProgramTest, weights_come_through_staging_and_are_checked) {
  write();
  std::vector<std::pair<uint64_t, uint64_t>> seen;
  EngineOptions options;
  options.progress = [&](uint64_t done, uint64_t total) { seen.emplace_back(done, total); };
  ASSERT_TRUE(load(options));
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().first, seen.back().second);
  Expected<Artifact> artifact = Artifact::open(path);
  ASSERT_TRUE(artifact);
  toy::flipByte(path, artifact->fileSize() - 1, 1);
  EXPECT_NE(errorOf().find("weights at byte"), std::string::npos) << errorOf();
}

TEST_F(GpuProgramTest, an_artifact_without_weights_runs_with_random_ones) {
  Expected<void> written = writeArtifact(path, toy::gpuContents(), {WeightPlacement::None, 0, nullptr});
  ASSERT_TRUE(written);
  EXPECT_NE(errorOf().find("holds no weights"), std::string::npos) << errorOf();
  EngineOptions options;
  options.randomWeights = true;
  auto engine = load(options);
  ASSERT_TRUE(engine) << engine.error().message;
  std::vector<int32_t> ids = {1, 2};
  ASSERT_TRUE((*engine)->score(ids, 0, [](size_t, const float *logits) {
    EXPECT_TRUE(std::isfinite(logits[0]));
    EXPECT_NE(logits[0], 0);
  }));
}

TEST_F(GpuProgramTest, one_launch_runs_alone_with_dims_of_its_own) {
  write();
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  LoadedProgram &program = (*engine)->loadedProgram();
  constexpr uint32_t rows = 6, head = 8, y = 12, logitsLaunch = 3;
  std::vector<int32_t> asked = {1, 0};
  std::vector<float> values = {0, 1, 0, 0, 1, 0, 0, 0}, logits(2 * toy::vocab), weights(toy::vocab * toy::width);
  ASSERT_TRUE(program.write(y, 0, values.data(), values.size() * sizeof(float)));
  ASSERT_TRUE(program.write(rows, 0, asked.data(), asked.size() * sizeof(int32_t)));
  program.setDims({2, 1, 2, 4});
  ASSERT_TRUE(program.runLaunch(logitsLaunch));
  ASSERT_TRUE(program.read(program.outputBuffer(StepOutput::Logits), 0, logits.data(), logits.size() * sizeof(float)));
  ASSERT_TRUE(program.read(head, 0, weights.data(), weights.size() * sizeof(float)));
  for (uint32_t v = 0; v < toy::vocab; ++v) {
    EXPECT_EQ(logits[v], weights[v * toy::width]);
    EXPECT_EQ(logits[toy::vocab + v], weights[v * toy::width + 1]);
  }
  EXPECT_FALSE(program.runLaunch(5));
}

TEST_F(GpuProgramTest, large_reads_and_writes_come_through_in_parts) {
  toy::GpuOptions options;
  options.maxContext = 600;
  options.maxBatchTokens = 100000; // y takes 1.6 MB, the cache more
  options.maxSequences = 1000;
  write(options);
  auto engine = load();
  ASSERT_TRUE(engine) << engine.error().message;
  LoadedProgram &program = (*engine)->loadedProgram();
  constexpr uint32_t cache = 9;
  uint64_t bytes = program.plan().buffers[cache].bytes;
  ASSERT_GT(bytes, 9u << 20);
  std::vector<uint32_t> values(bytes / 4), back(bytes / 4);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<uint32_t>(i * 2654435761u);
  ASSERT_TRUE(program.read(cache, 0, back.data(), bytes));
  EXPECT_EQ(back, std::vector<uint32_t>(bytes / 4)); // zero at first
  ASSERT_TRUE(program.write(cache, 0, values.data(), bytes));
  ASSERT_TRUE(program.read(cache, 0, back.data(), bytes));
  EXPECT_EQ(back, values);
}

} // namespace
