#include "runtime/Text/ChatTemplate.h"

namespace quipu {

using nlohmann::ordered_json;

namespace {

Expected<std::optional<jinja::Template>> parseOne(const std::string &source, const std::string &name) {
  if (source.empty())
    return std::nullopt;
  auto made = jinja::Template::parse(source, name);
  if (!made)
    return passError(std::move(made));
  return std::move(*made);
}

// Keys with null are as good as absent ones to templates, but print "None".
ordered_json withoutNulls(const ordered_json &message) {
  ordered_json kept = ordered_json::object();
  for (const auto &item : message.items())
    if (!item.value().is_null())
      kept[item.key()] = item.value();
  return kept;
}

// What a model thought has had several names; templates read one or the other.
ordered_json withReasoning(ordered_json message) {
  for (const char *key : {"reasoning_content", "thinking", "reasoning"}) {
    auto found = message.find(key);
    if (found == message.end())
      continue;
    ordered_json reasoning = *found;
    ordered_json made = {{"thinking", reasoning}};
    for (const auto &item : message.items())
      made[item.key()] = item.value();
    made["reasoning_content"] = std::move(reasoning);
    return made;
  }
  return message;
}

} // namespace

Expected<ChatTemplate> ChatTemplate::parse(const ChatTemplateSources &sources, const std::string &name) {
  if (sources.empty())
    return makeError("{}: the model has no chat template, so it is none to chat with; give it text to go on from, or "
                     "put a chat_template.jinja beside its tokenizer",
                     name);
  ChatTemplate made;
  made.name = name;
  made.specialTokens = sources.specialTokens;
  auto plain = parseOne(sources.plain, name + ": chat template");
  if (!plain)
    return passError(std::move(plain));
  auto withTools = parseOne(sources.withTools, name + ": chat template for tools");
  if (!withTools)
    return passError(std::move(withTools));
  made.plain = std::move(*plain);
  made.withTools = std::move(*withTools);
  return made;
}

Expected<std::string> ChatTemplate::render(const ChatRequest &request, const jinja::RenderOptions &options) const {
  const auto &chosen = !request.tools.is_null() && withTools ? withTools : plain;
  if (!chosen)
    return makeError("{}: has a chat template for tools only", name);
  if (!request.messages.is_array() || request.messages.empty())
    return makeError("{}: a conversation is a list of at least one message", name);
  ordered_json messages = ordered_json::array();
  for (const ordered_json &message : request.messages) {
    if (!message.is_object())
      return makeError("{}: message {} is no object", name, messages.size());
    messages.push_back(withReasoning(withoutNulls(message)));
  }
  ordered_json variables = ordered_json::object();
  for (const auto &[key, token] : specialTokens)
    variables[key] = token;
  if (request.variables.is_object())
    variables.update(request.variables);
  variables["messages"] = std::move(messages);
  variables["tools"] = request.tools;
  variables["documents"] = request.documents;
  variables["add_generation_prompt"] = request.addGenerationPrompt;
  return chosen->render(variables, options);
}

} // namespace quipu
