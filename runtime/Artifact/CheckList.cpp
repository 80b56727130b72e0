#include "runtime/Artifact/CheckList.h"

#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Artifact/WeightLayout.h"

namespace quipu {

namespace {

// Buffers of checks have places of their own, whatever the step.
bool isPlain(const fb::Buffer &buffer) {
  return buffer.kind() == fb::BufferKind::activation && buffer.rows() == fb::Dim::none &&
         buffer.dtype() == fb::DType::i8;
}

Expected<void> checkOperand(const fb::CheckList &list, const fb::TargetProgram &target, uint32_t buffer,
                            const fb::CheckOperand &operand) {
  if (buffer == UINT32_MAX)
    return operand.bytes() == 0 ? Expected<void>() : makeError("an absent operand has bytes");
  const fb::Buffer &place = *target.buffers()->Get(buffer);
  if (!isPlain(place) || operand.bytes() > place.columns())
    return makeError("an operand has {} bytes, which buffer '{}' does not hold", operand.bytes(),
                     place.name()->string_view());
  if (operand.blob() == UINT32_MAX)
    return {};
  if (operand.blob() >= sizeOf(list.blobs()) || sizeOf(list.blobs()->Get(operand.blob())->bytes()) != operand.bytes())
    return makeError("an operand is not what its blob {} holds", operand.blob());
  return {};
}

Expected<void> checkExpected(const fb::Check &check, const fb::CheckExpected &expected) {
  if (expected.operand() >= sizeOf(check.operands()))
    return makeError("operand {} is expected, of {}", expected.operand(), sizeOf(check.operands()));
  bool integers = expected.dtype() == fb::DType::i32;
  uint64_t count = integers ? sizeOf(expected.integers()) : sizeOf(expected.values());
  bool known = integers || expected.dtype() == fb::DType::f32 || expected.dtype() == fb::DType::f16 ||
               expected.dtype() == fb::DType::bf16;
  if (!known || count == 0 || (!integers && sizeOf(expected.bounds()) != count) ||
      count * dtypeBytes(expected.dtype()) > check.operands()->Get(expected.operand())->bytes())
    return makeError("operand {} is expected to hold {} elements, or of no known type", expected.operand(), count);
  return {};
}

Expected<void> checkOne(const fb::CheckList &list, const fb::TargetProgram &target, const fb::Check &check) {
  if (check.launch() >= sizeOf(target.launches()) || sizeOf(check.dims()) != 4)
    return makeError("it is of launch {} with {} dims", check.launch(), sizeOf(check.dims()));
  const fb::Launch &launch = *target.launches()->Get(check.launch());
  if (sizeOf(check.expected()) == 0)
    return makeError("it expects nothing");
  if (sizeOf(check.operands()) != sizeOf(launch.operands()))
    return makeError("it has {} operands, its launch has {}", sizeOf(check.operands()), sizeOf(launch.operands()));
  for (uint32_t i = 0; i < sizeOf(check.operands()); ++i)
    if (Expected<void> result = checkOperand(list, target, launch.operands()->Get(i), *check.operands()->Get(i));
        !result)
      return result;
  for (uint32_t i = 0; i < sizeOf(check.expected()); ++i)
    if (Expected<void> result = checkExpected(check, *check.expected()->Get(i)); !result)
      return result;
  return {};
}

} // namespace

Expected<const fb::CheckList *> readChecks(const Artifact &artifact) {
  std::string_view bytes = artifact.checks();
  if (bytes.empty())
    return makeError("{}: is no conformance artifact: it has no checks", artifact.path());
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), /*max_depth=*/64,
                                 /*max_tables=*/16000000);
  if (!fb::VerifyCheckListBuffer(verifier))
    return makeError("{}: is damaged: its checks are not well formed; make it again", artifact.path());
  const fb::CheckList &list = *fb::GetCheckList(bytes.data());
  const fb::TargetProgram &target = *artifact.program().targets()->Get(0);
  if (sizeOf(target.buffers()) == 0 || !isPlain(*target.buffers()->Get(checkMemoryBuffer)) ||
      target.buffers()->Get(checkMemoryBuffer)->columns() != target.arena_bytes())
    return makeError("{}: is damaged: its first buffer is not all of the memory of its checks", artifact.path());
  for (uint32_t i = 0; i < sizeOf(list.checks()); ++i)
    if (Expected<void> result = checkOne(list, target, *list.checks()->Get(i)); !result)
      return makeError("{}: is damaged: check {}: {}", artifact.path(), i, result.error().message);
  return &list;
}

} // namespace quipu
