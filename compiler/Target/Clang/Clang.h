// The clang of this machine, run as a program: it compiles printed kernels to PTX, to AMD code objects and, for tests,
// to host code.
#pragma once

#include "runtime/Support/Error.h"

#include <string>
#include <string_view>
#include <vector>

namespace quipu {

class Clang {
public:
  static constexpr int oldestMajor = 19; // the first that knows all chips but gfx950 (20) and sm_120a (20)

  // $QUIPU_CLANG where it is set ("none": as if there were none), else the first of clang-22, clang-23, ... clang-19
  // and clang in PATH. Errors: none found, too old, or one that does not run.
  static Expected<Clang> find();

  const std::string &path() const { return program; }
  const std::string &version() const { return versionText; } // "Debian clang version 22.1.8 (1~deb12u1)"
  int major() const { return majorVersion; }

  // Runs clang on a source that it reads from its standard input and gives what it wrote with -o. `language` is that of
  // -x. Temporary files are gone afterwards. Errors: what clang said, on one line, after `what`.
  Expected<std::string> compile(std::string_view what, std::string_view language, const std::string &source,
                                const std::vector<std::string> &arguments) const;

private:
  std::string program;
  std::string versionText;
  int majorVersion = 0;
};

} // namespace quipu
