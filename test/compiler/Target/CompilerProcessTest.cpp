#include "compiler/Target/CompilerProcess.h"

#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST_F(CompilerProcess, temporary_files_go_into_the_folder) {
  auto run = shell("echo $TMPDIR $HOME");
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->output, folder->path() + " " + (getenv("HOME") ? getenv("HOME") : "") + "\n");
}

// A process that makes a folder with a file in it and waits for a signal.
class EndedBySignal : public testing::TestWithParam<int> {};

TEST_P(EndedBySignal, removes_its_folders) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    Expected<TemporaryFolder> mine = TemporaryFolder::create(), gone = TemporaryFolder::create();
    {
      TemporaryFolder moved = std::move(*gone);
    }
    bool ready = mine && mine->write("file", "text") && mine->write("other", "text");
    std::string path = ready ? mine->path() : "";
    (void)!write(ends[1], path.c_str(), path.size() + 1);
    pause();
    _exit(0);
  }
  char path[512] = {};
  ASSERT_GT(read(ends[0], path, sizeof path), 1);
  EXPECT_EQ(access((std::string(path) + "/file").c_str(), F_OK), 0);
  kill(child, GetParam());
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == GetParam());
  EXPECT_NE(access(path, F_OK), 0) << path;
  close(ends[0]);
  close(ends[1]);
}

INSTANTIATE_TEST_SUITE_P(Signals, EndedBySignal, testing::Values(SIGINT, SIGTERM, SIGHUP));

TEST(ErrorLines, are_the_first_errors_on_one_line) {
  EXPECT_EQ(errorLines("note: x\n a.cu(2): error: first\nwarning: y\na.cu(3): error: second\n"),
            "a.cu(2): error: first; a.cu(3): error: second");
}

TEST(ErrorLines, without_errors_are_the_first_line) { EXPECT_EQ(errorLines("\nsomething\nelse"), "something"); }

} // namespace
} // namespace quipu
