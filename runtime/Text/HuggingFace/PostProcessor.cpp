#include "runtime/Text/HuggingFace/PostProcessor.h"

#include "runtime/Text/Json.h"
#include "runtime/Text/Vocabulary.h"

namespace quipu {

using nlohmann::json;

namespace {

// The ids that a template's special token stands for.
Expected<std::vector<int32_t>> specialTokenIds(const json *table, const std::string &name, const std::string &where) {
  auto entry = table ? table->find(name) : json::const_iterator();
  if (!table || entry == table->end())
    return makeError("{}: special token '{}' of the template is not in 'special_tokens'", where, name);
  JsonFields fields(*entry, where + ": special token " + name);
  const auto *ids = fields.array("ids");
  fields.ignore({"id", "tokens"});
  if (auto known = fields.finish(); !known)
    return passError(std::move(known));
  std::vector<int32_t> result;
  for (const auto &id : ids ? *ids : json::array()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= uint64_t(Vocabulary::kMaxTokens))
      return makeError("{}: special token '{}' has an id that is no token id", where, name);
    result.push_back(id.get<int32_t>());
  }
  return result;
}

Expected<PostProcessor> fromTemplate(JsonFields &fields) {
  const auto *items = fields.array("single");
  const auto *table = fields.object("special_tokens");
  fields.ignore({"pair"}); // for two texts at once
  if (auto known = fields.finish(); !known)
    return passError(std::move(known));
  PostProcessor processor;
  int sequences = 0;
  for (const auto &item : items ? *items : json::array()) {
    JsonFields entry(item, fields.where() + ": single");
    if (entry.object("Sequence")) {
      ++sequences;
    } else if (const auto *special = entry.object("SpecialToken")) {
      auto ids = specialTokenIds(table, JsonFields(*special, entry.where()).string("id", ""), fields.where());
      if (!ids)
        return passError(std::move(ids));
      auto &side = sequences ? processor.after : processor.before;
      side.insert(side.end(), ids->begin(), ids->end());
    }
    if (auto known = entry.finish(); !known)
      return passError(std::move(known));
  }
  if (sequences != 1)
    return makeError("{}: the template 'single' must name the text once, got {}", fields.where(), sequences);
  return processor;
}

} // namespace

Expected<PostProcessor> PostProcessor::fromJson(const json *json, const std::string &where) {
  PostProcessor processor;
  if (!json)
    return processor;
  JsonFields fields(*json, where);
  std::string type = fields.string("type", "");
  if (type == "TemplateProcessing")
    return fromTemplate(fields);
  if (type == "ByteLevel") {
    fields.ignore({"add_prefix_space", "trim_offsets", "use_regex"}); // it changes offsets only
  } else if (type == "Sequence") {
    const auto *parts = fields.array("processors");
    for (const auto &part : parts ? *parts : nlohmann::json::array()) {
      auto outer = fromJson(&part, where);
      if (!outer)
        return outer;
      processor.before.insert(processor.before.begin(), outer->before.begin(), outer->before.end());
      processor.after.insert(processor.after.end(), outer->after.begin(), outer->after.end());
    }
  } else {
    return makeError("{}: post-processor '{}' is not supported", where, type);
  }
  if (auto known = fields.finish(); !known)
    return passError(std::move(known));
  return processor;
}

} // namespace quipu
