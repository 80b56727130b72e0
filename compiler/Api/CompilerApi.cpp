#include "compiler/Api/CompilerApi.h"

#include "compiler/Calibration/Calibrate.h"
#include "compiler/Pipeline/Compile.h"
#include "compiler/Verify/Verify.h"

namespace quipu {

static std::vector<std::pair<std::string, std::string>> listPhases() {
  std::vector<std::pair<std::string, std::string>> list;
  for (const PhaseInfo &info : phases)
    list.emplace_back(info.name, info.help);
  return list;
}

static Expected<CompileReport> compileCalibrated(const CompileRequest &request) {
  if (request.calibrate.empty())
    return compile(request);
  auto importance = calibrate(request);
  if (!importance)
    return passError(std::move(importance));
  return compile(request, *importance);
}

} // namespace quipu

extern "C" __attribute__((visibility("default"))) const char *quipuCompilerInterface() {
  return QUIPU_COMPILER_INTERFACE;
}

extern "C" __attribute__((visibility("default"))) const quipu::CompilerApi *quipuCompilerApi() {
  static const quipu::CompilerApi api = {quipu::compileCalibrated, quipu::verifyModel, quipu::compilerVersion,
                                         quipu::listPhases};
  return &api;
}
