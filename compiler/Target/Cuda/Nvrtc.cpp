#include "compiler/Target/Cuda/Nvrtc.h"

#include "compiler/Target/CompilerProcess.h"
#include "compiler/Target/Cuda/NvrtcLibrary.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>

namespace quipu::cuda {

namespace {

// A program of NVRTC, destroyed with the object.
class Program {
public:
  Program(const NvrtcLibrary &library) : library(library) {}
  ~Program() {
    if (handle)
      library.destroy(&handle);
  }
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  // One of the results that come with a size: the log, the cubin, the PTX.
  Expected<std::string> get(int (*size)(NvrtcProgram, size_t *), int (*copy)(NvrtcProgram, char *)) const {
    size_t bytes = 0;
    int result = size(handle, &bytes);
    std::string text(bytes, '\0');
    if (result == 0 && bytes != 0)
      result = copy(handle, text.data());
    if (result != 0)
      return makeError("{}", library.errorString(result));
    return text;
  }

  const NvrtcLibrary &library;
  NvrtcProgram handle = nullptr;
};

// "sm_90a" -> 90
int numberOf(llvm::StringRef chip) {
  int number = 0;
  chip.split('_').second.consumeInteger(10, number);
  return number;
}

std::vector<std::string> optionsFor(const std::string &chip) {
  return {"--gpu-architecture=" + chip, "-std=c++17", "--ptxas-options=-v"};
}

// The number in front of a phrase of the report, added up over its functions.
int64_t sumBefore(llvm::StringRef log, llvm::StringRef phrase) {
  int64_t sum = 0;
  for (size_t at = log.find(phrase); at != llvm::StringRef::npos; at = log.find(phrase, at + 1)) {
    llvm::StringRef before = log.take_front(at).rtrim();
    int64_t number = 0;
    if (!before.take_back(before.size() - before.find_last_not_of("0123456789") - 1).getAsInteger(10, number))
      sum += number;
  }
  return sum;
}

} // namespace

gpu::Resources readPtxasReport(const std::string &log) {
  gpu::Resources resources;
  llvm::StringRef text = log;
  llvm::StringRef used = text.split("Used ").second;
  resources.known = !used.consumeInteger(10, resources.registers);
  resources.sharedBytes = sumBefore(text, "bytes smem");
  resources.stackBytes = sumBefore(text, "bytes stack frame");
  resources.spills = sumBefore(text, "bytes spill stores") + sumBefore(text, "bytes spill loads");
  resources.serialized = int64_t(text.count("wgmma.mma_async instructions are serialized"));
  return resources;
}

Nvrtc::Nvrtc(const NvrtcLibrary &library, std::string chip, bool ptx)
    : library(library), chip(std::move(chip)), ptx(ptx) {}

Expected<std::unique_ptr<Nvrtc>> Nvrtc::open(const std::string &chip, bool ptx) {
  Expected<const NvrtcLibrary *> library = openNvrtc();
  if (!library)
    return passError(std::move(library));
  const std::vector<int> &known = (*library)->chips;
  if (std::find(known.begin(), known.end(), numberOf(chip)) == known.end())
    return makeError("NVRTC {}.{} ({}) does not know {}", (*library)->major, (*library)->minor, (*library)->path, chip);
  return std::unique_ptr<Nvrtc>(new Nvrtc(**library, chip, ptx));
}

std::string Nvrtc::name() const { return fmt::format("NVRTC {}.{}", library.major, library.minor); }

std::string Nvrtc::identity() const {
  return fmt::format("{} {} {}", name(), fmt::to_string(llvm::join(optionsFor(chip), " ")), ptx ? "with PTX" : "");
}

int Nvrtc::leastDriver() const { return library.major * 1000; }

Expected<gpu::DeviceCode> Nvrtc::compile(const std::string &symbol, const std::string &source) const {
  return build(symbol, source, ptx);
}

Expected<std::string> Nvrtc::assembly(const std::string &symbol, const std::string &source) const {
  Expected<gpu::DeviceCode> code = build(symbol, source, true);
  if (!code)
    return passError(std::move(code));
  return std::move(code->portable);
}

Expected<gpu::DeviceCode> Nvrtc::build(const std::string &symbol, const std::string &source, bool withPtx) const {
  Program program(library);
  std::string file = symbol + ".cu";
  int result = library.create(&program.handle, source.c_str(), file.c_str(), 0, nullptr, nullptr);
  if (result != 0)
    return makeError("kernel @{} for {}: {}: {}", symbol, chip, name(), library.errorString(result));
  std::vector<std::string> options = optionsFor(chip);
  std::vector<const char *> list;
  for (const std::string &option : options)
    list.push_back(option.c_str());
  result = library.compile(program.handle, int(list.size()), list.data());
  Expected<std::string> log = program.get(library.logSize, library.log);
  if (!log)
    return makeError("kernel @{} for {}: {}: {}", symbol, chip, name(), log.error().message);
  if (result != 0)
    return makeError("kernel @{} for {}: {}: {}: {}", symbol, chip, name(), library.errorString(result),
                     errorLines(log->c_str()));

  gpu::DeviceCode code;
  code.resources = readPtxasReport(*log);
  Expected<std::string> cubin = program.get(library.cubinSize, library.cubin);
  if (!cubin || cubin->empty())
    return makeError("kernel @{} for {}: {} gave no cubin", symbol, chip, name());
  code.native = std::move(*cubin);
  if (withPtx) {
    Expected<std::string> text = program.get(library.ptxSize, library.ptx);
    if (!text)
      return makeError("kernel @{} for {}: {} gave no PTX: {}", symbol, chip, name(), text.error().message);
    code.portable = text->c_str(); // less the zero at its end
  }
  return code;
}

} // namespace quipu::cuda
