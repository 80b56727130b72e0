// quipu: compiles language models to artifacts and runs them.
#include "tools/quipu/Command.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fmt/color.h>
#include <iostream>
#include <new>

using namespace quipu;

// One line on stderr, whatever came before it.
static int fail(const std::string &message, int status) {
  std::string line = message.substr(0, message.find('\n'));
  fmt::print(stderr, "quipu: error: {}\n", line);
  return status;
}

// What was printed may still be on its way to a full disk or a closed pipe.
static Expected<> flushOutput() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    return makeError("standard output cannot be written: {}", std::strerror(errno));
  return {};
}

// Names what a command did not take: a flag rather than the value behind it.
static std::string unexpectedWord(const CLI::App &app) {
  const CLI::App *command = &app;
  std::string name = command->get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    name += " " + command->get_name();
  }
  std::vector<std::string> words = command->remaining();
  auto flag = std::find_if(words.begin(), words.end(), [](const std::string &word) { return word[0] == '-'; });
  if (flag != words.end())
    return fmt::format("{}: {} has no such flag; see {} --help", *flag, name, name);
  return fmt::format("{}: {} takes no such argument; see {} --help", words.front(), name, name);
}

int main(int argc, char **argv) {
  CLI::App app("Compiles language models to one file and runs them, on a machine with no compiler.", "quipu");
  app.require_subcommand(1);
  app.set_version_flag("--version", QUIPU_VERSION);
  tool::Action action;
  for (auto add : {tool::addCompile, tool::addConformance, tool::addRun, tool::addBench, tool::addDevices,
                   tool::addEval, tool::addInspect, tool::addPlan, tool::addTokenize, tool::addVerify})
    add(app, action);
  try {
    app.parse(argc, argv);
    if (auto done = action(); !done)
      return fail(done.error().message, 1);
    if (auto flushed = flushOutput(); !flushed)
      return fail(flushed.error().message, 1);
  } catch (const CLI::ParseError &error) {
    // Of these the parser would only say that a command is missing, or show the help that comes after.
    if (app.get_subcommands().empty() && app.remaining_size() > 0)
      return fail(fmt::format("{}: there is no such command or flag; see --help", app.remaining().front()), 2);
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) { // --help and --version
      app.exit(error);
      std::cout.flush();
      auto flushed = flushOutput();
      return flushed ? 0 : fail(flushed.error().message, 1);
    }
    if (dynamic_cast<const CLI::ExtrasError *>(&error))
      return fail(unexpectedWord(app), 2);
    return fail(fmt::format("{}; see --help", error.what()), 2);
  } catch (const std::bad_alloc &) {
    return fail("not enough memory", 1);
  } catch (const std::exception &error) { // of fmt and the file system: output that cannot be written, odd paths
    return fail(error.what(), 1);
  }
  return 0;
}
