// Where the data from outside the tree lies: QUIPU_SHARED_DATA, or ../shared/data beside the repository (tests run in
// the repository's root).
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace quipu::test {

inline std::string sharedData(const std::string &path) {
  const char *folder = std::getenv("QUIPU_SHARED_DATA");
  return std::string(folder ? folder : "../shared/data") + "/" + path;
}

inline bool exists(const std::string &path) { return std::ifstream(path).good(); }

inline std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace quipu::test
