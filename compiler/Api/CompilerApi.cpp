#include "compiler/Api/CompilerApi.h"

#include "compiler/Pipeline/Compile.h"
#include "compiler/Verify/Verify.h"

namespace quipu {

static std::vector<std::pair<std::string, std::string>> listPhases() {
  std::vector<std::pair<std::string, std::string>> list;
  for (const PhaseInfo &info : phases)
    list.emplace_back(info.name, info.help);
  return list;
}

} // namespace quipu

extern "C" __attribute__((visibility("default"))) const char *quipuCompilerInterface() {
  return QUIPU_COMPILER_INTERFACE;
}

extern "C" __attribute__((visibility("default"))) const quipu::CompilerApi *quipuCompilerApi() {
  static const quipu::CompilerApi api = {quipu::compile, quipu::verifyModel, quipu::compilerVersion, quipu::listPhases};
  return &api;
}
