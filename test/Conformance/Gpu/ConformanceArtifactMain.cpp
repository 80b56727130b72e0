// gpu-conformance-artifact: writes the conformance artifact of a GPU target.
#include "test/Conformance/Gpu/ConformanceArtifact.h"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

using namespace quipu;

int main(int argc, char **argv) {
  CLI::App app("Writes the table of GPU kernels under test as an artifact for `quipu conformance`.");
  std::string target, output, only;
  uint64_t mostBytes = UINT64_MAX;
  app.add_option("--target", target, "backend and chip: cuda:sm_90a, hip:gfx942, simt:sm_90a")->required();
  app.add_option("-o,--output", output, "artifact to write")->required()->type_name("OUT.qpu");
  app.add_option("--only", only, "only rows with this in their name")->type_name("TEXT");
  app.add_option("--largest", mostBytes, "leave out checks of more bytes, but for the smallest of each row")
      ->type_name("BYTES");
  CLI11_PARSE(app, argc, argv);
  auto rows = gpu::conformance::rowsOf(target, only);
  Expected<> written = rows ? gpu::conformance::writeConformanceArtifact(output, target, *rows, mostBytes)
                            : Expected<>(tl::unexpected(rows.error()));
  if (!written) {
    fmt::print(stderr, "gpu-conformance-artifact: error: {}\n", written.error().message);
    return 1;
  }
  fmt::print("{}: {} kernels of {}\n", output, rows->size(), target);
  return 0;
}
