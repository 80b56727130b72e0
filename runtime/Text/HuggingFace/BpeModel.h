// Byte-pair encoding by ranked merges, as the "BPE" model of Hugging Face's tokenizer.json defines it.
#pragma once

#include "runtime/Text/SymbolMerger.h"
#include "runtime/Text/Vocabulary.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

// The merges: a pair of token ids to the rank of the merge and the id it gives. Open addressing.
class MergeTable {
public:
  struct Merge {
    uint32_t rank;
    int32_t id;
  };

  void reserve(size_t count);
  // A pair given twice keeps the later rank.
  void set(int32_t left, int32_t right, Merge merge);
  const Merge *find(int32_t left, int32_t right) const;

private:
  struct Slot {
    uint64_t key = kEmpty;
    Merge merge = {};
  };
  static constexpr uint64_t kEmpty = ~uint64_t(0); // ids are not negative, so no pair has this key
  size_t slotOf(uint64_t key) const;
  void resize(size_t count);

  std::vector<Slot> slots;
  size_t used = 0;
};

struct BpeOptions {
  std::string unknownToken;  // empty: none, and a character without a token is left out
  bool fuseUnknown = false;  // a run of unknown characters gives one unknown token
  bool byteFallback = false; // an unknown character gives one token <0xAB> per byte
  bool ignoreMerges = false; // a word that is a token as it stands is not split and merged
};

class BpeModel {
public:
  // A merge by the texts of its two tokens; the texts are only looked at while the model is made.
  struct MergeText {
    std::string_view left, right;
    int32_t merged = -1; // id of the joined text, where it is known already
  };

  static Expected<BpeModel> create(Vocabulary vocabulary, const std::vector<MergeText> &merges, BpeOptions options);

  // Appends the ids of one pre-tokenised word. `merger` is scratch space, kept by the caller between words.
  void encode(std::string_view word, SymbolMerger &merger, std::vector<int32_t> &ids) const;

  const Vocabulary &vocabulary() const { return tokens; }

  // The merges in order of rank, as (merged id, bytes of the left part), for writing them to an artifact.
  struct MergeRecord {
    int32_t id;
    uint32_t leftLength;
  };
  const std::vector<MergeRecord> &merges() const { return records; }

private:
  void addSymbols(std::string_view word, SymbolMerger &merger) const;
  bool addBytes(std::string_view character, uint32_t offset, SymbolMerger &merger) const;

  Vocabulary tokens;
  MergeTable table;
  std::vector<MergeRecord> records;
  BpeOptions options;
  int32_t unknownId = -1;
  std::array<int32_t, 256> byteIds = {}; // -1 where the vocabulary has no <0xAB>
};

} // namespace quipu
