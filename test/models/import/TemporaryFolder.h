// A folder for one test, with the files of a checkpoint written into it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace quipu::test {

class TemporaryFolder : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "quipu-import-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string pathOf(const std::string &name) const { return folder + "/" + name; }
  void write(const std::string &name, const std::string &contents) const {
    std::ofstream(pathOf(name), std::ios::binary) << contents;
  }

  std::string folder;
};

// The bytes of a safetensors file with this header and data.
inline std::string safetensors(const std::string &header, const std::string &data) {
  std::string length;
  for (int i = 0; i < 8; ++i)
    length += static_cast<char>(header.size() >> (8 * i));
  return length + header + data;
}

} // namespace quipu::test
