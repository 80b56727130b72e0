// Data from outside the repository that some tests check against; they are skipped where it is absent.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace quipu::test {

// The path of an entry of the shared data folder, which is $QUIPU_SHARED_DATA or else ../shared/data beside the
// repository (tests run in its root); empty where the entry is absent.
inline std::string sharedData(const std::string &entry) {
  const char *folder = std::getenv("QUIPU_SHARED_DATA");
  std::filesystem::path path = std::filesystem::path(folder ? folder : "../shared/data") / entry;
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? path.string() : "";
}

} // namespace quipu::test
