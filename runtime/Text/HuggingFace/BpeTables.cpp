#include "runtime/Text/HuggingFace/BpeTables.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace quipu {

using nlohmann::json;

Expected<Vocabulary> readVocabulary(const json &object, const std::string &name) {
  if (!object.is_object())
    return makeError("{}: model: 'vocab' must be an object, got {}", name, object.type_name());
  Vocabulary vocabulary;
  for (const auto &[text, id] : object.items()) {
    if (!id.is_number_integer())
      return makeError("{}: model: 'vocab': the id of '{}' must be an integer", name, text);
    if (auto added = vocabulary.add(id.get<int64_t>(), text); !added)
      return makeError("{}: model: 'vocab': {}", name, added.error().message);
  }
  return vocabulary;
}

static Expected<BpeModel::MergeText> readMerge(const json &merge, const std::string &name) {
  auto text = [](const json &value) -> std::string_view { return value.get_ref<const std::string &>(); };
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return BpeModel::MergeText{text(merge[0]), text(merge[1]), -1};
  if (!merge.is_string())
    return makeError("{}: model: 'merges': expected a string or a pair of strings", name);
  std::string_view both = text(merge);
  size_t space = both.find(' ');
  if (space == std::string_view::npos || both.find(' ', space + 1) != std::string_view::npos)
    return makeError("{}: model: 'merges': expected two tokens with a space between, got '{}'", name, both);
  return BpeModel::MergeText{both.substr(0, space), both.substr(space + 1), -1};
}

Expected<std::vector<BpeModel::MergeText>> readMerges(const json &array, const std::string &name) {
  if (!array.is_array())
    return makeError("{}: model: 'merges' must be an array, got {}", name, array.type_name());
  std::vector<BpeModel::MergeText> merges;
  merges.reserve(array.size());
  for (const auto &item : array) {
    auto merge = readMerge(item, name);
    if (!merge)
      return passError(std::move(merge));
    merges.push_back(*merge);
  }
  return merges;
}

namespace {

void putNumber(std::string &out, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// Reads numbers and texts; once something is wrong, zeros.
class Reader {
public:
  explicit Reader(std::string_view bytes) : rest(bytes) {}

  uint64_t number() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63 && !rest.empty(); shift += 7) {
      unsigned char byte = static_cast<unsigned char>(rest[0]);
      rest.remove_prefix(1);
      value |= uint64_t(byte & 0x7F) << shift;
      if (byte < 0x80)
        return value;
    }
    good = false;
    return 0;
  }

  std::string_view text() {
    uint64_t length = number();
    if (length > rest.size())
      good = false;
    std::string_view result = rest.substr(0, good ? length : 0);
    rest.remove_prefix(result.size());
    return result;
  }

  // A count of things of which each takes at least one byte.
  uint64_t count() {
    uint64_t value = number();
    good = good && value <= rest.size();
    return good ? value : 0;
  }

  bool ok() const { return good; }
  bool atEnd() const { return rest.empty(); }

private:
  std::string_view rest;
  bool good = true;
};

uint64_t zigzag(int64_t value) { return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63); }
int64_t unzigzag(uint64_t value) { return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1); }

} // namespace

std::string writeCompactTables(std::string_view pipeline, const BpeModel &model) {
  const Vocabulary &vocabulary = model.vocabulary();
  std::string out;
  putNumber(out, pipeline.size());
  out.append(pipeline);
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < vocabulary.size(); ++id)
    if (vocabulary.contains(id))
      ids.push_back(id);
  putNumber(out, ids.size());
  int32_t next = 0;
  for (int32_t id : ids) {
    putNumber(out, static_cast<uint64_t>(id - next));
    putNumber(out, vocabulary.text(id).size());
    out.append(vocabulary.text(id));
    next = id + 1;
  }
  putNumber(out, model.merges().size());
  int32_t previous = 0;
  for (const BpeModel::MergeRecord &merge : model.merges()) {
    putNumber(out, zigzag(merge.id - previous));
    putNumber(out, merge.leftLength);
    previous = merge.id;
  }
  return out;
}

Expected<CompactTables> readCompactTables(std::string_view bytes, const std::string &name) {
  Reader reader(bytes);
  CompactTables tables;
  tables.pipeline = reader.text();
  // Texts by id, pointing into `bytes`: the merges need them to outlive this function.
  std::vector<std::string_view> texts;
  for (uint64_t left = reader.count(); left > 0 && reader.ok(); --left) {
    uint64_t id = texts.size() + reader.number();
    std::string_view text = reader.text();
    if (auto added = tables.vocabulary.add(static_cast<int64_t>(std::min<uint64_t>(id, INT64_MAX)), text); !added)
      return makeError("{}: {}", name, added.error().message);
    texts.resize(id);
    texts.push_back(text);
  }
  int64_t id = 0;
  for (uint64_t left = reader.count(); left > 0 && reader.ok(); --left) {
    id += std::clamp<int64_t>(unzigzag(reader.number()), -Vocabulary::kMaxTokens, Vocabulary::kMaxTokens);
    uint64_t leftLength = reader.number();
    if (id < 0 || id >= static_cast<int64_t>(texts.size()) || leftLength > texts[id].size())
      return makeError("{}: a merge names a token that the vocabulary lacks", name);
    tables.merges.push_back({texts[id].substr(0, leftLength), texts[id].substr(leftLength), static_cast<int32_t>(id)});
  }
  if (!reader.ok() || !reader.atEnd())
    return makeError("{}: the tokenizer's tables are damaged", name);
  return tables;
}

} // namespace quipu
