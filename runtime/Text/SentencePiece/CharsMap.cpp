#include "runtime/Text/SentencePiece/CharsMap.h"

#include <algorithm>
#include <cstring>

namespace quipu {

Expected<CharsMap> CharsMap::parse(std::string_view blob, const std::string &name) {
  CharsMap map;
  if (blob.empty())
    return map;
  uint32_t trieBytes = 0;
  if (blob.size() > sizeof trieBytes)
    std::memcpy(&trieBytes, blob.data(), sizeof trieBytes); // little-endian
  blob.remove_prefix(std::min(blob.size(), sizeof trieBytes));
  if (trieBytes == 0 || trieBytes % 4 != 0 || trieBytes >= blob.size() || blob.back() != '\0')
    return makeError("{}: precompiled_charsmap is damaged", name);
  map.units.resize(trieBytes / 4);
  std::memcpy(map.units.data(), blob.data(), trieBytes);
  map.replacements = blob.substr(trieBytes);
  return map;
}

// A unit of a Darts-clone array: bits 0..7 the label (bit 31 is part of it: set in leaves), bit 8 says that the child
// by label 0 is a leaf, bits 10..30 the offset to the children, times 256 if bit 9 is set. In a leaf bits 0..30 are the
// value, here an offset into the replacements.
std::optional<CharsMap::Replacement> CharsMap::longest(std::string_view text) const {
  if (units.empty())
    return std::nullopt;
  auto offsetOf = [](uint32_t unit) -> size_t { return size_t(unit >> 10) << ((unit & 1u << 9) >> 6); };
  std::optional<Replacement> best;
  size_t node = offsetOf(unit(0));
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    uint32_t here = unit(node);
    if (byte == 0 || (here & (1u << 31 | 0xFF)) != byte)
      break;
    node ^= offsetOf(here);
    if (here >> 8 & 1) {
      size_t value = unit(node) & ~(1u << 31);
      if (value < replacements.size())
        best = Replacement{i + 1, replacements.c_str() + value};
    }
  }
  return best;
}

} // namespace quipu
