// The parts of the command line. A subcommand adds itself to the app; its callback returns the error that ends the
// program.
#pragma once

#include "runtime/Support/Error.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace quipu::tool {

// What main runs after parsing: set by the subcommand that was named.
using Action = std::function<Expected<>()>;

void addCompile(CLI::App &app, Action &action);
void addRun(CLI::App &app, Action &action);
void addBench(CLI::App &app, Action &action);
void addDevices(CLI::App &app, Action &action);
void addEval(CLI::App &app, Action &action);
void addInspect(CLI::App &app, Action &action);
void addPlan(CLI::App &app, Action &action);
void addVerify(CLI::App &app, Action &action);

} // namespace quipu::tool
