// quipu.h on top of Engine: values become C values, errors become strings, and tokens get their text.
#include "quipu.h"
#include "runtime/Engine/Engine.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <map>

using namespace quipu;

namespace {

// Copies as much of a caller's struct as the caller knows of; the rest keeps its default.
template <typename Struct> Struct copyKnown(const Struct *given, void (*init)(Struct *)) {
  Struct full;
  init(&full);
  if (given)
    std::memcpy(&full, given, std::min(given->struct_size, sizeof(Struct)));
  return full;
}

// Fills as much of a caller's struct as the caller has room for.
template <typename Struct> void giveKnown(Struct *to, Struct full) {
  full.struct_size = std::min(to->struct_size, sizeof(Struct));
  std::memcpy(to, &full, full.struct_size);
}

quipu_token toC(const NewToken &token, const char *text) {
  return {sizeof(quipu_token), token.sequence, token.token, static_cast<quipu_finish>(token.finish), text};
}

int fail(char **error, const Error &reason) {
  if (error)
    *error = ::strdup(reason.message.c_str());
  return 1;
}

int fail(char **error, const char *reason) { return fail(error, Error{reason}); }

SamplingParams samplingOf(const quipu_sampling *given) {
  quipu_sampling sampling = copyKnown(given, quipu_sampling_init);
  SamplingParams params;
  params.temperature = sampling.temperature;
  params.topK = sampling.top_k;
  params.topP = sampling.top_p;
  params.minP = sampling.min_p;
  params.repetitionPenalty = sampling.repetition_penalty;
  params.seed = sampling.seed;
  return params;
}

static_assert(static_cast<int>(FinishReason::Eos) == QUIPU_FINISH_EOS &&
              static_cast<int>(FinishReason::Length) == QUIPU_FINISH_LENGTH &&
              static_cast<int>(FinishReason::ContextFull) == QUIPU_FINISH_CONTEXT_FULL &&
              static_cast<int>(FinishReason::Stopped) == QUIPU_FINISH_STOPPED);

} // namespace

struct quipu_engine {
  std::unique_ptr<Engine> engine;
  std::map<SequenceId, DecodeStream> streams; // of the sequences that run
  std::vector<quipu_token> tokens;            // of the last step
  std::vector<std::string> texts;             // what they point to

  // What a token adds to its sequence's text; all that is left at its end.
  std::string textOf(const NewToken &token) {
    if (!engine->tokenizer())
      return "";
    auto stream = streams.try_emplace(token.sequence, engine->tokenizer()->stream({true, true})).first;
    std::string text = stream->second.push(token.token);
    if (token.finish != FinishReason::None) {
      text += stream->second.finish();
      streams.erase(stream);
    }
    return text;
  }
};

const char *quipu_version(void) { return QUIPU_VERSION; }

void quipu_options_init(quipu_options *options) {
  *options = {};
  options->struct_size = sizeof(*options);
  options->device = "cpu";
}

void quipu_sampling_init(quipu_sampling *sampling) {
  *sampling = {};
  sampling->struct_size = sizeof(*sampling);
  sampling->top_p = 1;
  sampling->repetition_penalty = 1;
}

void quipu_model_info_init(quipu_model_info *info) {
  *info = {};
  info->struct_size = sizeof(*info);
}

void quipu_step_result_init(quipu_step_result *result) {
  *result = {};
  result->struct_size = sizeof(*result);
}

void quipu_free(void *memory) { std::free(memory); }

int quipu_load(const char *path, const quipu_options *given, quipu_engine **engine, char **error) {
  quipu_options options = copyKnown(given, quipu_options_init);
  EngineOptions engineOptions;
  engineOptions.device = options.device ? options.device : "cpu";
  engineOptions.threads = options.threads;
  engineOptions.maxContext = options.max_context;
  engineOptions.maxSequences = options.max_sequences;
  Expected<std::unique_ptr<Engine>> loaded = Engine::load(path, engineOptions);
  if (!loaded)
    return fail(error, loaded.error());
  *engine = new quipu_engine{std::move(*loaded), {}, {}, {}};
  return 0;
}

