#include "runtime/Support/OutputFile.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using quipu::Expected;
using quipu::OutputFile;

namespace {

class OutputFileTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "output-file-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    path = folder + "/file";
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string contents() const {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  long filesInFolder() const { return std::distance(std::filesystem::directory_iterator(folder), {}); }

  std::string folder, path;
};

TEST_F(OutputFileTest, has_its_name_only_once_it_is_complete) {
  std::ofstream(path) << "older";
  Expected<OutputFile> file = OutputFile::create(path);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(file->writeAt(2, "cd", 2));
  ASSERT_TRUE(file->writeAt(0, "ab", 2));
  ASSERT_TRUE(file->resize(5));
  EXPECT_EQ(contents(), "older");
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(contents(), std::string("abcd\0", 5));
  EXPECT_EQ(filesInFolder(), 1);
}

TEST_F(OutputFileTest, a_file_that_is_not_committed_leaves_nothing) {
  {
    Expected<OutputFile> file = OutputFile::create(path);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->writeAt(0, "ab", 2));
  }
  EXPECT_EQ(filesInFolder(), 0);
}

TEST_F(OutputFileTest, a_killed_process_leaves_nothing) {
  pid_t child = ::fork();
  if (child == 0) {
    Expected<OutputFile> file = OutputFile::create(path);
    bool written = file && file->writeAt(0, "ab", 2);
    ::_exit(written ? 0 : 1); // as if killed: no destructor runs
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  if (filesInFolder() == 1)
    GTEST_SKIP() << "the file system of " << folder << " has no files without a name";
  EXPECT_EQ(filesInFolder(), 0);
}

TEST_F(OutputFileTest, has_the_permissions_that_the_umask_leaves) {
  mode_t before = ::umask(027);
  Expected<OutputFile> file = OutputFile::create(path);
  ::umask(before);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->commit());
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST_F(OutputFileTest, names_a_place_that_cannot_be_written) {
  Expected<OutputFile> file = OutputFile::create(folder + "/absent/file");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, folder + "/absent/file: cannot be written: No such file or directory");
  file = OutputFile::create(folder);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, folder + ": cannot be written: it exists and is not a regular file");
}

} // namespace
