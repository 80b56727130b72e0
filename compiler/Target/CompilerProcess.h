// Compilers run as programs, and what they say.
#pragma once

#include "compiler/Target/TemporaryFolder.h"
#include "runtime/Support/Error.h"

#include <string>
#include <vector>

namespace quipu {

struct CompilerRun {
  int status = 0;
  std::string output; // of both streams
};

// Runs a program, without a shell, with `input` as its standard input; the folder holds both streams meanwhile, and is
// the program's TMPDIR. Errors: it cannot be started, or a signal ended it.
Expected<CompilerRun> runCompiler(const std::string &program, const std::vector<std::string> &arguments,
                                  const std::string &input, const TemporaryFolder &folder);

// The first errors of a compiler's output, "; " between them; its first line where none says so.
std::string errorLines(const std::string &output);

} // namespace quipu
