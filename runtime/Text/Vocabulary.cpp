#include "runtime/Text/Vocabulary.h"

#include <algorithm>
#include <functional>

namespace quipu {

static uint32_t hashOf(std::string_view text) { return static_cast<uint32_t>(std::hash<std::string_view>()(text)); }

Expected<void> Vocabulary::add(int64_t id, std::string_view text) {
  if (id < 0 || id >= kMaxTokens)
    return makeError("token '{}' has the id {}, which is not below {}", text, id, kMaxTokens);
  if (bytes.size() + text.size() > UINT32_MAX)
    return makeError("the texts of the tokens take more than 4 GiB");
  if (id < size() && entries[id].present)
    return makeError("tokens '{}' and '{}' both have the id {}", this->text(id), text, id);
  if (int32_t other = find(text); other >= 0)
    return makeError("token '{}' has two ids, {} and {}", text, other, id);
  if (id >= size())
    entries.resize(id + 1);
  entries[id] = {static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(text.size()), true};
  bytes.append(text);
  longest = std::max(longest, text.size());
  if (++used * 2 > slots.size())
    grow();
  else
    insert(hashOf(text), static_cast<int32_t>(id));
  return {};
}

void Vocabulary::grow() {
  slots.assign(std::max<size_t>(64, slots.size() * 2), Slot());
  for (int32_t id = 0; id < size(); ++id)
    if (entries[id].present)
      insert(hashOf(text(id)), id);
}

void Vocabulary::insert(uint32_t hash, int32_t id) {
  size_t mask = slots.size() - 1;
  size_t at = hash & mask;
  while (slots[at].id >= 0)
    at = (at + 1) & mask;
  slots[at] = {hash, id};
}

int32_t Vocabulary::find(std::string_view text) const {
  if (slots.empty() || text.size() > longest)
    return -1;
  uint32_t hash = hashOf(text);
  size_t mask = slots.size() - 1;
  for (size_t at = hash & mask; slots[at].id >= 0; at = (at + 1) & mask)
    if (slots[at].hash == hash && this->text(slots[at].id) == text)
      return slots[at].id;
  return -1;
}

std::string_view Vocabulary::text(int32_t id) const {
  if (!contains(id))
    return {};
  return std::string_view(bytes).substr(entries[id].offset, entries[id].length);
}

} // namespace quipu
