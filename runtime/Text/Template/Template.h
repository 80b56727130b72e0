// Jinja templates, as far as chat templates use the language and with the settings that transformers gives it.
//
//   auto made = jinja::Template::parse(source, "chat template");
//   auto text = made->render({{"messages", messages}, {"add_generation_prompt", true}});
//
// A template comes with a checkpoint and is not trusted: it reads no files, and what it may use up is bounded. A parsed
// template does not change; any number of threads may render it.
#pragma once

#include "runtime/Support/Error.h"
#include "runtime/Text/Template/Budget.h"

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace quipu::jinja {

struct Program;

struct RenderOptions {
  Limits limits;
  std::optional<std::time_t> now; // what strftime_now() tells; nothing: the clock
};

class Template {
public:
  // Errors are one line: `name`, the line and what is wrong there.
  static Expected<Template> parse(std::string_view source, const std::string &name);

  // The text for the variables, an object. A template's raise_exception() is an error with its message.
  Expected<std::string> render(const nlohmann::ordered_json &variables, const RenderOptions &options = {}) const;

private:
  std::shared_ptr<const Program> program;
  std::string name;
};

} // namespace quipu::jinja
