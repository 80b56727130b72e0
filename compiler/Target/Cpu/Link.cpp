#include "compiler/Target/Cpu/Link.h"

#include "compiler/Target/TemporaryFolder.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/raw_ostream.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

namespace quipu::cpu {
namespace {

std::string firstLine(const std::string &text) { return text.substr(0, text.find('\n')); }

} // namespace

Expected<std::string> linkSharedObject(const std::vector<std::string> &objects,
                                       const std::vector<ExportedSymbol> &exports) {
  Expected<TemporaryFolder> folder = TemporaryFolder::create(); // LLD reads and writes files
  if (!folder)
    return passError(std::move(folder));
  // No C library, no build id, no symbol table but the exported names; pages of 4 KiB keep the file small.
  std::vector<std::string> arguments = {"ld.lld",
                                        "-shared",
                                        "--no-undefined",
                                        "--gc-sections",
                                        "--strip-all",
                                        "-O1",
                                        "--build-id=none",
                                        "--hash-style=gnu",
                                        "-z",
                                        "now",
                                        "-z",
                                        "max-page-size=4096",
                                        "--threads=1",
                                        "--no-dynamic-linker",
                                        "-Bsymbolic"};
  std::string script = "{ global:";
  for (const ExportedSymbol &symbol : exports) {
    arguments.push_back("--defsym=" + symbol.name + "=" + symbol.definedAs);
    arguments.push_back("--undefined=" + symbol.definedAs); // a root for --gc-sections
    script += " " + symbol.name + ";";
  }
  script += " local: *; };\n";
  if (auto written = folder->write("exports", script); !written)
    return passError(std::move(written));
  arguments.insert(arguments.end(), {"--version-script=" + folder->path("exports"), "-o", folder->path("kernels.so")});
  for (size_t i = 0; i < objects.size(); ++i) {
    std::string name = fmt::format("{:05}.o", i);
    arguments.push_back(folder->path(name));
    if (auto written = folder->write(name, objects[i]); !written)
      return passError(std::move(written));
  }

  std::vector<const char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());
  std::string diagnostics;
  llvm::raw_string_ostream stream(diagnostics);
  {
    static std::mutex oneLink; // LLD keeps state outside its context
    std::lock_guard<std::mutex> lock(oneLink);
    lld::DriverDef driver{lld::Gnu, &lld::elf::link};
    if (lld::lldMain(argv, stream, stream, {driver}).retCode != 0)
      return makeError("linking the kernels failed: {}", firstLine(diagnostics));
  }
  return folder->read("kernels.so");
}

} // namespace quipu::cpu
