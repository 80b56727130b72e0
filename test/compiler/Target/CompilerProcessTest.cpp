#include "compiler/Target/CompilerProcess.h"

#include <gtest/gtest.h>

namespace quipu {
namespace {

class CompilerProcess : public testing::Test {
protected:
  Expected<CompilerRun> shell(const std::string &script, const std::string &input = "") {
    return runCompiler("/bin/sh", {"-c", script}, input, *folder);
  }
  Expected<TemporaryFolder> folder = TemporaryFolder::create();
};

TEST_F(CompilerProcess, has_its_input_and_both_streams) {
  auto run = shell("cat; echo aside >&2; exit 3", "text\n");
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->status, 3);
  EXPECT_EQ(run->output, "text\naside\n");
}

TEST_F(CompilerProcess, arguments_arrive_as_they_are) {
  auto run = runCompiler("/bin/echo", {"a b", "$HOME", "*"}, "", *folder);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->output, "a b $HOME *\n");
}

TEST_F(CompilerProcess, a_crash_is_an_error_that_names_the_program) {
  auto run = shell("kill -ABRT $$");
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().message.find("/bin/sh: "), 0u) << run.error().message;
}

TEST_F(CompilerProcess, a_program_that_is_not_there_is_an_error) {
  EXPECT_FALSE(runCompiler("/nowhere/compiler", {}, "", *folder));
}

TEST(ErrorLines, are_the_first_errors_on_one_line) {
  EXPECT_EQ(errorLines("note: x\n a.cu(2): error: first\nwarning: y\na.cu(3): error: second\n"),
            "a.cu(2): error: first; a.cu(3): error: second");
}

TEST(ErrorLines, without_errors_are_the_first_line) { EXPECT_EQ(errorLines("\nsomething\nelse"), "something"); }

} // namespace
} // namespace quipu
