#include "runtime/Text/HuggingFace/BpeModel.h"

#include "runtime/Support/Utf8.h"

namespace quipu {

static uint64_t pairKey(int32_t left, int32_t right) {
  return uint64_t(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

void MergeTable::reserve(size_t count) {
  size_t wanted = 64;
  while (wanted < count * 2)
    wanted *= 2;
  if (wanted > slots.size())
    resize(wanted);
}

void MergeTable::resize(size_t count) {
  std::vector<Slot> old = std::move(slots);
  slots.assign(count, Slot());
  for (const Slot &slot : old)
    if (slot.key != kEmpty)
      slots[slotOf(slot.key)] = slot;
}

// The slot that holds the key, or the empty one where it belongs.
size_t MergeTable::slotOf(uint64_t key) const {
  size_t mask = slots.size() - 1;
  uint64_t hash = key * 0x9E3779B97F4A7C15ull; // Fibonacci hashing; the high half is well mixed
  for (size_t at = (hash >> 32) & mask;; at = (at + 1) & mask)
    if (slots[at].key == key || slots[at].key == kEmpty)
      return at;
}

void MergeTable::set(int32_t left, int32_t right, Merge merge) {
  reserve(used + 1);
  Slot &slot = slots[slotOf(pairKey(left, right))];
  used += slot.key == kEmpty;
  slot = {pairKey(left, right), merge};
}

const MergeTable::Merge *MergeTable::find(int32_t left, int32_t right) const {
  if (slots.empty() || left < 0 || right < 0)
    return nullptr;
  const Slot &slot = slots[slotOf(pairKey(left, right))];
  return slot.key == kEmpty ? nullptr : &slot.merge;
}

Expected<BpeModel> BpeModel::create(Vocabulary vocabulary, const std::vector<MergeText> &merges, BpeOptions options) {
  BpeModel model;
  model.tokens = std::move(vocabulary);
  model.options = std::move(options);
  if (merges.size() > UINT32_MAX)
    return makeError("more than 2^32 merges");
  model.table.reserve(merges.size());
  model.records.reserve(merges.size());
  std::string joined;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto &[left, right, merged] = merges[rank];
    joined.assign(left).append(right);
    int32_t ids[] = {model.tokens.find(left), model.tokens.find(right),
                     merged >= 0 ? merged : model.tokens.find(joined)};
    if (left.empty() || right.empty() || ids[0] < 0 || ids[1] < 0 || ids[2] < 0)
      return makeError("merge {} ('{}' with '{}') names a token that the vocabulary lacks", rank, left, right);
    model.table.set(ids[0], ids[1], {static_cast<uint32_t>(rank), ids[2]});
    model.records.push_back({ids[2], static_cast<uint32_t>(left.size())});
  }
  if (!model.options.unknownToken.empty()) {
    model.unknownId = model.tokens.find(model.options.unknownToken);
    if (model.unknownId < 0)
      return makeError("unk_token '{}' is not in the vocabulary", model.options.unknownToken);
  }
  for (int byte = 0; byte < 256; ++byte)
    model.byteIds[byte] = model.tokens.find(fmt::format("<0x{:02X}>", byte));
  return model;
}

bool BpeModel::addBytes(std::string_view character, uint32_t offset, SymbolMerger &merger) const {
  for (unsigned char byte : character)
    if (byteIds[byte] < 0)
      return false;
  for (unsigned char byte : character)
    merger.add(offset++, 1, byteIds[byte]);
  return true;
}

void BpeModel::addSymbols(std::string_view word, SymbolMerger &merger) const {
  bool previousUnknown = false;
  for (uint32_t at = 0; at < word.size();) {
    unsigned length = scanUtf8(word.substr(at, 4)).length;
    std::string_view character = word.substr(at, length);
    int32_t id = tokens.find(character);
    bool unknown = false;
    if (id >= 0) {
      merger.add(at, length, id);
    } else if (!options.byteFallback || !addBytes(character, at, merger)) {
      unknown = true;
      if (unknownId < 0) { // left out, as in the original
        at += length;
        continue;
      }
      if (previousUnknown && options.fuseUnknown)
        merger.symbols.back().length += length;
      else
        merger.add(at, length, unknownId);
    }
    previousUnknown = unknown;
    at += length;
  }
}

void BpeModel::encode(std::string_view word, SymbolMerger &merger, std::vector<int32_t> &ids) const {
  if (options.ignoreMerges) {
    if (int32_t id = tokens.find(word); id >= 0) {
      ids.push_back(id);
      return;
    }
  }
  merger.clear();
  addSymbols(word, merger);
  merger.run([this](const Symbol &left, const Symbol &right) -> std::optional<SymbolMerge> {
    const MergeTable::Merge *merge = table.find(left.id, right.id);
    if (!merge)
      return std::nullopt;
    return SymbolMerge{double(merge->rank), merge->id};
  });
  for (const Symbol &symbol : merger.symbols)
    if (symbol.length > 0)
      ids.push_back(symbol.id);
}

} // namespace quipu
