#include "test/Conformance/Gpu/ConformanceArtifact.h"

#include "compiler/Artifact/PackGeometry.h"
#include "compiler/Target/Target.h"
#include "runtime/Artifact/Checks_generated.h"
#include "runtime/Artifact/Writer/ArtifactWriter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

namespace quipu::gpu::conformance {

namespace {

constexpr uint64_t guardBytes = 256; // at least, between two operands

// Operand::output, or absent.
bool isOutput(const std::vector<uint8_t> &bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0xff; });
}

std::unique_ptr<fb::BufferT> buffer(const std::string &name, fb::BufferKind kind, fb::DType dtype, uint64_t columns) {
  auto buffer = std::make_unique<fb::BufferT>();
  buffer->name = name;
  buffer->kind = kind;
  buffer->dtype = dtype;
  buffer->columns = columns;
  if (kind == fb::BufferKind::output)
    buffer->rows = fb::Dim::rows;
  return buffer;
}

// Largest difference of an element, and what storing the value as f32 takes from it; rounded up to half a float.
uint16_t boundOf(double value, double magnitude, double tolerance) {
  auto bound = static_cast<float>(tolerance * (std::abs(value) + magnitude) + std::abs(value) * 0x1p-24);
  uint32_t bits;
  std::memcpy(&bits, &bound, 4);
  return static_cast<uint16_t>(std::min<uint32_t>((bits >> 16) + 1, 0x7f80));
}

// About what a check takes in the file.
uint64_t bytesOf(const Problem &problem) {
  uint64_t bytes = 0;
  for (const Operand &operand : problem.operands)
    bytes += isOutput(operand.bytes) ? 0 : operand.bytes.size();
  for (const Expectation &expectation : problem.expected)
    bytes += expectation.value.size() * (sizeof(float) + sizeof(uint16_t));
  return bytes;
}

class Builder {
public:
  explicit Builder(const std::string &targetName) {
    program.compiler = "conformance";
    program.model = std::make_unique<fb::ModelT>();
    program.model->family = "conformance";
    program.model->vocab = program.model->max_context = program.model->max_sequences = 1;
    program.model->max_batch_tokens = program.model->max_rows = 1;
    target = std::make_unique<fb::TargetProgramT>();
    target->target = targetName;
    target->buffers.push_back(buffer("memory", fb::BufferKind::activation, fb::DType::i8, 0));
    target->buffers.push_back(buffer("logits", fb::BufferKind::output, fb::DType::f32, 1));
    target->buffers.push_back(buffer("sampled", fb::BufferKind::output, fb::DType::i32, 1));
  }

  // Checks that are larger than `mostBytes` are left out, but for the smallest of the row.
  void add(const KernelRow &row, uint64_t mostBytes) {
    std::vector<Problem> problems;
    uint64_t smallest = UINT64_MAX;
    for (int64_t size : row.sizes) {
      problems.push_back(row.make(size));
      smallest = std::min(smallest, bytesOf(problems.back()));
    }
    auto index = static_cast<uint32_t>(target->launches.size());
    addLaunch(row, problems);
    for (size_t i = 0; i < problems.size(); ++i)
      if (bytesOf(problems[i]) <= std::max(mostBytes, smallest))
        addCheck(row, index, fmt::format("size {}", row.sizes[i]), problems[i]);
  }

  std::vector<KernelSpec> kernels;
  fb::ProgramT program;
  std::unique_ptr<fb::TargetProgramT> target;
  fb::CheckListT list;

private:
  // Operands lie one behind the other, each with room for the largest of the checks.
  void addLaunch(const KernelRow &row, const std::vector<Problem> &problems) {
    auto launch = std::make_unique<fb::LaunchT>();
    launch->name = row.name;
    launch->op = "conformance";
    launch->dim = fb::Dim::none;
    uint64_t offset = 0;
    for (size_t i = 0; i < problems[0].operands.size(); ++i) {
      uint64_t bytes = 0;
      for (const Problem &problem : problems)
        bytes = std::max<uint64_t>(bytes, problem.operands[i].bytes.size());
      if (bytes == 0) {
        launch->operands.push_back(UINT32_MAX);
        continue;
      }
      launch->operands.push_back(static_cast<uint32_t>(target->buffers.size()));
      target->buffers.push_back(
          buffer(fmt::format("{}.{}", row.name, i), fb::BufferKind::activation, fb::DType::i8, bytes));
      target->buffers.back()->offset = offset;
      offset = (offset + bytes + guardBytes + 63) / 64 * 64;
    }
    target->arena_bytes = target->buffers[0]->columns = std::max(target->arena_bytes, offset);
    auto variant = std::make_unique<fb::VariantT>();
    variant->max_value = UINT32_MAX;
    for (const KernelSpec &stage : row.stages) {
      variant->stages.push_back(std::make_unique<fb::StageT>());
      variant->stages.back()->kernel = kernelOf(stage);
    }
    launch->variants.push_back(std::move(variant));
    target->launches.push_back(std::move(launch));
  }

