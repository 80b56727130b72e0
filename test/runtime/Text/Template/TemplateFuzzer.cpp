// Any bytes as a chat template, rendered for a conversation with a tool.
#include "runtime/Support/Utf8.h"
#include "runtime/Text/ChatTemplate.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace quipu;
  using nlohmann::ordered_json;
  auto chat =
      ChatTemplate::parse({std::string(reinterpret_cast<const char *>(data), size), "", {{"bos_token", "<s>"}}}, "t");
  if (!chat)
    return 0;
  static const ordered_json messages = ordered_json::parse(R"([
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": "caf\u00e9 \ud83e\udd99?"},
    {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"a": [1, 2.5]}}}]},
    {"role": "tool", "tool_call_id": "1", "content": "[1]"}])");
  static const ordered_json tools = ordered_json::parse(
      R"([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "array"}}}}}])");
  jinja::RenderOptions options;
  options.limits.steps = 200'000; // so that inputs are quick
  options.limits.bytes = 1 << 24;
  options.limits.output = 1 << 20;
  options.now = 0;
  auto text = chat->render({messages, tools, {}, true, {}}, options);
  // The same template gives the same text, which is UTF-8; an error is one line.
  auto again = chat->render({messages, tools, {}, true, {}}, options);
  if (text.has_value() != again.has_value() || (text && (*text != *again || findInvalidUtf8(*text))))
    std::abort();
  if (!text && text.error().message.find('\n') != std::string::npos)
    std::abort();
  return 0;
}
