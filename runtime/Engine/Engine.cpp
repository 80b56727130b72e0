#include "runtime/Engine/Engine.h"

#include "runtime/Artifact/ProgramChecks.h"

#include <algorithm>
#include <chrono>

namespace quipu {

Engine::Engine(std::unique_ptr<Artifact> artifact, OpenedDevice &&device, std::unique_ptr<LoadedProgram> loaded,
               std::unique_ptr<Tokenizer> text)
    : file(std::move(artifact)), name(std::move(device.name)), opened(std::move(device.device)),
      program(std::move(loaded)), text(std::move(text)), scheduler(program->plan()) {}

Expected<std::unique_ptr<Engine>> Engine::load(const std::string &path, const EngineOptions &options) {
  Expected<Artifact> opened = Artifact::open(path);
  if (!opened)
    return passError(std::move(opened));
  auto artifact = std::make_unique<Artifact>(std::move(*opened));
  Expected<OpenedDevice> device = openDeviceFor(*artifact, options.device);
  if (!device)
    return passError(std::move(device));
  std::unique_ptr<Tokenizer> text;
  if (!artifact->tokenizer().empty()) {
    Expected<std::unique_ptr<Tokenizer>> made = Tokenizer::deserialize(artifact->tokenizer());
    if (!made)
      return makeError("{}: {}", path, made.error().message);
    text = std::move(*made);
  }
  Expected<std::unique_ptr<LoadedProgram>> program = device->device->load(*artifact, device->target, options);
  if (!program)
    return passError(std::move(program));
  return std::unique_ptr<Engine>(
      new Engine(std::move(artifact), std::move(*device), std::move(*program), std::move(text)));
}

Expected<void> Engine::checkPrompt(const std::vector<int32_t> &ids) const {
  if (ids.empty())
    return makeError("the prompt has no tokens");
  if (ids.size() > plan().maxContext)
    return makeError("the prompt has {} tokens, more than the context of {}; shorten it, or raise --max-context where "
                     "the model allows it",
                     ids.size(), plan().maxContext);
  for (int32_t id : ids)
    if (id < 0 || static_cast<uint32_t>(id) >= model().vocab())
      return makeError("the prompt has token id {}, outside the vocabulary of {}", id, model().vocab());
  return {};
}

Expected<SequenceId> Engine::add(std::vector<int32_t> prompt, const SamplingParams &sampling, uint32_t maxNew,
                                 bool wantLogits, size_t held) {
  if (Expected<void> result = checkPrompt(prompt); !result)
    return passError(std::move(result));
  if (held >= prompt.size())
    return makeError("{} tokens of a prompt of {} cannot be in the cache: the last one is computed", held,
                     prompt.size());
  if (Expected<void> result = checkSampling(sampling); !result)
    return passError(std::move(result));
  if (maxNew == 0)
    return makeError("the number of new tokens must be at least 1");
  auto sequence = std::make_unique<Sequence>(nextId, std::move(prompt), sampling, model().vocab());
  sequence->maxNew = maxNew;
  sequence->wantLogits = wantLogits;
  sequence->cached = held;
  if (Expected<void> result = scheduler.add(std::move(sequence)); !result)
    return passError(std::move(result));
  return nextId++;
}

Expected<void> Engine::readLogits(uint32_t firstRow, size_t rows, float *to) {
  uint64_t rowBytes = uint64_t(model().vocab()) * sizeof(float);
  return program->read(program->outputBuffer(StepOutput::Logits), firstRow * rowBytes, to, rows * rowBytes);
}

// Before any sequence is given its token.
Expected<void> Engine::checkSampled(const std::vector<Share> &shares) const {
  for (const Share &share : shares) {
    if (!share.hasRow)
      continue;
    int32_t token = sampled[share.row];
    if (token == -1)
      return makeError("sequence {}: logits are not numbers; `quipu verify` names the first launch at fault",
                       share.sequence->id);
    if (token < 0 || static_cast<uint32_t>(token) >= model().vocab())
      return makeError("sequence {}: the device gave token id {}, outside the vocabulary of {}", share.sequence->id,
                       token, model().vocab());
  }
  return {};
}

// The device has sampled: logits are copied only for those who want to see them.
Expected<void> Engine::readOutputs(const std::vector<Share> &shares) {
  size_t rows = scheduler.step().rows.size();
  sampled.resize(rows);
  if (rows == 0)
    return {};
  if (Expected<void> result =
          program->read(program->outputBuffer(StepOutput::Sampled), 0, sampled.data(), rows * sizeof(int32_t));
      !result)
    return result;
  if (Expected<void> result = checkSampled(shares); !result)
    return result;
  for (const Share &share : shares) {
    if (!share.hasRow || !share.sequence->wantLogits)
      continue;
    logits.resize(rows * model().vocab());
    if (Expected<void> result = readLogits(share.row, 1, logits.data() + uint64_t(share.row) * model().vocab());
        !result)
      return result;
  }
  return {};
}

FinishReason Engine::finishOf(const Sequence &sequence) const {
  const auto *eos = model().eos();
  if (eos && !sequence.params.ignoreEos && std::find(eos->begin(), eos->end(), sequence.tokens.back()) != eos->end())
    return FinishReason::Eos;
  if (sequence.tokens.size() - sequence.promptTokens >= sequence.maxNew)
    return FinishReason::Length;
  // The token just made would need a position of its own.
  if (sequence.tokens.size() > plan().maxContext)
    return FinishReason::ContextFull;
  return FinishReason::None;
}

NewToken Engine::finishShare(const Share &share) {
  Sequence &sequence = *share.sequence;
  sequence.append(sampled[share.row]);
  const float *row = sequence.wantLogits ? logits.data() + uint64_t(share.row) * model().vocab() : nullptr;
  return {sequence.id, sampled[share.row], finishOf(sequence), row};
}

Expected<StepResult> Engine::step() {
  StepResult result;
  const std::vector<Share> &shares = scheduler.next();
  result.waiting = scheduler.waitingCount();
  if (shares.empty())
    return result;
  if (Expected<void> set = program->setStep(scheduler.step()); !set)
    return passError(std::move(set));
  if (Expected<void> ran = program->run(); !ran)
    return passError(std::move(ran));
  if (Expected<void> read = readOutputs(shares); !read)
    return passError(std::move(read));
  for (const Share &share : shares) {
    (share.sequence->decoding() ? result.decodeTokens : result.promptTokens) += share.tokens;
    share.sequence->cached += share.tokens;
    if (share.hasRow)
      result.tokens.push_back(finishShare(share));
  }
  for (const NewToken &token : result.tokens)
    if (token.finish != FinishReason::None)
      scheduler.remove(token.sequence);
  return result;
}

Expected<GenerateResult> Engine::generate(std::vector<int32_t> prompt, const SamplingParams &sampling, uint32_t maxNew,
                                          const TokenCallback &onToken, bool wantLogits) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point started = Clock::now(), first = started;
  Expected<SequenceId> id = add(std::move(prompt), sampling, maxNew, wantLogits);
  if (!id)
    return passError(std::move(id));
  GenerateResult result;
  while (result.finish == FinishReason::None) {
    Expected<StepResult> stepped = step();
    if (!stepped) {
      cancel(*id);
      return passError(std::move(stepped));
    }
    if (stepped->idle()) // the callback has cancelled it
      result.finish = FinishReason::Stopped;
    for (const NewToken &token : stepped->tokens) {
      if (token.sequence != *id)
        continue;
      if (result.ids.empty())
        first = Clock::now();
      result.ids.push_back(token.token);
      result.finish = token.finish;
      if (onToken && !onToken(token) && result.finish == FinishReason::None) {
        cancel(*id);
        result.finish = FinishReason::Stopped;
      }
    }
  }
  result.promptSeconds = std::chrono::duration<double>(first - started).count();
  result.decodeSeconds = std::chrono::duration<double>(Clock::now() - first).count();
  return result;
}