  // Rows may share a kernel.
  uint32_t kernelOf(KernelSpec spec) {
    auto [place, isNew] = kernelIndex.try_emplace(spec.print(), static_cast<uint32_t>(kernels.size()));
    if (isNew) {
      spec.symbol = fmt::format("{}_{}", spec.generator, kernels.size());
      kernels.push_back(std::move(spec));
    }
    return place->second;
  }

  // Inputs are the same for several rows and sizes.
  uint32_t blobOf(const std::vector<uint8_t> &bytes) {
    if (isOutput(bytes))
      return UINT32_MAX;
    auto [place, isNew] = blobIndex.try_emplace(bytes, static_cast<uint32_t>(list.blobs.size()));
    if (isNew) {
      list.blobs.push_back(std::make_unique<fb::BlobT>());
      list.blobs.back()->bytes = bytes;
    }
    return place->second;
  }

  void addCheck(const KernelRow &row, uint32_t launch, const std::string &name, const Problem &problem) {
    auto check = std::make_unique<fb::CheckT>();
    check->name = name;
    check->launch = launch;
    check->dims.assign(problem.dims.begin(), problem.dims.end());
    for (const Operand &operand : problem.operands) {
      check->operands.push_back(std::make_unique<fb::CheckOperandT>());
      check->operands.back()->bytes = operand.bytes.size();
      check->operands.back()->blob = blobOf(operand.bytes);
    }
    for (const Expectation &expectation : problem.expected)
      check->expected.push_back(pack(row, expectation));
    list.checks.push_back(std::move(check));
  }

  static std::unique_ptr<fb::CheckExpectedT> pack(const KernelRow &row, const Expectation &expectation) {
    static constexpr fb::DType types[] = {fb::DType::f32, fb::DType::bf16, fb::DType::f16, fb::DType::i32};
    auto expected = std::make_unique<fb::CheckExpectedT>();
    expected->operand = static_cast<uint32_t>(expectation.operand);
    expected->dtype = types[static_cast<size_t>(expectation.type)];
    for (size_t i = 0; i < expectation.value.size(); ++i) {
      double value = expectation.value[i], magnitude = expectation.magnitude.empty() ? 0 : expectation.magnitude[i];
      if (expectation.type == ElementType::I32) {
        expected->integers.push_back(static_cast<int32_t>(value));
        continue;
      }
      expected->values.push_back(static_cast<float>(value));
      expected->bounds.push_back(boundOf(value, magnitude, row.tolerance));
    }
    return expected;
  }

  std::map<std::string, uint32_t> kernelIndex;
  std::map<std::vector<uint8_t>, uint32_t> blobIndex;
};

std::string packList(const fb::CheckListT &list) {
  flatbuffers::FlatBufferBuilder builder(1 << 20);
  fb::FinishCheckListBuffer(builder, fb::CheckList::Pack(builder, &list));
  return std::string(reinterpret_cast<const char *>(builder.GetBufferPointer()), builder.GetSize());
}

} // namespace

Expected<std::vector<KernelRow>> rowsOf(const std::string &target, const std::string &only) {
  Chip chip = chipNamed(target.substr(target.find(':') + 1));
  if (chip.name.empty())
    return makeError("'{}' is no target of a GPU, as in cuda:sm_90a or simt:gfx942", target);
  std::vector<KernelRow> rows = kernelTable(chip);
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [&](const KernelRow &row) { return row.name.find(only) == std::string::npos; }),
             rows.end());
  if (rows.empty())
    return makeError("no row has '{}' in its name", only);
  return rows;
}

Expected<> writeConformanceArtifact(const std::string &path, const std::string &targetName,
                                    const std::vector<KernelRow> &rows, uint64_t mostBytes) {
  auto target = findTarget(targetName);
  if (!target)
    return passError(std::move(target));
  Builder builder((*target)->name());
  for (const KernelRow &row : rows)
    builder.add(row, mostBytes);
  auto code = (*target)->compile(builder.kernels, {});
  if (!code)
    return passError(std::move(code));
  for (size_t i = 0; i < builder.kernels.size(); ++i) {
    auto kernel = std::make_unique<fb::KernelT>();
    kernel->symbol = builder.kernels[i].symbol;
    kernel->scratch_bytes = static_cast<uint64_t>(code->kernels[i].scratchBytes);
    kernel->geometry = packGeometry(*code->kernels[i].geometry);
    builder.target->kernels.push_back(std::move(kernel));
  }
  builder.target->features = (*target)->features();
  builder.program.targets.push_back(std::move(builder.target));
  ArtifactContents contents;
  contents.program = std::move(builder.program);
  contents.code.push_back(std::move(code->section));
  contents.checks = packList(builder.list);
  ArtifactWriterOptions writer;
  writer.placement = WeightPlacement::None;
  return writeArtifact(path, std::move(contents), writer);
}

} // namespace quipu::gpu::conformance
