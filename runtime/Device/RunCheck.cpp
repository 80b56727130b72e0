#include "runtime/Device/RunCheck.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Artifact/WeightLayout.h"
#include "runtime/Support/HalfFloat.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace quipu {

namespace {

constexpr auto filling = std::byte(0xff); // reads as NaN, and as -1
constexpr uint64_t guardBytes = 4096;     // looked at behind the last operand

float valueAt(const std::byte *data, fb::DType dtype, uint32_t index) {
  float value;
  if (dtype == fb::DType::f32) {
    std::memcpy(&value, data + 4 * uint64_t(index), 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, data + 2 * uint64_t(index), 2);
  return dtype == fb::DType::f16 ? halfToFloat(bits) : bf16ToFloat(bits);
}

// The memory of a check, before and after.
class CheckMemory {
public:
  CheckMemory(const fb::TargetProgram &target, const fb::CheckList &list, const fb::Check &check)
      : check(check), launch(*target.launches()->Get(check.launch())), target(target) {
    uint64_t end = 0;
    for (uint32_t i = 0; i < check.operands()->size(); ++i)
      end = std::max(end, offsetOf(i) + check.operands()->Get(i)->bytes());
    before.assign(std::min(end + guardBytes, target.arena_bytes()), filling);
    for (uint32_t i = 0; i < check.operands()->size(); ++i)
      if (const fb::CheckOperand &operand = *check.operands()->Get(i); operand.blob() != UINT32_MAX && operand.bytes())
        std::memcpy(&before[offsetOf(i)], list.blobs()->Get(operand.blob())->bytes()->data(), operand.bytes());
    after = before;
  }

  CheckResult compare() const;

  std::vector<std::byte> before, after;

private:
  uint64_t offsetOf(uint32_t operand) const {
    uint32_t buffer = launch.operands()->Get(operand);
    return buffer == UINT32_MAX ? 0 : target.buffers()->Get(buffer)->offset();
  }
  bool isExpected(uint32_t operand) const {
    return std::any_of(check.expected()->begin(), check.expected()->end(),
                       [&](const fb::CheckExpected *expected) { return expected->operand() == operand; });
  }
  std::string unwanted() const;
  void compare(const fb::CheckExpected &expected, CheckResult &result) const;

  const fb::Check &check;
  const fb::Launch &launch;
  const fb::TargetProgram &target;
};

// What was written where nothing may be: outside of all operands, or to one that has a content and no expectation.
std::string CheckMemory::unwanted() const {
  std::vector<std::byte> allowed = after;
  for (uint32_t i = 0; i < check.operands()->size(); ++i)
    if (const fb::CheckOperand &operand = *check.operands()->Get(i); operand.blob() == UINT32_MAX || isExpected(i))
      std::copy_n(before.begin() + static_cast<ptrdiff_t>(offsetOf(i)), operand.bytes(),
                  allowed.begin() + static_cast<ptrdiff_t>(offsetOf(i)));
  auto differs = std::mismatch(before.begin(), before.end(), allowed.begin());
  if (differs.first == before.end())
    return "";
  auto at = static_cast<uint64_t>(differs.first - before.begin());
  for (uint32_t i = 0; i < check.operands()->size(); ++i)
    if (at >= offsetOf(i) && at - offsetOf(i) < check.operands()->Get(i)->bytes())
      return fmt::format("operand {} is only read, and was written to at byte {}", i, at - offsetOf(i));
  return fmt::format("byte {} of the memory is of no operand, and was written to", at);
}

void CheckMemory::compare(const fb::CheckExpected &expected, CheckResult &result) const {
  const std::byte *data = &after[offsetOf(expected.operand())];
  uint32_t count = expected.dtype() == fb::DType::i32 ? expected.integers()->size() : expected.values()->size();
  for (uint32_t i = 0; i < count; ++i) {
    double share = 0;
    std::string difference;
    if (expected.dtype() == fb::DType::i32) {
      int32_t got, want = expected.integers()->Get(i);
      std::memcpy(&got, data + 4 * uint64_t(i), 4);
      share = got == want ? 0 : HUGE_VAL;
      if (share > std::max(result.share, 1.0))
        difference = fmt::format("got {}, want {}", got, want);
    } else {
      float got = valueAt(data, expected.dtype(), i), want = expected.values()->Get(i);
      float bound = bf16ToFloat(expected.bounds()->Get(i));
      bool equal = got == want || (std::isnan(got) && std::isnan(want));
      share = equal ? 0 : std::abs(double(got) - want) / bound;
      share = std::isnan(share) ? HUGE_VAL : share;
      if (share > std::max(result.share, 1.0))
        difference = fmt::format("got {}, want {}, at most {:.3g} from it", got, want, bound);
    }
    result.share = std::max(result.share, share);
    if (!difference.empty())
      result.message = fmt::format("operand {} element {}: {}", expected.operand(), i, difference);
  }
}

CheckResult CheckMemory::compare() const {
  CheckResult result;
  for (const fb::CheckExpected *expected : *check.expected())
    compare(*expected, result);
  if (std::string written = unwanted(); !written.empty())
    return {HUGE_VAL, written};
  return result;
}

} // namespace

Expected<CheckResult> runCheck(LoadedProgram &program, const fb::CheckList &list, const fb::Check &check) {
  CheckMemory memory(program.target(), list, check);
  StepDims dims;
  std::copy(check.dims()->begin(), check.dims()->end(), dims.begin());
  if (Expected<void> done = program.write(checkMemoryBuffer, 0, memory.before.data(), memory.before.size()); !done)
    return passError(std::move(done));
  program.setDims(dims);
  if (Expected<void> done = program.runLaunch(check.launch()); !done)
    return passError(std::move(done));
  if (Expected<void> done = program.read(checkMemoryBuffer, 0, memory.after.data(), memory.after.size()); !done)
    return passError(std::move(done));
  return memory.compare();
}

} // namespace quipu
