#include "compiler/Target/CompileCache.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <vector>

namespace quipu {
namespace fs = std::filesystem;
namespace {

constexpr char magic[8] = {'Q', 'P', 'K', 'C', 'O', 'D', 'E', '2'};

struct Header {
  char magic[8];
  uint64_t bytes;
  uint64_t digest;
};

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

std::string CompileCache::key(std::string_view text) {
  XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string CompileCache::path(const std::string &key) const {
  return folder + "/" + section + "/" + key.substr(0, 2) + "/" + key;
}

std::optional<std::string> CompileCache::find(const std::string &key) const {
  if (folder.empty())
    return std::nullopt;
  std::ifstream file(path(key), std::ios::binary | std::ios::ate);
  std::streamoff size = file ? std::streamoff(file.tellg()) : 0;
  Header header;
  if (size < std::streamoff(sizeof(header)))
    return std::nullopt;
  file.seekg(0);
  file.read(reinterpret_cast<char *>(&header), sizeof(header));
  if (std::memcmp(header.magic, magic, sizeof(magic)) != 0 || header.bytes != uint64_t(size) - sizeof(header))
    return std::nullopt;
  std::string bytes(header.bytes, '\0');
  file.read(bytes.data(), std::streamsize(bytes.size()));
  if (!file || XXH3_64bits(bytes.data(), bytes.size()) != header.digest)
    return std::nullopt;
  return bytes;
}

void CompileCache::put(const std::string &key, std::string_view bytes) const {
  if (folder.empty())
    return;
  static std::atomic<uint64_t> counter;
  std::error_code error;
  fs::path target = path(key);
  fs::create_directories(target.parent_path(), error);
  fs::path temporary = target;
  temporary += fmt::format(".{}.{}", getpid(), counter++);
  Header header{{}, bytes.size(), XXH3_64bits(bytes.data(), bytes.size())};
  std::memcpy(header.magic, magic, sizeof(magic));
  std::ofstream file(temporary, std::ios::binary);
  file.write(reinterpret_cast<const char *>(&header), sizeof(header));
  file.write(bytes.data(), std::streamsize(bytes.size()));
  file.close();
  if (file)
    fs::rename(temporary, target, error);
  if (!file || error)
    fs::remove(temporary, error);
}

void CompileCache::keepNewest(size_t entries) const {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code error, fileError; // another process may remove what is listed here: that is as good
  fs::recursive_directory_iterator at(folder + "/" + section, error), end;
  for (; !error && at != end; at.increment(error))
    if (at->is_regular_file(fileError))
      files.emplace_back(at->last_write_time(fileError), at->path());
  if (folder.empty() || files.size() <= entries)
    return;
  std::sort(files.begin(), files.end());
  for (size_t i = 0; i < files.size() - entries; ++i)
    fs::remove(files[i].second, fileError);
}

} // namespace quipu
