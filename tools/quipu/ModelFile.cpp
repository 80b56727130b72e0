#include "tools/quipu/ModelFile.h"
#include "runtime/Device/Cpu/CpuFeatures.h"
#include "runtime/Support/MappedFile.h"
#include "tools/quipu/ChildProcess.h"
#include "tools/quipu/CompilerLibrary.h"
#include "tools/quipu/ModelCache.h"
#include "tools/quipu/Progress.h"

#include <algorithm>
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
  command.add_flag(
      "--map-weights", options.mapWeights,
      "use weights where the system's file cache has them, not copied to huge pages: a load at once, memory "
      "shared by programs, somewhat slower steps; CPU only");
  command.add_flag("--check-launches", options.checkLaunches,
                   "wait for every launch of a GPU, slowly, so that none begins before the one in front has ended");
  command.add_option("--max-context", options.maxContext, "most positions of a sequence; 0: as compiled")
      ->capture_default_str();
  command.add_option("--max-sequences", options.maxSequences, "most sequences held at a time; 0: as compiled")
      ->capture_default_str();
}

// Names a checkpoint as it is now: the path, size and time of change of its files. Contents are not read: a checkpoint
// may have many gigabytes, and a file that is written again changes its time. The target and the CPU count as well, for
// the code is for this machine and the folder may be shared with others.
static std::string checkpointKey(const fs::path &checkpoint, const std::string &compiler, const std::string &target,
                                 const CheckpointStorage &storage) {
  std::vector<std::string> parts = {compiler, fs::weakly_canonical(checkpoint), "target " + target,
                                    "storage " + storage.storage, "kv " + storage.kvStorage};
  for (size_t i = 0; i < storage.storageOf.size(); ++i) // the first that matches counts
    parts.push_back(fmt::format("storage {} of {}", i, storage.storageOf[i]));
  for (const std::string &feature : cpu::detectFeatures())
    parts.push_back(feature);
  std::error_code error;
  auto add = [&](const fs::directory_entry &entry) {
    if (entry.is_regular_file(error))
      parts.push_back(fmt::format("{} {} {}", entry.path().filename().string(), entry.file_size(error),
                                  entry.last_write_time(error).time_since_epoch().count()));
  };
  // Named even where it is not there: the compiler says so, and what was compiled without it is not taken for it.
  if (!storage.calibrate.empty()) {
    fs::path text = fs::weakly_canonical(storage.calibrate, error);
    parts.push_back("calibrated on " + text.string());
    add(fs::directory_entry(text, error));
  }
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

bool isCheckpoint(const std::string &path) {
  std::error_code error;
  if (fs::is_directory(path, error))
    return true;
  if (!fs::is_regular_file(path, error))
    return false;
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "GGUF";
}

Expected<std::string> artifactOf(const std::string &path, const std::string &device, Weights weights,
                                 const CheckpointStorage &storage) {
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
  auto cache = ModelCache::open();
  if (!cache)
    return passError(std::move(cache));
  std::string key = checkpointKey(path, *compilerName, target, storage);
  fs::path artifact = cache->pathOf(key + ".qpu");
  if (cache->use(artifact))
    return artifact;
  if (weights == Weights::NotNeeded) {
    artifact = cache->pathOf(key + ".plan.qpu");
    if (cache->use(artifact))
      return artifact;
  }
  if (auto made = cache->makeFolder(); !made)
    return passError(std::move(made));
  CompileRequest request;
  request.model = path;
  request.output = artifact;
  request.targets = {target};
  static_cast<StorageChoice &>(request) = storage;
  request.calibrate = storage.calibrate;
  request.weights = weights == Weights::Needed ? WeightPlacement::Embed : WeightPlacement::None;
  // In a child: what runs next takes the memory of the plan, and none of the compiler's.
  auto compile = [&]() -> Expected<> {
    if (auto report = compileModel(request); !report)
      return passError(std::move(report));
    return {};
  };
  if (auto compiled = runInChild("compiling " + path, compile); !compiled)
    return passError(std::move(compiled));
  cache->evict(artifact);
  return artifact;
}

Expected<std::unique_ptr<Engine>> loadModel(const ModelOptions &options) {
  auto path = artifactOf(options.path, options.device, options.randomWeights ? Weights::NotNeeded : Weights::Needed,
                         options.storage);
  if (!path)
    return passError(std::move(path));
  if (options.mapWeights && (options.device != "cpu" || options.randomWeights))
    return makeError("--map-weights goes with --device cpu and with weights of a file");
  EngineOptions engine;
  engine.device = options.device;
  engine.threads = options.threads;
  engine.maxContext = options.maxContext;
  engine.maxSequences = options.maxSequences;
  engine.mapWeights = options.mapWeights;
  engine.randomWeights = options.randomWeights;
  engine.checkLaunches = options.checkLaunches;
  engine.markLaunches = options.markLaunches;
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
