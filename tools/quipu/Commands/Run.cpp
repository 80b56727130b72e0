#include "tools/quipu/Json.h"
#include "tools/quipu/ModelFile.h"
#include "tools/quipu/Npy.h"

#include <cstdio>

namespace quipu::tool {
namespace {

struct RunOptions {
  ModelOptions model;
  std::string prompt, promptFile, logits;
  std::vector<int32_t> promptIds;
  uint32_t newTokens = 128;
  SamplingParams sampling;
  bool json = false;
};

Expected<std::vector<int32_t>> promptOf(const RunOptions &options, const Tokenizer *tokenizer) {
  if (!options.promptIds.empty())
    return options.promptIds;
  if (!tokenizer)
    return makeError("{}: the artifact has no tokenizer; give the prompt with --prompt-ids", options.model.path);
  std::string text = options.prompt;
  if (!options.promptFile.empty()) {
    auto read = readText(options.promptFile);
    if (!read)
      return passError(std::move(read));
    text = std::move(*read);
  }
  auto ids = tokenizer->encode(text);
  if (!ids)
    return makeError("{}: {}", options.promptFile.empty() ? "-p" : options.promptFile, ids.error().message);
  if (ids->empty())
    return makeError("the prompt has no tokens; give some text with -p");
  return ids;
}

double perSecond(size_t tokens, double seconds) { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0; }

Expected<> run(RunOptions &options) {
  auto engine = loadModel(options.model);
  if (!engine)
    return passError(std::move(engine));
  const Tokenizer *tokenizer = (*engine)->tokenizer();
  auto prompt = promptOf(options, tokenizer);
  if (!prompt)
    return passError(std::move(prompt));
  std::optional<NpyWriter> logits; // opened now: a path that cannot be written is told before the work
  if (!options.logits.empty()) {
    auto writer = NpyWriter::create(options.logits, (*engine)->model().vocab());
    if (!writer)
      return passError(std::move(writer));
    logits = std::move(*writer);
  }

  std::string text;
  Expected<> written;
  std::optional<DecodeStream> stream;
  if (tokenizer)
    stream = tokenizer->stream({/*skipSpecialTokens=*/true, /*continuesText=*/true});
  auto show = [&](const std::string &piece) {
    text += piece;
    if (!options.json) {
      std::fwrite(piece.data(), 1, piece.size(), stdout);
      std::fflush(stdout);
    }
  };
  auto onToken = [&](const NewToken &token) {
    if (logits && !(written = logits->append(token.logits)))
      return false;
    if (stream)
      show(stream->push(token.token));
    else if (!options.json)
      show(fmt::format("{}{}", text.empty() ? "" : ",", token.token));
    return true;
  };
  auto result = (*engine)->generate(*prompt, options.sampling, options.newTokens, onToken, logits.has_value());
  if (!result)
    return passError(std::move(result));
  if (written && logits)
    written = logits->commit();
  if (!written)
    return written;
  if (stream)
    show(stream->finish());

  double promptRate = perSecond(prompt->size(), result->promptSeconds);
  double decodeRate = perSecond(result->ids.size() - 1, result->decodeSeconds);
  if (options.json) {
    fmt::print("{}\n", jsonText(nlohmann::json{{"prompt_ids", *prompt},
                                               {"ids", result->ids},
                                               {"text", text},
                                               {"prompt_tokens_per_s", promptRate},
                                               {"decode_tokens_per_s", decodeRate}}));
  } else {
    fmt::print("\n");
    std::fflush(stdout);
    fmt::print(stderr, "prompt: {} tokens, {:.1f} tokens/s; generated: {} tokens, {:.1f} tokens/s{}\n", prompt->size(),
               promptRate, result->ids.size(), decodeRate,
               result->finish == FinishReason::ContextFull ? "; the context is full" : "");
  }
  return {};
}

} // namespace

void addRun(CLI::App &app, Action &action) {
  auto options = std::make_shared<RunOptions>();
  CLI::App *command = app.add_subcommand("run", "Generate text");
  addModelOptions(*command, options->model);
  CLI::Option_group *prompt = command->add_option_group("prompt");
  prompt->add_option("-p,--prompt", options->prompt, "text to go on from")->type_name("TEXT");
  prompt->add_option("-f,--file", options->promptFile, "file with the text to go on from; -: standard input")
      ->type_name("FILE");
  // The parser would take an empty word for the id 0.
  auto someId = [](const std::string &word) { return word.empty() ? "an id is missing" : ""; };
  prompt->add_option("--prompt-ids", options->promptIds, "token ids to go on from, taken as they are")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(someId)
      ->type_name("1,2,3");
  prompt->require_option(1);
  command
      ->add_option("-n,--new-tokens", options->newTokens,
                   "most new tokens; generation also ends at an end-of-text token")
      ->capture_default_str()
      ->check(CLI::Range(1u, 1u << 30));
  SamplingParams &sampling = options->sampling;
  command->add_option("--temperature", sampling.temperature, "divides the logits; 0: always the likeliest token")
      ->capture_default_str();
  command->add_option("--top-k", sampling.topK, "sample among the k likeliest tokens; 0: all")->capture_default_str();
  command->add_option("--top-p", sampling.topP, "sample among the likeliest tokens whose probabilities reach p; 1: all")
      ->capture_default_str();
  command
      ->add_option("--min-p", sampling.minP, "sample among tokens at least p times as likely as the likeliest; 0: all")
      ->capture_default_str();
  command
      ->add_option("--repetition-penalty", sampling.repetitionPenalty,
                   "divides the positive logits of tokens seen; 1: off")
      ->capture_default_str();
  command->add_option("--seed", sampling.seed, "of the random numbers")->capture_default_str();
  command->add_flag("--ignore-eos", sampling.ignoreEos, "go on past end-of-text tokens");
  command
      ->add_option("--logits", options->logits,
                   "write float32 [1 + steps, vocab]: logits of the last prompt position, then of each step")
      ->type_name("OUT.npy");
  command->add_flag("--json", options->json,
                    "print one JSON object: prompt_ids, ids, text, prompt_tokens_per_s, decode_tokens_per_s");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

} // namespace quipu::tool
