// verify passes on what is right, and says where something is wrong: at the launch that is wrong, and nowhere else.
#include "compiler/Verify/Verify.h"
#include "compiler/Pipeline/Compile.h"
#include "compiler/Pipeline/Definition.h"
#include "compiler/Pipeline/PhaseRunner.h"
#include "compiler/Pipeline/Settings.h"
#include "compiler/Reference/CheckpointWeights.h"
#include "compiler/Verify/LaunchCheck.h"
#include "compiler/Verify/Script.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace quipu::verify {
namespace {

constexpr const char *checkpointFolder = "test/goldens/llama/gqa_tied_f32";

std::vector<std::string> failures(const std::vector<VerifyLine> &lines) {
  std::vector<std::string> names;
  for (const VerifyLine &line : lines)
    if (!line.passed())
      names.push_back(line.name);
  return names;
}

TEST(Verify, EveryComparisonPassesOnAModelThatIsRight) {
  VerifyRequest request;
  request.model = checkpointFolder;
  for (auto [storage, target, device] :
       {std::tuple("f32", "", "cpu"), {"bf16", "", "cpu"}, {"bf16", "simt:gfx942", "simt"}}) {
    request.storage = storage;
    request.target = target;
    request.device = device;
    auto report = verifyModel(request);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_GE(report->passes.size(), 8u);
    EXPECT_GE(report->launches.size(), 14u);
    EXPECT_GE(report->logits.size(), 4u);
    for (const auto *lines : {&report->passes, &report->launches, &report->logits})
      EXPECT_EQ(failures(*lines), std::vector<std::string>()) << storage << " " << target;
  }
}

// Nothing that is left in a buffer from another step or check passes for a result.
TEST(Verify, ADeviceThatComputesNothingFailsEveryComparison) {
  VerifyRequest request;
  request.model = checkpointFolder;
  request.device = "null";
  auto report = verifyModel(request);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(failures(report->launches).size(), report->launches.size());
  EXPECT_EQ(failures(report->logits).size(), report->logits.size());
}

TEST(Verify, PromptIdsOutsideTheVocabularyAreAnError) {
  VerifyRequest request;
  request.model = checkpointFolder;
  request.promptIds = {1, 96};
  auto report = verifyModel(request);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message, "--prompt-ids: 96 is outside the vocabulary of 96");
}

TEST(Verify, ANumberThatIsNotOneFails) {
  VerifyLine line{"x", "", std::nan(""), 1};
  EXPECT_FALSE(line.passed());
  float got[] = {1, NAN};
  double want[] = {1, 2};
  EXPECT_GT(relativeError(got, want, 2), 1e30);
}

// The checkpoint, but with one weight a tenth larger: to the reference, the device multiplies by the wrong numbers.
class Perturbed : public reference::WeightSource {
public:
  Perturbed(reference::WeightSource &from, std::string name) : from(from), name(std::move(name)) {}

  Expected<std::shared_ptr<const reference::Weight>> find(const WeightPiece &piece,
                                                          const StorageFormat &storage) override {
    auto found = from.find(piece, storage);
    if (found && piece.tensor == name)
      return std::make_shared<Scaled>(*found);
    return found;
  }

private:
  struct Scaled : reference::Weight {
    explicit Scaled(std::shared_ptr<const reference::Weight> from) : from(std::move(from)) {}
    int64_t rows() const override { return from->rows(); }
    int64_t cols() const override { return from->cols(); }
    void readRow(int64_t i, double *out) const override {
      from->readRow(i, out);
      for (int64_t k = 0; k < cols(); ++k)
        out[k] *= 1.1;
    }
    std::shared_ptr<const reference::Weight> from;
  };

  reference::WeightSource &from;
  std::string name;
};

TEST(Verify, AWrongWeightIsFoundAtItsOwnLaunch) {
  std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("quipu-verify-test-{}.qpu", getpid())).string();
  CompileRequest request;
  request.model = checkpointFolder;
  request.output = path;
  auto compiled = compile(request);
  ASSERT_TRUE(compiled) << compiled.error().message;
  auto artifact = Artifact::open(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(artifact) << artifact.error().message;
  auto device = openDevice("cpu");
  ASSERT_TRUE(device) << device.error().message;
  auto program = (*device)->load(*artifact, 0, {});
  ASSERT_TRUE(program) << program.error().message;

  auto source = openModel(checkpointFolder);
  ASSERT_TRUE(source) << source.error().message;
  std::vector<std::string> warnings;
  auto options = resolvePhaseOptions({}, *source->checkpoint, source->description, warnings);
  ASSERT_TRUE(options) << options.error().message;
  auto context = createContext();
  auto module = buildDefinition(*source, *context, options->maxContext);
  ASSERT_TRUE(module) << module.error().message;
  PhaseRunner runner(*context, *options);
  for (Phase phase : {Phase::Definition, Phase::Specialised})
    ASSERT_TRUE(runner.run(phase, **module));

  reference::CheckpointWeights weights(*source->checkpoint);
  Perturbed perturbed(weights, "model.layers.1.mlp.down_proj.weight");
  LaunchCheck check(**program, *artifact, {2e-5, 2e-5, 2e-5, 1e-4});
  EXPECT_EQ(failures(check.lines()).size(), check.lines().size()) << "a launch that is never checked does not pass";
  Script script = makeScript({}, source->description.vocabSize, options->maxContext);
  reference::Caches caches;
  std::vector<int32_t> done(script.tokens.size());
  for (size_t i = 0; i < script.steps.size(); ++i) {
    ScriptStep step = takeStep(script, i, done);
    auto ran = check.run(*(*module)->getOps<lm::FuncOp>().begin(), perturbed, step.inputs,
                         deviceStep(step, (*program)->plan()), caches);
    ASSERT_TRUE(ran) << ran.error().message;
  }
  EXPECT_EQ(failures(check.lines()), std::vector<std::string>{"layers.1.mlp.down_proj"});
}

} // namespace
} // namespace quipu::verify
