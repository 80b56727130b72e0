// Artifacts of the checkpoints that `quipu run` and others were given, kept in the cache folder. It has a limit: a new
// artifact takes the place of those not used for the longest time.
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <filesystem>

namespace quipu::tool {

class ModelCache {
public:
  // $QUIPU_CACHE_DIR/models and $QUIPU_MODEL_CACHE_GIB, or their defaults. An error where the limit is no number
  // or no folder is known.
  static Expected<ModelCache> open();
  ModelCache(std::filesystem::path folder, uint64_t limit) : folder(std::move(folder)), limit(limit) {}

  // Where an artifact of that name belongs, whether it is there or not.
  std::filesystem::path pathOf(const std::string &name) const { return folder / name; }
  // Whether it is there; if so it counts as used now.
  bool use(const std::filesystem::path &artifact) const;
  // Makes the folder for what is about to be written.
  Expected<> makeFolder() const;
  // Removes artifacts, those used longest ago first, until all together are within the limit; never `keep`, nor one
  // used in the last minute. Programs that have one open keep it.
  void evict(const std::filesystem::path &keep) const;

private:
  std::filesystem::path folder;
  uint64_t limit; // bytes
};

} // namespace quipu::tool
