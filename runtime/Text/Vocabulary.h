// The two-way table between token ids and their text.
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

class Vocabulary {
public:
  // Ids index tables, so a hostile file must not choose the size of them; the largest vocabularies have 0.3 M tokens.
  static constexpr int64_t kMaxTokens = 1 << 21;

  // Adds a token. An id outside [0, kMaxTokens) or one already given to another text is an error, as is a text that
  // has an id already.
  Expected<void> add(int64_t id, std::string_view text);

  // The id of a text, or -1.
  int32_t find(std::string_view text) const;

  // The text of an id; empty where the id has none.
  std::string_view text(int32_t id) const;
  bool contains(int32_t id) const { return id >= 0 && id < size() && entries[id].present; }

  // The largest id plus one; ids below it may be unused.
  int32_t size() const { return static_cast<int32_t>(entries.size()); }

private:
  struct Entry {
    uint32_t offset = 0, length = 0;
    bool present = false;
  };
  struct Slot {
    uint32_t hash = 0;
    int32_t id = -1;
  };

  void grow();
  void insert(uint32_t hash, int32_t id);

  std::string bytes; // all texts, one after the other
  std::vector<Entry> entries;
  std::vector<Slot> slots; // open addressing; the size is a power of two
  size_t used = 0;
  size_t longest = 0;
};

} // namespace quipu
