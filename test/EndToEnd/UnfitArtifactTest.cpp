// An artifact for CPUs that do not exist, through the command: what it needs is an error, not an illegal instruction.
#include "test/runtime/Artifact/ToyModel.h"

#include <cstdio>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

using namespace quipu;

namespace {

struct Ran {
  int status;
  std::string output; // with errors
};

Ran quipuCommand(const std::string &arguments) {
  std::string line = std::string(QUIPU_PROGRAM) + " " + arguments + " 2>&1";
  FILE *pipe = ::popen(line.c_str(), "r");
  Ran ran{-1, ""};
  for (int c; pipe && (c = std::fgetc(pipe)) != EOF;)
    ran.output += static_cast<char>(c);
  if (pipe)
    ran.status = WEXITSTATUS(::pclose(pipe));
  return ran;
}

TEST(UnfitArtifactTest, needed_features_that_this_cpu_lacks_are_named_by_every_command_that_runs) {
  toy::TemporaryFolder folder;
  std::string path = folder.file("toy.qpu");
  toy::Options options;
  options.features = {"xop", "amx-tile"}; // of one vendor's old chips and of the other's new ones
  toy::write(path, options);
  for (const char *arguments : {"run {} --prompt-ids 1", "bench {} -r 1", "plan {}"}) {
    Ran ran = quipuCommand(fmt::format(fmt::runtime(arguments), path));
    EXPECT_EQ(ran.status, 1) << arguments;
    EXPECT_EQ(ran.output.find("quipu: error: " + path + ": "), 0u) << ran.output;
    EXPECT_EQ(ran.output.find('\n'), ran.output.size() - 1) << ran.output;
    EXPECT_TRUE(ran.output.find("xop") != std::string::npos || ran.output.find("amx-tile") != std::string::npos)
        << ran.output;
  }
  Ran inspected = quipuCommand("inspect " + path);
  EXPECT_EQ(inspected.status, 0) << inspected.output;
  EXPECT_NE(inspected.output.find("amx-tile"), std::string::npos) << inspected.output;
}

TEST(UnfitArtifactTest, an_artifact_of_the_same_kind_that_fits_runs) {
  toy::TemporaryFolder folder;
  std::string path = folder.file("toy.qpu");
  toy::write(path);
  Ran ran = quipuCommand("run " + path + " --prompt-ids 1,2,3 -n 4 --temperature 0 --json");
  EXPECT_EQ(ran.status, 0) << ran.output;
  std::string expected = fmt::format("\"ids\":[{}]", fmt::join(toy::greedy({1, 2, 3}, 4), ","));
  EXPECT_NE(ran.output.find(expected), std::string::npos) << ran.output;
}

} // namespace
