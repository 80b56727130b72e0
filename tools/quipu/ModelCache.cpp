#include "tools/quipu/ModelCache.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <vector>

namespace quipu::tool {
namespace fs = std::filesystem;

static constexpr double defaultGib = 64;
// What another program compiled or found a moment ago, it is about to open.
static constexpr std::chrono::seconds untouched(60);

static fs::path cacheFolder() {
  if (const char *own = std::getenv("QUIPU_CACHE_DIR"); own && *own)
    return own;
  if (const char *shared = std::getenv("XDG_CACHE_HOME"); shared && *shared)
    return fs::path(shared) / "quipu";
  if (const char *home = std::getenv("HOME"); home && *home)
    return fs::path(home) / ".cache" / "quipu";
  return {}; // /tmp would do for this user, and for another one to put code there that this one runs
}

Expected<ModelCache> ModelCache::open() {
  double gib = defaultGib;
  if (const char *asked = std::getenv("QUIPU_MODEL_CACHE_GIB"); asked && *asked) {
    char *end = nullptr;
    gib = std::strtod(asked, &end);
    if (*end || !(gib >= 0 && gib < 1e9))
      return makeError("QUIPU_MODEL_CACHE_GIB={}: not a number of GiB", asked);
  }
  fs::path folder = cacheFolder();
  if (folder.empty())
    return makeError(
        "there is no folder for compiled checkpoints, for HOME is not set; set QUIPU_CACHE_DIR, or compile "
        "to an artifact with quipu compile");
  return ModelCache(folder / "models", static_cast<uint64_t>(gib * (1 << 30)));
}

bool ModelCache::use(const fs::path &artifact) const {
  std::error_code error;
  if (!fs::exists(artifact, error))
    return false;
  // Reading leaves no trace that can be relied on, so the time of change is the time of use.
  fs::last_write_time(artifact, fs::file_time_type::clock::now(), error);
  return true;
}

Expected<> ModelCache::makeFolder() const {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return makeError("{}: cannot make the cache folder: {}; set QUIPU_CACHE_DIR to one that can be written",
                     folder.string(), error.message());
  return {};
}

void ModelCache::evict(const fs::path &keep) const {
  struct Entry {
    fs::file_time_type used;
    uint64_t bytes;
    fs::path path;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  std::error_code error; // another process may remove what is listed here: that is as good
  for (const fs::directory_entry &file : fs::directory_iterator(folder, error)) {
    if (file.path().extension() != ".qpu" || !file.is_regular_file(error))
      continue;
    uint64_t bytes = file.file_size(error);
    fs::file_time_type used = error ? fs::file_time_type() : file.last_write_time(error);
    if (error)
      continue;
    total += bytes;
    if (file.path() != keep && fs::file_time_type::clock::now() - used > untouched)
      entries.push_back({used, bytes, file.path()});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) { return a.used < b.used; });
  for (const Entry &entry : entries) {
    if (total <= limit)
      return;
    fs::remove(entry.path, error);
    total -= entry.bytes;
  }
}

} // namespace quipu::tool
