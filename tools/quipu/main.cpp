// quipu: compiles language models to artifacts and runs them.
#include "tools/quipu/Command.h"

#include <fmt/color.h>

using namespace quipu;

// One line on stderr, whatever came before it.
static int fail(const std::string &message, int status) {
  std::string line = message.substr(0, message.find('\n'));
  fmt::print(stderr, "quipu: error: {}\n", line);
  return status;
}

int main(int argc, char **argv) {
  CLI::App app("Compiles language models to one file and runs them, on a machine with no compiler.", "quipu");
  app.require_subcommand(1);
  app.set_version_flag("--version", QUIPU_VERSION);
  tool::Action action;
  for (auto add : {tool::addCompile, tool::addRun, tool::addBench, tool::addEval, tool::addInspect, tool::addPlan,
                   tool::addVerify})
    add(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
      return app.exit(error); // --help and --version
    return fail(fmt::format("{}; see --help", error.what()), 2);
  }
  if (auto done = action(); !done)
    return fail(done.error().message, 1);
  return 0;
}
