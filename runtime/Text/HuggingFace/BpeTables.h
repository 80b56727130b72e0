// Vocabulary and merges of a BPE model, as tokenizer.json spells them and as an artifact carries them.
#pragma once

#include "runtime/Text/HuggingFace/BpeModel.h"

#include <nlohmann/json_fwd.hpp>

namespace quipu {

// {"token": id, ...}
Expected<Vocabulary> readVocabulary(const nlohmann::json &json, const std::string &name);

// ["a b", ...] or [["a", "b"], ...]; the texts of the result point into `json`.
Expected<std::vector<BpeModel::MergeText>> readMerges(const nlohmann::json &json, const std::string &name);

// The compact form. All numbers are LEB128. First the pipeline: its length, its bytes. Then the tokens in order of
// their ids: their count; for each the ids skipped before it, its length, its bytes. Then the merges in order of rank:
// their count; for each the zigzag difference of the merged id to that of the merge before, and the length of its left
// part. A merge takes two bytes that way, where tokenizer.json takes twenty.
struct CompactTables {
  std::string_view pipeline;
  Vocabulary vocabulary;
  std::vector<BpeModel::MergeText> merges; // pointing into the bytes read
};
Expected<CompactTables> readCompactTables(std::string_view bytes, const std::string &name);
std::string writeCompactTables(std::string_view pipeline, const BpeModel &model);

} // namespace quipu
