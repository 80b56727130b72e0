// A checkpoint compiled into a temporary folder, for tests that run it or look at the file.
#pragma once

#include "compiler/Pipeline/Compile.h"
#include "runtime/Engine/Engine.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace quipu::test {

class CompiledModel : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "quipu-compile-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string pathOf(const std::string &name) const { return folder + "/" + name; }

  // A request for one of the committed checkpoints (tests run in the root of the repository).
  CompileRequest requestFor(const std::string &golden, const std::string &output = "model.qpu") const {
    CompileRequest request;
    request.model = "test/goldens/llama/" + golden;
    request.output = pathOf(output);
    return request;
  }

  static std::string bytesOf(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // The logits behind the last id of a prompt.
  static std::vector<float> lastLogits(const std::string &artifact, const std::vector<int32_t> &prompt) {
    auto engine = Engine::load(artifact);
    EXPECT_TRUE(engine) << engine.error().message;
    std::vector<float> logits;
    auto scored = (*engine)->score(prompt, prompt.size() - 1, [&](size_t, const float *row) {
      logits.assign(row, row + (*engine)->model().vocab());
    });
    EXPECT_TRUE(scored) << scored.error().message;
    return logits;
  }

  // Largest difference over largest magnitude of `expected`.
  template <typename Expected> static double relativeError(const std::vector<float> &actual, const Expected &expected) {
    double difference = 0, magnitude = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
      difference = std::max(difference, std::abs(double(actual[i]) - double(expected[i])));
      magnitude = std::max(magnitude, std::abs(double(expected[i])));
    }
    return difference / magnitude;
  }

  std::string folder;
};

} // namespace quipu::test
