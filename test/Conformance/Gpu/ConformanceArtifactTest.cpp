// Conformance artifacts on the Simt device: what is right passes, and every kind of wrong is found and named.
#include "test/Conformance/Gpu/ConformanceArtifact.h"

#include "runtime/Artifact/Writer/ArtifactWriter.h"
#include "runtime/Device/RunCheck.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace quipu::gpu::conformance {
namespace {

const std::string target = "simt:sm_90a";

class ConformanceArtifactTest : public testing::Test {
protected:
  void SetUp() override { path = testing::TempDir() + "conformance.qpu"; }
  void TearDown() override { std::remove(path.c_str()); }

  // One row of the table, with its problems changed before they are written.
  KernelRow row(const std::string &name, const std::function<void(Problem &)> &change) {
    auto rows = rowsOf(target, name);
    EXPECT_TRUE(rows) << rows.error().message;
    KernelRow row = rows->front();
    row.make = [make = row.make, change](int64_t size) {
      Problem problem = make(size);
      change(problem);
      return problem;
    };
    return row;
  }

  // The messages of all checks of an artifact with these rows.
  std::vector<std::string> messages(const std::vector<KernelRow> &rows) {
    auto written = writeConformanceArtifact(path, target, rows);
    EXPECT_TRUE(written) << written.error().message;
    auto artifact = Artifact::open(path);
    EXPECT_TRUE(artifact) << artifact.error().message;
    auto list = readChecks(*artifact);
    EXPECT_TRUE(list) << list.error().message;
    auto opened = openDeviceFor(*artifact, "simt");
    EXPECT_TRUE(opened) << opened.error().message;
    auto program = opened->device->load(*artifact, opened->target, {});
    EXPECT_TRUE(program) << program.error().message;
    std::vector<std::string> all;
    for (const fb::Check *check : *(*list)->checks()) {
      auto result = runCheck(**program, **list, *check);
      EXPECT_TRUE(result) << result.error().message;
      EXPECT_EQ(result->share > 1, !result->message.empty());
      all.push_back(result->message);
    }
    return all;
  }

  std::string path;
};

bool allEmpty(const std::vector<std::string> &messages) {
  return !messages.empty() &&
         std::all_of(messages.begin(), messages.end(), [](const std::string &message) { return message.empty(); });
}

TEST_F(ConformanceArtifactTest, rows_of_several_generators_pass) {
  std::vector<KernelRow> rows;
  for (const char *name : {"rms_norm_n64", "sample_n512", "rope_append", "embedding",
                           "matmul_ragged_bf16_n101_k37_tile4", "matmul_ragged_f32_n101_k37_tile64_packed", "_split2"})
    rows.push_back(row(name, [](Problem &) {}));
  EXPECT_TRUE(allEmpty(messages(rows)));
}

TEST_F(ConformanceArtifactTest, an_expectation_out_of_tolerance_is_named) {
  auto perturb = [](Problem &problem) { problem.expected[0].value[5] += 1e-3; };
  for (const std::string &message : messages({row("rms_norm_n64", perturb)}))
    EXPECT_EQ(message.rfind("operand 3 element 5: got ", 0), 0u) << message;
}

TEST_F(ConformanceArtifactTest, an_integer_that_differs_is_named) {
  auto perturb = [](Problem &problem) { problem.expected[0].value[0] += 1; };
  for (const std::string &message : messages({row("sample_n512", perturb)}))
    EXPECT_NE(message.find("element 0: got "), std::string::npos) << message;
}

// The kernel believes its operand to be as long as before.
TEST_F(ConformanceArtifactTest, a_write_behind_an_operand_is_seen) {
  auto shorten = [](Problem &problem) {
    std::vector<uint8_t> &bytes = problem.operand("out").bytes;
    bytes.resize(bytes.size() - 4);
    problem.expected[0].value.pop_back();
    if (!problem.expected[0].magnitude.empty())
      problem.expected[0].magnitude.pop_back();
  };
  for (const std::string &message : messages({row("rms_norm_n64", shorten)}))
    EXPECT_NE(message.find("is of no operand, and was written to"), std::string::npos) << message;
}

TEST_F(ConformanceArtifactTest, a_write_to_what_is_only_read_is_seen) {
  auto contentWithoutExpectation = [](Problem &problem) {
    problem.operand("out") = Operand::of(std::vector<uint8_t>(problem.operand("out").bytes.size(), 1));
    problem.expected[0] = {problem.indexOf("gain"), ElementType::F32, {}, {}}; // the gain, which nobody changes
    for (size_t i = 0; i < problem.operand("gain").bytes.size() / 4; ++i) {
      float value;
      std::memcpy(&value, &problem.operand("gain").bytes[4 * i], 4);
      problem.expected[0].value.push_back(value);
    }
  };
  for (const std::string &message : messages({row("rms_norm_n64", contentWithoutExpectation)}))
    EXPECT_EQ(message.rfind("operand 3 is only read, and was written to at byte ", 0), 0u) << message;
}

TEST_F(ConformanceArtifactTest, unknown_targets_and_rows_are_refused) {
  EXPECT_EQ(rowsOf("cuda:sm_1", "").error().message,
            "'cuda:sm_1' is no target of a GPU, as in cuda:sm_90a or simt:gfx942");
  EXPECT_EQ(rowsOf(target, "no such").error().message, "no row has 'no such' in its name");
}

} // namespace
} // namespace quipu::gpu::conformance
