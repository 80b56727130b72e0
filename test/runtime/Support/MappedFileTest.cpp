#include "runtime/Support/MappedFile.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

using quipu::MappedFile;

namespace {

class MappedFileTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "mapped-file-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override {
    ::unlink((folder + "/file").c_str());
    ::rmdir(folder.c_str());
  }
  std::string folder;
};

TEST_F(MappedFileTest, maps_the_whole_file) {
  std::ofstream(folder + "/file", std::ios::binary) << std::string(5000, 'x') + "end";
  auto file = MappedFile::open(folder + "/file");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->size(), 5003u);
  std::string_view text(reinterpret_cast<const char *>(file->data()), file->size());
  EXPECT_EQ(text.substr(4999), "xend");

  MappedFile moved = std::move(*file);
  EXPECT_EQ(moved.size(), 5003u);
  EXPECT_EQ(moved.path(), folder + "/file");
  EXPECT_EQ(file->size(), 0u);
}

TEST_F(MappedFileTest, empty_file_has_no_data) {
  std::ofstream(folder + "/file");
  auto file = MappedFile::open(folder + "/file");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->size(), 0u);
  EXPECT_EQ(file->data(), nullptr);
}

TEST_F(MappedFileTest, names_a_file_that_is_absent) {
  auto file = MappedFile::open(folder + "/absent");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, folder + "/absent: cannot be opened: No such file or directory");
}

TEST_F(MappedFileTest, refuses_a_folder_and_a_fifo) {
  auto directory = MappedFile::open(folder);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().message, folder + ": is not a regular file");

  ASSERT_EQ(::mkfifo((folder + "/file").c_str(), 0600), 0);
  auto fifo = MappedFile::open(folder + "/file");
  ASSERT_FALSE(fifo);
  EXPECT_EQ(fifo.error().message, folder + "/file: is not a regular file");
}

} // namespace