void quipu_unload(quipu_engine *engine) { delete engine; }

void quipu_get_info(const quipu_engine *engine, quipu_model_info *info) {
  const MemoryPlan &plan = engine->engine->plan();
  giveKnown(info, {0, engine->engine->model().vocab(), plan.maxContext, plan.maxSequences, plan.total,
                   engine->engine->tokenizer() != nullptr});
}

int quipu_tokenize(const quipu_engine *engine, const char *text, size_t bytes, int add_special, int32_t **ids,
                   size_t *count, char **error) {
  const Tokenizer *tokenizer = engine->engine->tokenizer();
  if (!tokenizer)
    return fail(error, "the artifact has no tokenizer");
  EncodeOptions options;
  options.addSpecialTokens = add_special != 0;
  Expected<std::vector<int32_t>> encoded = tokenizer->encode({text, bytes}, options);
  if (!encoded)
    return fail(error, encoded.error());
  *count = encoded->size();
  *ids = static_cast<int32_t *>(std::malloc(std::max<size_t>(1, encoded->size()) * sizeof(int32_t)));
  if (!*ids)
    return fail(error, "out of memory");
  std::copy(encoded->begin(), encoded->end(), *ids);
  return 0;
}

int quipu_detokenize(const quipu_engine *engine, const int32_t *ids, size_t count, char **text, char **error) {
  const Tokenizer *tokenizer = engine->engine->tokenizer();
  if (!tokenizer)
    return fail(error, "the artifact has no tokenizer");
  *text = ::strdup(tokenizer->decode({ids, ids + count}).c_str());
  return *text ? 0 : fail(error, "out of memory");
}

int quipu_generate(quipu_engine *engine, const int32_t *prompt, size_t count, const quipu_sampling *sampling,
                   uint32_t max_new, quipu_token_callback callback, void *user, quipu_finish *finish, char **error) {
  SequenceId last = 0;
  auto onToken = [&](const NewToken &token) {
    last = token.sequence;
    std::string text = engine->textOf(token);
    quipu_token given = toC(token, text.c_str());
    return !callback || callback(user, &given) == 0;
  };
  Expected<GenerateResult> result =
      engine->engine->generate({prompt, prompt + count}, samplingOf(sampling), max_new, onToken);
  engine->streams.erase(last);
  if (!result)
    return fail(error, result.error());
  if (finish)
    *finish = static_cast<quipu_finish>(result->finish);
  return 0;
}

int quipu_add(quipu_engine *engine, const int32_t *prompt, size_t count, const quipu_sampling *sampling,
              uint32_t max_new, uint64_t *sequence, char **error) {
  Expected<SequenceId> id = engine->engine->add({prompt, prompt + count}, samplingOf(sampling), max_new);
  if (!id)
    return fail(error, id.error());
  *sequence = *id;
  return 0;
}

int quipu_step(quipu_engine *engine, quipu_step_result *result, char **error) {
  Expected<StepResult> stepped = engine->engine->step();
  if (!stepped)
    return fail(error, stepped.error());
  engine->texts.clear();
  engine->tokens.clear();
  for (const NewToken &token : stepped->tokens) {
    engine->texts.push_back(engine->textOf(token));
    engine->tokens.push_back(toC(token, nullptr));
  }
  for (size_t i = 0; i < engine->tokens.size(); ++i)
    engine->tokens[i].text = engine->texts[i].c_str();
  giveKnown(result, {0, engine->tokens.data(), engine->tokens.size(), !stepped->idle()});
  return 0;
}

void quipu_cancel(quipu_engine *engine, uint64_t sequence) {
  engine->engine->cancel(sequence);
  engine->streams.erase(sequence);
}
