// quipu eval quality: what storing the weights in other formats does to a model. The checkpoint in f32, KV cache
// included, is what each of them is held to, position by position of a text.
#include "runtime/Artifact/StorageFormat.h"
#include "tools/quipu/Json.h"
#include "tools/quipu/ModelFile.h"
#include "tools/quipu/Progress.h"
#include "tools/quipu/Quality.h"
#include "tools/quipu/TextWindows.h"

namespace quipu::tool {
namespace {

struct QualityOptions {
  ModelOptions model; // its storage: what all formats have in common
  std::vector<std::string> formats;
  TextOptions text;
  bool json = false;
};

// A model in one storage, and what was measured of it.
struct Candidate {
  std::string name;
  std::unique_ptr<Engine> engine;
  Quality quality;
  double bitsPerWeight = 0; // of matrices, scales included
  uint64_t bytes = 0;       // of all weights as they lie in the artifact
};

Expected<Candidate> loadCandidate(const QualityOptions &options, const std::string &name,
                                  const CheckpointStorage &storage) {
  ModelOptions model = options.model;
  model.storage = storage;
  model.maxSequences = 1;
  auto engine = loadModel(model);
  if (!engine)
    return passError(std::move(engine));
  uint64_t elements = 0, bytes = 0;
  Candidate candidate{name, std::move(*engine), Quality(0)};
  candidate.quality = Quality(candidate.engine->model().vocab());
  for (const fb::Weight *weight : *candidate.engine->artifact().program().weights()) {
    candidate.bytes += weight->bytes();
    if (weight->shape()->size() != 2)
      continue;
    elements += weight->shape()->Get(0) * weight->shape()->Get(1);
    bytes += weight->shape()->Get(0) * findStorageFormat(weight->dtype())->rowBytes(weight->shape()->Get(1));
  }
  candidate.bitsPerWeight = elements ? 8.0 * static_cast<double>(bytes) / static_cast<double>(elements) : 0;
  return candidate;
}

// The checkpoint in f32 first, then every format.
Expected<std::vector<Candidate>> loadAll(const QualityOptions &options) {
  if (!isCheckpoint(options.model.path))
    return makeError("{}: expected a checkpoint, which is compiled in every format; this is none", options.model.path);
  std::vector<Candidate> all;
  auto add = [&](const std::string &name, const CheckpointStorage &storage) -> Expected<> {
    auto candidate = loadCandidate(options, name, storage);
    if (!candidate)
      return passError(std::move(candidate));
    all.push_back(std::move(*candidate));
    return {};
  };
  Expected<> added = add("unquantised", {{"f32", {}, "f32"}, {}});
  for (const std::string &format : options.formats) {
    CheckpointStorage storage = options.model.storage;
    storage.storage = format;
    if (const StorageFormat *known = findStorageFormat(format);
        known && !known->isBlocked() && storage.storageOf.empty())
      storage.calibrate.clear(); // no rounding to weigh
    if (added)
      added = add(format, storage);
  }
  if (!added)
    return passError(std::move(added));
  return all;
}

Expected<> measure(std::vector<Candidate> &all, const TextWindows &text) {
  uint32_t vocab = all[0].engine->model().vocab();
  std::vector<float> reference(text.window * size_t(vocab));
  Progress progress;
  for (size_t w = 0; w < text.tokens.size(); ++w) {
    const std::vector<int32_t> &tokens = text.tokens[w];
    for (size_t i = 0; i < all.size(); ++i) {
      progress.show(all[i].name, w, text.tokens.size());
      auto onRow = [&](size_t position, const float *logits) {
        float *expected = reference.data() + position * vocab;
        if (i == 0)
          std::copy_n(logits, vocab, expected);
        if (position + 1 < tokens.size())
          all[i].quality.add(logits, expected, tokens[position + 1]);
      };
      if (auto scored = all[i].engine->score(tokens, text.firstCounted(), onRow); !scored)
        return scored;
    }
  }
  return {};
}

nlohmann::json toJson(const Candidate &candidate) {
  const Quality &quality = candidate.quality;
  return {{"storage", candidate.name},
          {"bits_per_weight", candidate.bitsPerWeight},
          {"bytes", candidate.bytes},
          {"perplexity", quality.perplexity()},
          {"kl_mean", quality.meanDivergence()},
          {"kl_p99", quality.divergenceAt(0.99)},
          {"top1_agreement", quality.agreement()}};
}

void print(const std::vector<Candidate> &all, const TextWindows &text) {
  fmt::print("{:<12} {:>11} {:>14} {:>11} {:>11} {:>11} {:>8}\n", "storage", "bits/weight", "weight bytes",
             "perplexity", "KL mean", "KL 99 %", "top-1");
  for (const Candidate &candidate : all)
    fmt::print("{:<12} {:>11.3f} {:>14} {:>11.4f} {:>11.6f} {:>11.6f} {:>6.2f} %\n", candidate.name,
               candidate.bitsPerWeight, candidate.bytes, candidate.quality.perplexity(),
               candidate.quality.meanDivergence(), candidate.quality.divergenceAt(0.99),
               100 * candidate.quality.agreement());
  fmt::print("{} tokens in {} windows of {}; KL and top-1 against the checkpoint in f32\n", all[0].quality.positions(),
             text.tokens.size(), text.window);
}

Expected<> quality(const QualityOptions &options) {
  auto all = loadAll(options);
  if (!all)
    return passError(std::move(all));
  auto text = TextWindows::read(options.text, *all->front().engine, options.model.path);
  if (!text)
    return passError(std::move(text));
  if (auto measured = measure(*all, *text); !measured)
    return measured;
  for (const Candidate &candidate : *all)
    if (!candidate.quality.isNumber())
      return makeError("{} as {}: logits are not numbers; `quipu verify --storage` names the first launch at fault",
                       options.model.path, candidate.name);
  if (!options.json) {
    print(*all, *text);
    return {};
  }
  nlohmann::json list = nlohmann::json::array();
  for (const Candidate &candidate : *all)
    list.push_back(toJson(candidate));
  fmt::print("{}\n", jsonText(nlohmann::json{{"models", list},
                                             {"tokens", all->front().quality.positions()},
                                             {"windows", text->tokens.size()},
                                             {"window", text->window}}));
  return {};
}

} // namespace

void addEvalQuality(CLI::App &eval, Action &action) {
  auto options = std::make_shared<QualityOptions>();
  CLI::App *command = eval.add_subcommand(
      "quality", "What storage formats do to a model: perplexity, and KL divergence and likeliest token against the "
                 "checkpoint in f32");
  addModelOptions(*command, options->model);
  command->get_option("model")
      ->description(
          "checkpoint: a folder in Hugging Face layout or a GGUF file; compiled into the cache in every format")
      ->type_name("MODEL_DIR|FILE.gguf");
  addStorageOptions(*command, options->formats, options->model.storage);
  addCalibrateOption(*command, options->model.storage.calibrate);
  addTextOptions(*command, options->text);
  command->add_flag("--json", options->json, "print one JSON object with the table as a list, models");
  command->callback([options, &action] { action = [options] { return quality(*options); }; });
}

} // namespace quipu::tool
