// A model's chat template: a conversation as the text that the model was trained to go on from.
//
// What it is given is what transformers' apply_chat_template gives it, so its text is the same, byte for byte:
// messages, tools, documents, add_generation_prompt, the special tokens by name, and variables of the template's own.
#pragma once

#include "runtime/Text/Template/Template.h"

#include <string>
#include <vector>

namespace quipu {

class Tokenizer;

struct ChatRequest {
  nlohmann::ordered_json messages;  // objects with "role" and "content", "tool_calls" and the like
  nlohmann::ordered_json tools;     // JSON schemas of functions; null: none
  nlohmann::ordered_json documents; // null: none
  bool addGenerationPrompt = true;  // ends where the model's answer begins
  nlohmann::ordered_json variables; // {"enable_thinking": false}; null: none
};

// Sources of a model's templates. Some models have one of its own for conversations with tools.
struct ChatTemplateSources {
  std::string plain, withTools;                                   // Jinja; empty: none
  std::vector<std::pair<std::string, std::string>> specialTokens; // {"bos_token", "<s>"}

  bool empty() const { return plain.empty() && withTools.empty(); }
};

class ChatTemplate {
public:
  // Errors begin with `name`, a file's: no template, or one that is not valid.
  static Expected<ChatTemplate> parse(const ChatTemplateSources &sources, const std::string &name);

  Expected<std::string> render(const ChatRequest &request, const jinja::RenderOptions &options = {}) const;

private:
  std::optional<jinja::Template> plain, withTools;
  std::vector<std::pair<std::string, std::string>> specialTokens;
  std::string name;
};

} // namespace quipu
