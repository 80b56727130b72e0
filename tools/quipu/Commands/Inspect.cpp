// Prints everything an artifact says of itself. The JSON object is the full answer; the text shows the same for
// reading.
#include "runtime/Artifact/Artifact.h"
#include "runtime/Artifact/CodeBundle.h"
#include "runtime/Artifact/WeightLayout.h"
#include "runtime/Support/OutputFile.h"
#include "tools/quipu/Command.h"
#include "tools/quipu/Json.h"

#include <algorithm>
#include <filesystem>
#include <fmt/ranges.h>

namespace quipu::tool {
namespace {

using Json = nlohmann::ordered_json;

struct InspectOptions {
  std::string path, kernelFolder;
  bool json = false;
};

const char *placementName(WeightPlacement placement) {
  return placement == WeightPlacement::Embed ? "embed" : placement == WeightPlacement::File ? "file" : "none";
}

template <typename List, typename Function> Json listOf(const List *list, Function toJson) {
  Json result = Json::array();
  if (list)
    for (auto entry : *list)
      result.push_back(toJson(entry));
  return result;
}

Json describe(const fb::Model &model) {
  Json eos = listOf(model.eos(), [](int32_t id) { return id; });
  return {{"family", model.family()->str()},
          {"name", model.name() ? model.name()->str() : ""},
          {"vocab", model.vocab()},
          {"hidden", model.hidden()},
          {"layers", model.layers()},
          {"max_context", model.max_context()},
          {"context_limit", model.context_limit()},
          {"max_sequences", model.max_sequences()},
          {"max_batch_tokens", model.max_batch_tokens()},
          {"max_rows", model.max_rows()},
          {"bos", model.bos()},
          {"eos", eos}};
}

Json describe(const fb::Weight *weight) {
  return {{"name", weight->name()->str()},
          {"dtype", dtypeName(weight->dtype())},
          {"shape", listOf(weight->shape(), [](uint64_t size) { return size; })},
          {"layout", weight->layout()->str()},
          {"offset", weight->offset()},
          {"bytes", weight->bytes()}};
}

Json describe(const fb::KvCache *cache) {
  return {{"layer", cache->layer()},
          {"heads", cache->heads()},
          {"dim", cache->dim()},
          {"dtype", dtypeName(cache->dtype())},
          {"page_size", cache->page_size()},
          {"page_bytes", cache->page_bytes()},
          {"layout", cache->layout()->str()}};
}

Json describe(const fb::RopeTable *table) {
  return {{"dim", table->dim()},
          {"attention_factor", table->attention_factor()},
          {"inv_freq", listOf(table->inv_freq(), [](double frequency) { return frequency; })}};
}

Json describe(const fb::TargetProgram &target, const fb::Launch *launch) {
  auto variant = [&](const fb::Variant *v) {
    return Json{{"max_value", v->max_value()}, {"kernels", listOf(v->stages(), [&](const fb::Stage *stage) {
                                                  return target.kernels()->Get(stage->kernel())->symbol()->str();
                                                })}};
  };
  auto operand = [&](uint32_t index) {
    return index == UINT32_MAX ? std::string() : target.buffers()->Get(index)->name()->str();
  };
  return {{"name", launch->name()->str()},
          {"op", launch->op()->str()},
          {"operands", listOf(launch->operands(), operand)},
          {"dim", fb::EnumNameDim(launch->dim())},
          {"variants", listOf(launch->variants(), variant)}};
}

Json describe(const fb::TargetProgram *target, const Artifact &artifact) {
  auto kernel = [](const fb::Kernel *k) {
    return Json{{"symbol", k->symbol()->str()}, {"scratch_bytes", k->scratch_bytes()}};
  };
  return {
      {"target", target->target()->str()},
      {"features", listOf(target->features(), [](const flatbuffers::String *name) { return name->str(); })},
      {"code_bytes", artifact.code(target->code_section()).size()},
      {"arena_bytes", target->arena_bytes()},
      {"kernels", listOf(target->kernels(), kernel)},
      {"launches", listOf(target->launches(), [&](const fb::Launch *launch) { return describe(*target, launch); })}};
}

Json describe(const Artifact &artifact) {
  const fb::Program &program = artifact.program();
  Json sections = Json::array();
  for (const SectionEntry &section : artifact.sections())
    sections.push_back({{"kind", sectionName(section.kind)},
                        {"index", section.index},
                        {"offset", section.offset},
                        {"size", section.size}});
  return {{"file", artifact.path()},
          {"bytes", artifact.fileSize()},
          {"version", artifactVersion},
          {"compiler", program.compiler()->str()},
          {"checkpoint_digest", program.checkpoint_digest() ? program.checkpoint_digest()->str() : ""},
          {"sections", sections},
          {"model", describe(*program.model())},
          {"weight_placement", placementName(artifact.weightIndex().placement)},
          {"weight_bytes", artifact.weightIndex().bytes},
          {"weights", listOf(program.weights(), [](const fb::Weight *weight) { return describe(weight); })},
          {"kv_caches", listOf(program.kv_caches(), [](const fb::KvCache *cache) { return describe(cache); })},
          {"rope_tables", listOf(program.rope_tables(), [](const fb::RopeTable *table) { return describe(table); })},
          {"targets",
           listOf(program.targets(), [&](const fb::TargetProgram *target) { return describe(target, artifact); })}};
}

std::string joined(const Json &names, const char *between) {
  return fmt::format("{}", fmt::join(names.get<std::vector<std::string>>(), between));
}

void printTarget(const Json &target) {
  fmt::print("\ntarget {}: {} bytes of code, {} bytes of activations, needs {}\n", target["target"].get<std::string>(),
             target["code_bytes"].get<uint64_t>(), target["arena_bytes"].get<uint64_t>(),
             joined(target["features"], " "));
  fmt::print("  kernels:\n");
  for (const Json &kernel : target["kernels"])
    fmt::print("    {} (scratch {})\n", kernel["symbol"].get<std::string>(), kernel["scratch_bytes"].get<uint64_t>());
  fmt::print("  launches:\n");
  for (const Json &launch : target["launches"]) {
    fmt::print("    {:<36} {}\n", launch["name"].get<std::string>(), launch["op"].get<std::string>());
    for (const Json &variant : launch["variants"]) {
      uint32_t most = variant["max_value"];
      fmt::print("      {} {}: {}\n", launch["dim"].get<std::string>(),
                 most == UINT32_MAX ? "any" : fmt::format("<= {}", most), joined(variant["kernels"], " then "));
    }
  }
}

void printText(const Json &all) {
  fmt::print("{}: {} bytes, format version {}, written by {}\n", all["file"].get<std::string>(),
             all["bytes"].get<uint64_t>(), all["version"].get<uint32_t>(), all["compiler"].get<std::string>());
  fmt::print("checkpoint digest {}\n\nsections:\n", all["checkpoint_digest"].get<std::string>());
  for (const Json &section : all["sections"])
    fmt::print("  {:<12} {:>3} at {:>12}, {:>14} bytes\n", section["kind"].get<std::string>(),
               section["index"].get<uint32_t>(), section["offset"].get<uint64_t>(), section["size"].get<uint64_t>());
  fmt::print("\nmodel:\n");
  for (const auto &[key, value] : all["model"].items())
    fmt::print("  {:<18} {}\n", key, value.is_string() ? value.get<std::string>() : jsonText(value));
  fmt::print("\nweights ({}, {} bytes):\n", all["weight_placement"].get<std::string>(),
             all["weight_bytes"].get<uint64_t>());
  for (const Json &weight : all["weights"])
    fmt::print("  {:<8} {:<16} {:<14} {:>12} bytes  {}\n", weight["dtype"].get<std::string>(),
               jsonText(weight["shape"]), weight["layout"].get<std::string>(), weight["bytes"].get<uint64_t>(),
               weight["name"].get<std::string>());
  fmt::print("\nKV caches:\n");
  for (const Json &cache : all["kv_caches"])
    fmt::print("  layer {:<4} {:<5} {} heads of {}, pages of {} positions in {} bytes, {}\n",
               cache["layer"].get<uint32_t>(), cache["dtype"].get<std::string>(), cache["heads"].get<uint32_t>(),
               cache["dim"].get<uint32_t>(), cache["page_size"].get<uint32_t>(), cache["page_bytes"].get<uint64_t>(),
               cache["layout"].get<std::string>());
  for (const Json &target : all["targets"])
    printTarget(target);
}

Expected<> writeFile(const std::filesystem::path &path, std::string_view bytes) {
  auto file = OutputFile::create(path.string());
  if (!file)
    return passError(std::move(file));
  if (auto written = file->writeAt(0, bytes.data(), bytes.size()); !written)
    return written;
  return file->commit();
}

Expected<> makeFolder(const std::filesystem::path &folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return makeError("--dump-kernels {}: {}", folder.string(), error.message());
  return {};
}

// What an artifact calls a target or a kernel, as a name that stays within its folder.
std::string fileName(std::string_view name) {
  std::string file(name);
  std::replace_if(file.begin(), file.end(), [](char c) { return c == ':' || c == '/'; }, '-');
  return file;
}

// A file for each kernel, in a folder named after the target: what the vendors' tools disassemble.
Expected<> dumpBundle(const std::string &target, std::string_view code, const std::filesystem::path &folder) {
  auto bundle = CodeBundle::read(code);
  if (!bundle)
    return passError(std::move(bundle));
  if (auto made = makeFolder(folder); !made)
    return made;
  std::string backend = target.substr(0, target.find(':'));
  const char *native = backend == "cuda" ? ".cubin" : backend == "hip" ? ".co" : ".so";
  size_t files = 0;
  for (const CodeBundle::Kernel &kernel : bundle->kernels())
    for (auto [image, extension] : {std::pair{kernel.native, native}, std::pair{kernel.portable, ".ptx"}}) {
      if (image.empty())
        continue;
      if (auto written = writeFile(folder / (fileName(kernel.symbol) + extension), image); !written)
        return written;
      ++files;
    }
  fmt::print(stderr, "{}: {} files\n", folder.string(), files);
  return {};
}

// Named after each target: one shared object for a CPU, which objdump and debuggers read as it is, a folder for a GPU.
Expected<> dumpKernels(const Artifact &artifact, const std::string &folder) {
  if (auto made = makeFolder(folder); !made)
    return made;
  for (const fb::TargetProgram *program : *artifact.program().targets()) {
    std::string target = program->target()->str();
    std::filesystem::path path = std::filesystem::path(folder) / fileName(target);
    std::string_view code = artifact.code(program->code_section());
    if (target.rfind("cpu:", 0) != 0) {
      if (auto dumped = dumpBundle(target, code, path); !dumped)
        return makeError("{}: {}: {}", artifact.path(), target, dumped.error().message);
      continue;
    }
    path += ".so";
    if (auto written = writeFile(path, code); !written)
      return written;
    fmt::print(stderr, "{}\n", path.string());
  }
  return {};
}

Expected<> inspect(const InspectOptions &options) {
  auto artifact = Artifact::open(options.path);
  if (!artifact)
    return passError(std::move(artifact));
  if (!options.kernelFolder.empty())
    return dumpKernels(*artifact, options.kernelFolder);
  Json all = describe(*artifact);
  if (options.json)
    fmt::print("{}\n", jsonText(all, 2));
  else
    printText(all);
  return {};
}

} // namespace

void addInspect(CLI::App &app, Action &action) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App *command = app.add_subcommand("inspect", "Print what is in an artifact");
  command->add_option("file", options->path, "artifact")->required()->type_name("FILE.qpu");
  CLI::Option *json = command->add_flag("--json", options->json, "print one JSON object");
  command
      ->add_option("--dump-kernels", options->kernelFolder,
                   "write each target's machine code into this folder: a shared object, or for a GPU a file a kernel")
      ->type_name("DIR")
      ->excludes(json);
  command->callback([options, &action] { action = [options] { return inspect(*options); }; });
}

} // namespace quipu::tool
