#include "compiler/Target/Cpu/CompileCache.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace quipu::cpu {
namespace fs = std::filesystem;
namespace {

constexpr char magic[8] = {'Q', 'P', 'K', 'O', 'B', 'J', '0', '1'};

struct Header {
  char magic[8];
  int64_t scratchBytes;
  uint64_t objectBytes;
  uint64_t digest; // of the object and the scratch size
};

uint64_t digest(const CompiledKernel &kernel) {
  return XXH3_64bits_withSeed(kernel.object.data(), kernel.object.size(), XXH64_hash_t(kernel.scratchBytes));
}

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

} // namespace

std::string CompileCache::defaultFolder() {
  if (std::string folder = environment("QUIPU_CACHE_DIR"); !folder.empty())
    return folder;
  if (std::string folder = environment("XDG_CACHE_HOME"); !folder.empty())
    return folder + "/quipu";
  if (std::string home = environment("HOME"); !home.empty())
    return home + "/.cache/quipu";
  return "";
}

std::string CompileCache::path(const std::string &key) const {
  return folder + "/kernels/" + key.substr(0, 2) + "/" + key + ".o";
}

std::optional<CompiledKernel> CompileCache::find(const std::string &key) const {
  if (folder.empty())
    return std::nullopt;
  std::ifstream file(path(key), std::ios::binary | std::ios::ate);
  std::streamoff size = file ? std::streamoff(file.tellg()) : 0;
  Header header;
  if (size < std::streamoff(sizeof(header)))
    return std::nullopt;
  file.seekg(0);
  file.read(reinterpret_cast<char *>(&header), sizeof(header));
  if (std::memcmp(header.magic, magic, sizeof(magic)) != 0 || header.objectBytes != uint64_t(size) - sizeof(header))
    return std::nullopt;
  CompiledKernel kernel{header.scratchBytes, std::string(header.objectBytes, '\0')};
  file.read(kernel.object.data(), std::streamsize(kernel.object.size()));
  if (!file || digest(kernel) != header.digest)
    return std::nullopt;
  return kernel;
}

void CompileCache::put(const std::string &key, const CompiledKernel &kernel) const {
  if (folder.empty())
    return;
  static std::atomic<uint64_t> counter;
  std::error_code error;
  fs::path target = path(key);
  fs::create_directories(target.parent_path(), error);
  fs::path temporary = target;
  temporary += fmt::format(".{}.{}", getpid(), counter++);
  Header header{{}, kernel.scratchBytes, kernel.object.size(), digest(kernel)};
  std::memcpy(header.magic, magic, sizeof(magic));
  std::ofstream file(temporary, std::ios::binary);
  file.write(reinterpret_cast<const char *>(&header), sizeof(header));
  file.write(kernel.object.data(), std::streamsize(kernel.object.size()));
  file.close();
  if (file)
    fs::rename(temporary, target, error);
  if (!file || error)
    fs::remove(temporary, error);
}

} // namespace quipu::cpu
