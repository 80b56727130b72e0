#include "runtime/Artifact/StorageFormat.h"
#include "tools/quipu/Command.h"
#include "tools/quipu/CompilerLibrary.h"

#include <algorithm>
#include <filesystem>
#include <fmt/ranges.h>

namespace quipu::tool {
namespace {

struct CompileOptions {
  CompileRequest request;
  std::string weights = "embed";
  bool timing = false, printKernels = false;
};

Expected<> checkOptions(const CompileRequest &request) {
  if (request.output.empty() && request.compileTo.empty())
    return makeError("compile needs -o OUT.qpu, or --compile-to PHASE to print the IR");
  if (!request.output.empty() && !request.compileTo.empty() && request.compileTo != "artifact")
    return makeError("-o {} and --compile-to {} do not go together: only the last phase writes an artifact",
                     request.output, request.compileTo);
  if (!request.calibrate.empty() && (request.output.empty() || request.weights == WeightPlacement::None))
    return makeError("--calibrate {}: it weighs the rounding of weights, and none are written", request.calibrate);
  if (request.compileFrom.empty() != request.ir.empty())
    return makeError("--compile-from PHASE and --ir FILE go together");
  if (request.ptx && std::none_of(request.targets.begin(), request.targets.end(),
                                  [](const std::string &target) { return target.rfind("cuda:", 0) == 0; }))
    return makeError("--ptx needs a CUDA target, such as --target cuda:sm_80");
  return {};
}

void printKernels(const std::vector<KernelReport> &kernels) {
  fmt::print(stderr, "{:<56} {:>9} {:>6} {:>6} {:>6} {:>6} {:>9}\n", "kernel", "registers", "shared", "stack", "spills",
             "serial", "seconds");
  for (const KernelReport &kernel : kernels) {
    std::string name = fmt::format("{} {}", kernel.target, kernel.symbol);
    const gpu::Resources &use = kernel.resources;
    if (use.known)
      fmt::print(stderr, "{:<56} {:>9} {:>6} {:>6} {:>6} {:>6} {:>9.3f}\n", name, use.registers, use.sharedBytes,
                 use.stackBytes, use.spills, use.serialized, kernel.seconds);
    else
      fmt::print(stderr, "{:<56} {:>9} {:>6} {:>6} {:>6} {:>6} {:>9.3f}\n", name, "?", "?", "?", "?", "?",
                 kernel.seconds);
  }
}

// What is faster than the cost model's choice, and how much was measured for it; `all`: what is not faster as well.
void printTuning(const std::vector<TuningReport> &tuning, bool all) {
  size_t changed = 0, measured = 0;
  for (const TuningReport &choice : tuning) {
    bool isChanged = choice.chosen != choice.model;
    changed += isChanged;
    measured += choice.measured;
    if (isChanged)
      fmt::print(stderr, "tuned, {} rows: {} takes {:.1f} % less time than {}\n", choice.rows, choice.chosen,
                 choice.gain * 100, choice.model);
    else if (all)
      fmt::print(stderr, "tuned, {} rows: nothing faster than {}\n", choice.rows, choice.model);
  }
  fmt::print(stderr, "tuned: {} choices, {} other than the cost model's, {} measured now\n", tuning.size(), changed,
             measured);
}

// The phases and their sum, then the passes, which are parts of phases.
void printSeconds(const CompileReport &report) {
  double total = 0;
  auto print = [](std::string_view name, double seconds) { fmt::print(stderr, "{:<26} {:9.4f} s\n", name, seconds); };
  for (const auto &[name, seconds] : report.seconds) {
    print(name, seconds);
    total += seconds;
  }
  print("all phases", total);
  for (const auto &[name, seconds] : report.passSeconds)
    print("  " + name, seconds);
}

void printReport(const CompileReport &report, const CompileOptions &options) {
  const CompileRequest &request = options.request;
  if (!report.ir.empty())
    fmt::print("{}", report.ir);
  if (options.printKernels)
    printKernels(report.gpuKernels);
  if (request.tune)
    printTuning(report.tuning, options.timing);
  if (options.timing)
    printSeconds(report);
  std::error_code error;
  if (!request.output.empty() && std::filesystem::exists(request.output, error))
    fmt::print(stderr, "{}: {} bytes, {} kernels ({} from the cache), {} bytes of code\n", request.output,
               std::filesystem::file_size(request.output, error), report.kernels, report.kernelsFromCache,
               report.codeBytes);
  if (request.weights == WeightPlacement::File && !request.output.empty()) {
    std::filesystem::path weights = std::filesystem::path(request.output).replace_extension(".weights");
    fmt::print(stderr, "{}: {} bytes, belongs beside it\n", weights.string(),
               std::filesystem::file_size(weights, error));
  }
}

Expected<> compile(CompileOptions &options) {
  CompileRequest &request = options.request;
  request.weights = options.weights == "embed"  ? WeightPlacement::Embed
                    : options.weights == "file" ? WeightPlacement::File
                                                : WeightPlacement::None;
  if (auto checked = checkOptions(request); !checked)
    return checked;
  auto report = compileModel(request);
  if (!report)
    return passError(std::move(report));
  printReport(*report, options);
  return {};
}

} // namespace

static std::string knownFormats() {
  std::vector<std::string> formats = {"4bit (iq4_nl, the best of about four bits)"};
  for (const StorageFormat &format : storageFormats)
    formats.push_back(format.dtype == fb::DType::q8_0   ? "q8_0 (i8_g32)"
                      : format.dtype == fb::DType::q4_0 ? "q4_0 (i4_g32)"
                                                        : std::string(format.name));
  return fmt::format("{}", fmt::join(formats, ", "));
}

constexpr const char *keptHigher =
    "With less than six bits the embedding and the head are kept in q8_0, where --storage-of does not name them";

static void addOtherStorageOptions(CLI::App &command, StorageChoice &choice) {
  command
      .add_option(
          "--storage-of", choice.storageOf,
          "format of the matrices whose Hugging Face name (of a GGUF file too) matches, with *, ? and [...] as in a "
          "shell, such as '*.down_proj.weight=q6_k'; may be given several times, the first that matches "
          "counts")
      ->type_name("PATTERN=FORMAT")
      ->allow_extra_args(false);
  command
      .add_option("--kv-storage", choice.kvStorage,
                  "type of the KV cache: f32, f16, bf16 or i8; default: bf16, or f32 where every matrix is f32")
      ->type_name("TYPE");
}

void addStorageOptions(CLI::App &command, StorageChoice &choice) {
  command
      .add_option("--storage", choice.storage,
                  fmt::format("format matrices are stored in: {}; default: as the checkpoint has each. {}",
                              knownFormats(), keptHigher))
      ->type_name("FORMAT");
  addOtherStorageOptions(command, choice);
}

void addStorageOptions(CLI::App &command, std::vector<std::string> &formats, StorageChoice &others) {
  command
      .add_option(
          "--storage", formats,
          fmt::format("format to store matrices in, once for each to be measured: {}. {}", knownFormats(), keptHigher))
      ->type_name("FORMAT")
      ->required()
      ->allow_extra_args(false);
  addOtherStorageOptions(command, others);
}

void addCalibrateOption(CLI::App &command, std::string &calibrate) {
  command
      .add_option(
          "--calibrate", calibrate,
          "UTF-8 text that the checkpoint is run on first, so that rounding to --storage knows which columns of "
          "a matrix matter")
      ->type_name("FILE");
}

void addCompile(CLI::App &app, Action &action) {
  auto options = std::make_shared<CompileOptions>();
  CompileRequest &request = options->request;
  CLI::App *command = app.add_subcommand("compile", "Compile a checkpoint to an artifact");
  command->add_option("model", request.model, "checkpoint: a folder in Hugging Face layout or a GGUF file")
      ->required()
      ->type_name("MODEL_DIR|FILE.gguf");
  command->add_option("-o,--output", request.output, "artifact to write")->type_name("OUT.qpu");
  // Lists take one word each time: the next one may be the model.
  command
      ->add_option("--target", request.targets,
                   "device and chip to compile for, may be given several times: cpu (this machine, the default), "
                   "cpu:x86-64-v3, cpu:znver4, cuda:sm_90a, hip:gfx942, ... (a wrong chip lists the known ones)")
      ->allow_extra_args(false);
  addStorageOptions(*command, request);
  addCalibrateOption(*command, request.calibrate);
  command
      ->add_option("--weights", options->weights, "where weights go: into the artifact, a file beside it, or nowhere")
      ->check(CLI::IsMember({"embed", "file", "none"}))
      ->capture_default_str();
  command
      ->add_option("--max-context", request.maxContext,
                   "most positions of a sequence; 0: the model's limit, at most 4096")
      ->capture_default_str();
  command->add_option("--max-sequences", request.maxSequences, "most sequences held at a time; 0: 8")
      ->capture_default_str();
  command->add_option("--max-batch-tokens", request.maxBatchTokens, "most tokens in one step; 0: 512")
      ->capture_default_str();
  command->add_option("--compile-to", request.compileTo,
                      "stop after this phase and print its IR: definition, specialised, kernels, code");
  command->add_option("--compile-from", request.compileFrom, "go on from this phase with the IR of --ir");
  command->add_option("--ir", request.ir, "MLIR text for --compile-from")->type_name("FILE");
  command
      ->add_option("--disable-pass", request.disabledPasses, "leave out an optional pass, may be given several times")
      ->allow_extra_args(false);
  command
      ->add_option("--threads", request.threads,
                   "threads that compile and pack, and of --tune; 0: one for each CPU, for --tune each physical core")
      ->capture_default_str()
      ->check(CLI::Range(0u, 1024u));
  command->add_flag("--timing", options->timing, "print the seconds each phase and pass took");
  command->add_flag(
      "--tune", request.tune,
      "measure kernels on this machine, with --threads workers, and take the fastest; findings are kept "
      "in the cache folder and used by compiles with --tune alone; CPU targets, the chip of this machine");
  command->add_flag("--ptx", request.ptx,
                    "keep the PTX of CUDA targets beside their machine code: drivers of later chips compile it");
  command->add_flag("--print-kernels", options->printKernels,
                    "print what each GPU kernel takes: registers, static shared memory, stack and spills of a thread, "
                    "and the seconds its compile took (0: from the cache)");
  command->add_flag("--print-after-passes", request.printAfterPasses, "print the IR after each pass, on stderr");
  command->callback([options, &action] { action = [options] { return compile(*options); }; });
}

} // namespace quipu::tool
