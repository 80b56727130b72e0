// A model that is loaded and generates: an artifact, a device, a KV pool and the sequences in it. Used from one thread.
//
//   auto engine = Engine::load("model.qpu");
//   auto result = (*engine)->generate(promptIds, {}, 32);
//
// or, with several sequences, add() each and call step() until it has no more tokens to give.
#pragma once

#include "runtime/Artifact/Artifact.h"
#include "runtime/Device/Device.h"
#include "runtime/Engine/Scheduler.h"
#include "runtime/Engine/Sequence.h"
#include "runtime/Text/Tokenizer.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quipu {

struct EngineOptions : LoadOptions {
  std::string device = "cpu";
};

// A token that a step gave.
struct NewToken {
  SequenceId sequence;
  int32_t token;
  FinishReason finish; // other than None: the sequence has ended with this token, and its id is no longer known
  const float *logits; // [vocab] that it was chosen from, until the next step; null unless the sequence wants them
};

struct StepResult {
  std::vector<NewToken> tokens;
  size_t promptTokens = 0; // of prompts, that this step computed
  size_t decodeTokens = 0; // generated ones, that this step computed
  size_t waiting = 0;      // sequences that wait for room in the KV pool

  bool idle() const { return promptTokens + decodeTokens == 0; } // nothing was left to do
};

struct GenerateResult {
  std::vector<int32_t> ids; // the new ones; an end-of-text token is the last
  FinishReason finish = FinishReason::None;
  double promptSeconds = 0; // until the first new token
  double decodeSeconds = 0; // of the tokens after it
};

class Engine {
public:
  static Expected<std::unique_ptr<Engine>> load(const std::string &path, const EngineOptions &options = {});

  const Artifact &artifact() const { return *file; }
  const Tokenizer *tokenizer() const { return text.get(); } // null: the artifact takes token ids only
  const fb::Model &model() const { return *file->program().model(); }
  const MemoryPlan &plan() const { return program->plan(); }
  LoadedProgram &loadedProgram() { return *program; }
  Device &device() { return *opened; }
  const std::string &deviceName() const { return name; } // as openDevice takes it; what "auto" has come to

  // Queues a sequence that generates up to maxNew tokens. Errors: an empty prompt or one longer than the context, an id
  // outside the vocabulary, a sampling parameter out of range. For measurements, `held` tokens of the prompt (not all)
  // are taken to be in the cache already, whatever lies in its pages.
  Expected<SequenceId> add(std::vector<int32_t> prompt, const SamplingParams &sampling, uint32_t maxNew,
                           bool wantLogits = false, size_t held = 0);
  // Computes one ragged step of the sequences that are there. An error changes none of them: the one it names may be
  // cancelled and the step tried again.
  Expected<StepResult> step();
  // Ends a sequence before its time; false where the id is not known.
  bool cancel(SequenceId id) { return scheduler.remove(id); }

  // Called with each new token; false ends the text after it.
  using TokenCallback = std::function<bool(const NewToken &token)>;
  // One sequence from prompt to end. Sequences that were added before run along, but their tokens pass unseen.
  Expected<GenerateResult> generate(std::vector<int32_t> prompt, const SamplingParams &sampling, uint32_t maxNew,
                                    const TokenCallback &onToken = nullptr, bool wantLogits = false);

  // Called with the logits [vocab] of each position from firstRow on, in order.
  using RowCallback = std::function<void(size_t position, const float *logits)>;
  // The logits at every position of a text, computed in as few steps as fit. Takes pages of the pool while it runs.
  Expected<void> score(const std::vector<int32_t> &ids, size_t firstRow, const RowCallback &onRow);

private:
  Engine(std::unique_ptr<Artifact> artifact, OpenedDevice &&device, std::unique_ptr<LoadedProgram> program,
         std::unique_ptr<Tokenizer> text);
  Expected<void> checkPrompt(const std::vector<int32_t> &ids) const;
  Expected<void> readOutputs(const std::vector<Share> &shares);
  Expected<void> checkSampled(const std::vector<Share> &shares) const;
  NewToken finishShare(const Share &share);
  FinishReason finishOf(const Sequence &sequence) const;
  Expected<void> readLogits(uint32_t firstRow, size_t rows, float *to);

  std::unique_ptr<Artifact> file;
  std::string name;
  std::unique_ptr<Device> opened;
  std::unique_ptr<LoadedProgram> program; // refers to the artifact
  std::unique_ptr<Tokenizer> text;
  Scheduler scheduler; // refers to the program's plan
  SequenceId nextId = 1;
  std::vector<int32_t> sampled; // [rows], of the last step
  std::vector<float> logits;    // [rows, vocab], filled where a sequence wants them
};

} // namespace quipu
