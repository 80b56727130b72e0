#include "runtime/Text/Template/Template.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/Template/Interpreter.h"
#include "runtime/Text/Template/Syntax/Ast.h"
#include "runtime/Text/Template/Syntax/Lexer.h"

#include <algorithm>

namespace quipu::jinja {

// The largest known has 40 KiB.
static constexpr size_t largestSource = 1 << 20;

// What is wrong may quote the template, and be of several lines.
static tl::unexpected<Error> errorAt(const std::string &name, int line, std::string message) {
  std::replace_if(message.begin(), message.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return makeError("{}: line {}: {}", name, line, message);
}

Expected<Template> Template::parse(std::string_view source, const std::string &name) {
  if (source.size() > largestSource)
    return makeError("{}: has {} bytes, more than {}", name, source.size(), largestSource);
  if (auto offset = findInvalidUtf8(source))
    return makeError("{}: is not valid UTF-8 at byte {}", name, *offset);
  Template made;
  made.name = name;
  try {
    made.program = jinja::parse(source);
  } catch (const SyntaxError &error) {
    return errorAt(name, error.line, error.what());
  }
  return made;
}

Expected<std::string> Template::render(const nlohmann::ordered_json &variables, const RenderOptions &options) const {
  Budget budget(options.limits);
  Interpreter interpreter(*program, budget, options.now.value_or(std::time(nullptr)));
  try {
    return interpreter.run(variables);
  } catch (const TemplateError &error) {
    return errorAt(name, interpreter.currentLine(), error.what());
  }
}

} // namespace quipu::jinja
