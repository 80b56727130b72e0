// Chat templates against what transformers renders of them. goldens.json lies beside the templates: make_goldens.py.
#include "runtime/Text/ChatTemplate.h"
#include "runtime/Text/Json.h"
#include "test/runtime/Text/SharedData.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace quipu;
using namespace quipu::test;
using nlohmann::ordered_json;

namespace {

struct Tally {
  size_t texts = 0, errors = 0;
};

// Only an error that the template raises itself has a text that both programs share.
std::string raised(const std::string &error) {
  const std::string type = "TemplateError: ";
  if (error.rfind(type, 0) != 0)
    return "";
  std::string message = error.substr(type.size());
  std::replace(message.begin(), message.end(), '\n', ' ');
  return message;
}

void checkCase(const ChatTemplate &chat, const std::string &where, const ordered_json &conversation,
               const ordered_json &golden, const jinja::RenderOptions &options, Tally &tally) {
  auto part = [&](const char *key) { return conversation.value(key, ordered_json()); };
  ChatRequest request = {part("messages"), part("tools"), part("documents"),
                         conversation.value("add_generation_prompt", false), part("variables")};
  auto text = chat.render(request, options);
  if (golden.contains("error")) {
    ++tally.errors;
    std::string error = golden["error"];
    EXPECT_FALSE(text) << where << ": transformers says " << error << ", we render\n" << *text;
    if (!text)
      EXPECT_NE(text.error().message.find(raised(error)), std::string::npos) << where << ": " << text.error().message;
  } else {
    ++tally.texts;
    EXPECT_TRUE(text) << where << ": " << text.error().message;
    if (text)
      EXPECT_EQ(*text, golden["text"].get<std::string>()) << where;
  }
}

Tally checkFolder(const std::string &folder, const std::string &goldensPath) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  Tally tally;
  auto goldens = parseOrderedJson(readFile(goldensPath), goldensPath);
  if (!goldens) {
    ADD_FAILURE() << goldens.error().message;
    return tally;
  }
  jinja::RenderOptions options;
  options.now = (*goldens)["now"].get<std::time_t>();
  for (const ordered_json &item : (*goldens)["templates"]) {
    std::string file = item["file"];
    ChatTemplateSources sources;
    sources.plain = readFile(fmt::format("{}/{}", folder, file));
    for (const auto &token : (*goldens)["special_tokens"].items())
      sources.specialTokens.emplace_back(token.key(), token.value());
    auto chat = ChatTemplate::parse(sources, file);
    for (const ordered_json &golden : item["cases"]) {
      std::string conversation = golden["conversation"];
      if (!chat) { // a template that is not valid is one for no conversation
        EXPECT_TRUE(golden.contains("error")) << chat.error().message;
        continue;
      }
      checkCase(*chat, fmt::format("{} {}", file, conversation), (*goldens)["conversations"][conversation], golden,
                options, tally);
    }
  }
  return tally;
}

TEST(ChatTemplate, renders_own_templates_as_transformers_does) {
  Tally tally = checkFolder("test/runtime/Text/Template/templates", "test/runtime/Text/Template/goldens.json");
  EXPECT_GT(tally.texts, 100u);
}

TEST(ChatTemplate, renders_real_templates_as_transformers_does) {
  const char *folder = std::getenv("QUIPU_CHAT_TEMPLATES");
  if (!folder)
    GTEST_SKIP() << "QUIPU_CHAT_TEMPLATES is not set; make_goldens.py says what it names";
  Tally tally = checkFolder(folder, std::string(folder) + "/goldens.json");
  std::printf("%zu texts and %zu errors\n", tally.texts, tally.errors);
  EXPECT_GT(tally.texts, 0u);
}

TEST(ChatTemplate, the_template_for_tools_serves_conversations_with_tools) {
  auto chat = ChatTemplate::parse({"plain", "with tools", {}}, "m");
  ASSERT_TRUE(chat) << chat.error().message;
  ChatRequest request;
  request.messages = {{{"role", "user"}, {"content", "x"}}};
  EXPECT_EQ(*chat->render(request), "plain");
  request.tools = ordered_json::array();
  EXPECT_EQ(*chat->render(request), "with tools");
}

TEST(ChatTemplate, a_model_without_a_template_is_an_error) {
  auto chat = ChatTemplate::parse({}, "model.qpu");
  ASSERT_FALSE(chat);
  EXPECT_EQ(chat.error().message.rfind("model.qpu: the model has no chat template", 0), 0u) << chat.error().message;
}

TEST(ChatTemplate, an_empty_conversation_is_an_error) {
  auto chat = ChatTemplate::parse({"x", "", {}}, "m");
  EXPECT_FALSE(chat->render({ordered_json::array(), {}, {}, true, {}}));
  EXPECT_FALSE(chat->render({{"text"}, {}, {}, true, {}}));
}

} // namespace
