// quipu-family-reference FILE: writes docs/reference/families.md, the page of all model families.
#include "compiler/Dialect/Kernel/IR/Kernel.h"
#include "compiler/Pipeline/Definition.h"
#include "compiler/Pipeline/PhaseRunner.h"
#include "models/config/ConfigKeys.h"
#include "models/config/DecoderConfig.h"
#include "models/config/ModelConfig.h"
#include "models/graph/ModelGraph.h"

#include "mlir/IR/MLIRContext.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <iterator>

namespace quipu {
namespace {

using namespace models;

constexpr std::string_view introduction = R"(# Model families

Made from the registry (`models/Families.def`, `models/Refused.def`) and from what the compiler makes of a small model
of each architecture. A checkpoint is taken in by the name in `architectures` or, without one, by `model_type`; a GGUF
file by `general.architecture`. "launches" is how many launches a layer is on the CPU (`cpu:x86-64-v3`), the most of any
layer. A configuration with a key of the last section is refused by key and value where its family does not read the
key, but at a value that means "off". A key that nobody knows gives a warning.

This page is generated: `ninja -C build/release quipu-docs`.
)";

constexpr int64_t layers = 4;

ModelConfig smallConfig(const Architecture &architecture) {
  nlohmann::json values = {{"architectures", {architecture.className}},
                           {"model_type", architecture.modelType},
                           {"vocab_size", 256},
                           {"hidden_size", 64},
                           {"intermediate_size", 96},
                           {"num_hidden_layers", layers},
                           {"num_attention_heads", 4},
                           {"num_key_value_heads", 2},
                           {"head_dim", 16},
                           {"max_position_embeddings", 128}};
  return {std::move(values), nlohmann::json::object(), "config.json", "generation_config.json"};
}

std::set<std::string> keysOf(const Architecture &architecture) {
  std::set<std::string> keys = models::keysOf(smallConfig(architecture));
  for (auto key = keys.begin(); key != keys.end();)
    key = key->find('.') == key->npos ? std::next(key) : keys.erase(key);
  return keys;
}

// The most launches of any layer.
Expected<int64_t> launchesPerLayer(const Architecture &architecture) {
  auto context = createContext();
  auto module = buildGraph(smallConfig(architecture), [](const std::string &) { return DType::BF16; }, *context);
  if (!module)
    return passError(std::move(module));
  PhaseOptions options;
  options.targets = {"cpu:x86-64-v3"};
  PhaseRunner runner(*context, options);
  for (Phase phase : {Phase::Definition, Phase::Specialised, Phase::Kernels})
    if (auto ran = runner.run(phase, **module); !ran)
      return passError(std::move(ran));
  std::vector<int64_t> counts(layers);
  (*module)->walk([&](kernel::LaunchOp launch) {
    for (int64_t layer = 0; layer < layers; ++layer)
      counts[size_t(layer)] += launch.getName().contains(fmt::format(".{}.", layer)) ||
                               launch.getName().starts_with(fmt::format("h.{}.", layer));
  });
  return *std::max_element(counts.begin(), counts.end());
}

std::vector<const Architecture *> allArchitectures() {
  std::vector<const Architecture *> all;
  for (const Family *family : families())
    for (const Architecture &architecture : family->architectures)
      all.push_back(&architecture);
  return all;
}

std::string code(std::string_view text) { return fmt::format("`{}`", text); }

std::string codeList(const std::set<std::string> &names) {
  std::vector<std::string> list;
  std::transform(names.begin(), names.end(), std::back_inserter(list), code);
  return fmt::format("{}", fmt::join(list, ", "));
}

std::string filesOf(const Family &family, const Architecture &architecture) {
  std::set<std::string> names;
  for (const GgufArchitecture &file : family.ggufArchitectures)
    if (file.className == architecture.className || file.otherClass == architecture.className)
      names.insert(std::string(file.name));
  return codeList(names);
}

Expected<std::string> taken() {
  std::string text =
      "\n## Taken\n\n| family | architecture | `model_type` | GGUF | launches |\n|---|---|---|---|---|\n";
  for (const Family *family : families()) {
    for (const Architecture &architecture : family->architectures) {
      auto launches = launchesPerLayer(architecture);
      if (!launches)
        return makeError("{}: {}", architecture.className, launches.error().message);
      text += fmt::format("| {} | {} | {} | {} | {} |\n", family->name, code(architecture.className),
                          code(architecture.modelType), filesOf(*family, architecture), *launches);
    }
    for (const Architecture &wrapper : family->wrappers)
      text += fmt::format("| {} | {}, its text model | {} | | |\n", family->name, code(wrapper.className),
                          code(wrapper.modelType));
  }
  return text;
}

std::string keys() {
  std::set<std::string> shared = keysOf(*allArchitectures().front());
  for (const Architecture *architecture : allArchitectures()) {
    std::set<std::string> own = keysOf(*architecture), both;
    std::set_intersection(shared.begin(), shared.end(), own.begin(), own.end(), std::inserter(both, both.end()));
    shared = std::move(both);
  }
  std::string text = "\n## Keys that are read\n\nThose inside `rope_parameters` are left out. By every architecture: " +
                     codeList(shared) + ".\n\n| architecture | besides |\n|---|---|\n";
  for (const Architecture *architecture : allArchitectures()) {
    std::set<std::string> own = keysOf(*architecture), rest;
    std::set_difference(own.begin(), own.end(), shared.begin(), shared.end(), std::inserter(rest, rest.end()));
    text += fmt::format("| {} | {} |\n", code(architecture->className), codeList(rest));
  }
  return text;
}

std::string refused() {
  std::string text = "\n## Refused\n\n| architecture | `model_type` | why |\n|---|---|---|\n";
  for (const RefusedArchitecture &row : refusedArchitectures())
    text += fmt::format("| {} | {} | {} |\n", code(row.architecture.className), code(row.architecture.modelType),
                        row.reason);
  std::set<std::string> changing;
  for (std::string_view key : keysThatChangeMeaning())
    changing.insert(std::string(key));
  return text + "\n## Keys that change the meaning\n\n" + codeList(changing) + ".\n";
}

Expected<std::string> page() {
  auto rows = taken();
  if (!rows)
    return rows;
  return std::string(introduction) + *rows + keys() + refused();
}

} // namespace
} // namespace quipu

int main(int argc, char **argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: quipu-family-reference FILE\n");
    return 2;
  }
  auto page = quipu::page();
  if (!page) {
    fmt::print(stderr, "quipu-family-reference: {}\n", page.error().message);
    return 1;
  }
  std::ofstream file(argv[1]);
  file << *page;
  file.close();
  if (!file) {
    fmt::print(stderr, "quipu-family-reference: cannot write {}\n", argv[1]);
    return 1;
  }
  return 0;
}