Expected<void> Engine::score(const std::vector<int32_t> &ids, size_t firstRow, const RowCallback &onRow) {
  if (Expected<void> result = checkPrompt(ids); !result)
    return result;
  KvPool &pool = scheduler.pool();
  std::vector<int32_t> pages = pool.take(pool.pagesFor(ids.size()));
  if (pages.empty())
    return makeError("a text of {} tokens takes {} KV pages, {} are free", ids.size(), pool.pagesFor(ids.size()),
                     pool.freePages());
  BatchBuilder batch(plan());
  std::vector<float> rows;
  Expected<void> result;
  for (size_t done = 0; done < ids.size() && result;) {
    batch.clear();
    size_t count = std::min<uint64_t>({ids.size() - done, batch.tokensLeft(), batch.rowsLeft()});
    batch.addTokens(ids, done, count, pages);
    size_t firstAsked = std::max(done, firstRow);
    for (size_t position = firstAsked; position < done + count; ++position)
      batch.askForRow(static_cast<int32_t>(position - done));
    size_t asked = batch.step().rows.size();
    rows.resize(asked * model().vocab());
    result = program->setStep(batch.step());
    if (result)
      result = program->run();
    if (result && asked > 0)
      result = readLogits(0, asked, rows.data());
    for (size_t row = 0; result && row < asked; ++row)
      onRow(firstAsked + row, rows.data() + row * model().vocab());
    done += count;
  }
  pool.giveBack(pages);
  return result;
}

} // namespace quipu
