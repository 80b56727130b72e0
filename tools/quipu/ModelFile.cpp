#include "tools/quipu/ModelFile.h"
#include "runtime/Device/Cpu/CpuFeatures.h"
#include "runtime/Support/MappedFile.h"
#include "tools/quipu/ChildProcess.h"
#include "tools/quipu/CompilerLibrary.h"
#include "tools/quipu/Progress.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace quipu::tool {
namespace fs = std::filesystem;

void addModelOptions(CLI::App &command, ModelOptions &options) {
  command
      .add_option("model", options.path,
                  "artifact (.qpu), or a checkpoint (folder or GGUF file), which is compiled into the cache first")
      ->required()
      ->type_name("FILE.qpu|FILE.gguf|MODEL_DIR");
  command
      .add_option("--device", options.device,
                  "device to run on: cpu, cuda:0, hip:0, auto (the best there is), or null (no computing)")
      ->capture_default_str();
  command.add_option("--threads", options.threads, "worker threads of the CPU; 0: one for each physical core")
      ->capture_default_str()
      ->check(CLI::Range(0u, 1024u));
  command.add_flag("--check-launches", options.checkLaunches,
                   "wait for every launch of a GPU, slowly, so that an error names the one at fault");
  command.add_option("--max-context", options.maxContext, "most positions of a sequence; 0: as compiled")
      ->capture_default_str();
  command.add_option("--max-sequences", options.maxSequences, "most sequences held at a time; 0: as compiled")
      ->capture_default_str();
}

static fs::path cacheFolder() {
  if (const char *own = std::getenv("QUIPU_CACHE_DIR"); own && *own)
    return own;
  if (const char *shared = std::getenv("XDG_CACHE_HOME"); shared && *shared)
    return fs::path(shared) / "quipu";
  const char *home = std::getenv("HOME");
  return fs::path(home && *home ? home : "/tmp") / ".cache" / "quipu";
}

// Names a checkpoint as it is now: the path, size and time of change of its files. Contents are not read: a checkpoint
// may have many gigabytes, and a file that is written again changes its time. The target and the CPU count as well, for
// the code is for this machine and the folder may be shared with others.
static std::string checkpointKey(const fs::path &checkpoint, const std::string &compiler, const std::string &target) {
  std::vector<std::string> parts = {compiler, fs::weakly_canonical(checkpoint), "target " + target};
  for (const std::string &feature : cpu::detectFeatures())
    parts.push_back(feature);
  std::error_code error;
  auto add = [&](const fs::directory_entry &entry) {
    if (entry.is_regular_file(error))
      parts.push_back(fmt::format("{} {} {}", entry.path().filename().string(), entry.file_size(error),
                                  entry.last_write_time(error).time_since_epoch().count()));
  };
  if (fs::is_directory(checkpoint, error))
    for (const fs::directory_entry &entry : fs::directory_iterator(checkpoint, error))
      add(entry);
  else
    add(fs::directory_entry(checkpoint, error));
  std::sort(parts.begin(), parts.end());
  std::string all;
  for (const std::string &part : parts)
    all += part + '\n';
  XXH128_hash_t hash = XXH3_128bits(all.data(), all.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

// By content, not by name: a folder, or a file that begins as GGUF files do.
static bool isCheckpoint(const fs::path &path) {
  std::error_code error;
  if (fs::is_directory(path, error))
    return true;
  if (!fs::is_regular_file(path, error))
    return false;
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "GGUF";
}

static Expected<> compileNow(CompileRequest &request) {
  auto compiler = openCompiler();
  if (!compiler)
    return passError(std::move(compiler));
  Progress progress;
  request.progress = [&](const std::string &what, uint64_t done, uint64_t total) { progress.show(what, done, total); };
  auto report = (*compiler)->compile(request);
  progress.clear();
  if (!report)
    return passError(std::move(report));
  for (const std::string &warning : report->warnings)
    fmt::print(stderr, "quipu: warning: {}\n", warning);
  return {};
}

Expected<std::string> artifactOf(const std::string &path, const std::string &device, Weights weights) {
  std::error_code error;
  if (!fs::exists(path, error))
    return makeError("{}: no such file or folder", path);
  if (!isCheckpoint(path))
    return path;
  auto opened = openDevice(device);
  if (!opened)
    return passError(std::move(opened));
  std::string target = (*opened)->targetToCompile();
  auto compilerName = compilerIdentity();
  if (!compilerName)
    return passError(std::move(compilerName));
  fs::path folder = cacheFolder() / "models";
  fs::path artifact = folder / (checkpointKey(path, *compilerName, target) + ".qpu");
  if (fs::exists(artifact, error))
    return artifact;
  if (weights == Weights::NotNeeded) {
    artifact.replace_extension(".plan.qpu");
    if (fs::exists(artifact, error))
      return artifact;
  }
  fs::create_directories(folder, error);
  if (error)
    return makeError("{}: cannot make the cache folder: {}; set QUIPU_CACHE_DIR to one that can be written",
                     folder.string(), error.message());
  CompileRequest request;
  request.model = path;
  request.output = artifact;
  request.targets = {target};
  request.weights = weights == Weights::Needed ? WeightPlacement::Embed : WeightPlacement::None;
  // In a child: what runs next takes the memory of the plan, and none of the compiler's.
  if (auto compiled = runInChild("compiling " + path, [&] { return compileNow(request); }); !compiled)
    return passError(std::move(compiled));
  return artifact;
}

Expected<std::unique_ptr<Engine>> loadModel(const ModelOptions &options) {
  auto path = artifactOf(options.path, options.device, options.randomWeights ? Weights::NotNeeded : Weights::Needed);
  if (!path)
    return passError(std::move(path));
  EngineOptions engine;
  engine.device = options.device;
  engine.threads = options.threads;
  engine.maxContext = options.maxContext;
  engine.maxSequences = options.maxSequences;
  engine.randomWeights = options.randomWeights;
  engine.checkLaunches = options.checkLaunches;
  Progress progress;
  engine.progress = [&](uint64_t done, uint64_t total) { progress.show("loading weights", done, total); };
  auto loaded = Engine::load(*path, engine);
  progress.clear();
  if (loaded && options.device == "auto")
    fmt::print(stderr, "quipu: device {}: {}\n", (*loaded)->deviceName(), (*loaded)->device().describe());
  return loaded;
}

Expected<std::string> readText(const std::string &path) {
  if (path == "-") {
    std::string text((std::istreambuf_iterator<char>(std::cin)), {});
    if (std::cin.bad())
      return makeError("standard input cannot be read");
    return text;
  }
  auto file = MappedFile::open(path);
  if (!file)
    return passError(std::move(file));
  return std::string(reinterpret_cast<const char *>(file->data()), file->size());
}

} // namespace quipu::tool
