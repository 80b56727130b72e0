// The parts of the command line. A subcommand adds itself to the app; its callback returns the error that ends the
// program.
#pragma once

#include "compiler/Api/CompilerApi.h"
#include "runtime/Support/Error.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace quipu::tool {

// What main runs after parsing: set by the subcommand that was named.
using Action = std::function<Expected<>()>;

// --storage, --storage-of and --kv-storage of the commands that compile.
void addStorageOptions(CLI::App &command, StorageChoice &choice);
// --calibrate of the commands that compile.
void addCalibrateOption(CLI::App &command, std::string &calibrate);
// --storage, once for each format to compile in, and the other two for all of them.
void addStorageOptions(CLI::App &command, std::vector<std::string> &formats, StorageChoice &others);

void addCompile(CLI::App &app, Action &action);
void addConformance(CLI::App &app, Action &action);
void addRun(CLI::App &app, Action &action);
void addBench(CLI::App &app, Action &action);
void addDevices(CLI::App &app, Action &action);
void addEval(CLI::App &app, Action &action);
// `eval quality`, a subcommand of `eval`.
void addEvalQuality(CLI::App &eval, Action &action);
void addInspect(CLI::App &app, Action &action);
void addPlan(CLI::App &app, Action &action);
void addTokenize(CLI::App &app, Action &action);
void addVerify(CLI::App &app, Action &action);

} // namespace quipu::tool
