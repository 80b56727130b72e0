#include "compiler/Tuning/Tuner.h"

#include "compiler/Tuning/ChooseFastest.h"

#include <cmath>
#include <cstdlib>

namespace quipu {
namespace {

std::string printStages(const KernelStages &stages) {
  std::string text;
  for (const KernelSpec &spec : stages)
    text += (text.empty() ? "" : " then ") + spec.print();
  return text;
}

// A finding as text: the gain, then the stages that won.
std::string toText(const TunedChoice &choice, const std::vector<KernelStages> &candidates) {
  return fmt::format("{:a}\n{}", choice.gain, printStages(candidates[choice.candidate]));
}

std::optional<TunedChoice> fromText(const std::optional<std::string> &text,
                                    const std::vector<KernelStages> &candidates) {
  size_t line = text ? text->find('\n') : std::string::npos;
  if (line == std::string::npos)
    return std::nullopt;
  TunedChoice choice{0, std::strtod(text->c_str(), nullptr), /*measured=*/false};
  for (; choice.candidate < candidates.size(); ++choice.candidate)
    if (text->compare(line + 1, std::string::npos, printStages(candidates[choice.candidate])) == 0)
      return std::isfinite(choice.gain) ? std::optional(choice) : std::nullopt;
  return std::nullopt;
}

} // namespace

Expected<TunedChoice> Tuner::choose(const std::vector<KernelStages> &candidates, int64_t rows) {
  std::string what = fmt::format("{}\n{} rows", timer.conditions(), rows);
  for (const KernelStages &stages : candidates)
    what += '\n' + printStages(stages);
  std::string key = CompileCache::key(what);
  if (std::optional<TunedChoice> found = fromText(findings.find(key), candidates))
    return *found;
  Expected<std::unique_ptr<CandidateTimer::Trial>> trial = timer.prepare(candidates, rows);
  if (!trial)
    return passError(std::move(trial));
  FastestChoice fastest = chooseFastest(candidates.size(), [&](size_t candidate) { return (*trial)->run(candidate); });
  TunedChoice choice{fastest.candidate, fastest.gain, /*measured=*/true};
  findings.put(key, toText(choice, candidates));
  return choice;
}

} // namespace quipu
