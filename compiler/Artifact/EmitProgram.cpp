#include "compiler/Artifact/EmitProgram.h"

#include "compiler/Conversion/KernelDefs/KernelDefs.h"
#include "compiler/Dialect/Kernel/IR/Kernel.h"
#include "compiler/Dialect/LM/IR/LMTypes.h"
#include "runtime/Artifact/StorageFormat.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"

#include <map>

using namespace mlir;

namespace quipu {
namespace {

fb::DType dtypeOf(Type type) {
  if (const StorageFormat *format = lm::getStorageFormat(type))
    return format->dtype;
  if (type.isInteger(8))
    return fb::DType::i8;
  return fb::DType::i32; // the verifiers admit no other
}

fb::Dim dimOf(kernel::Dim dim) { return static_cast<fb::Dim>(dim); }

// What targets share, by content.
class SharedTables {
public:
  explicit SharedTables(EmittedProgram &emitted) : emitted(emitted) {}

  uint32_t weight(kernel::WeightOp op) {
    WeightRecipe recipe;
    for (auto source : op.getSources().getAsRange<StringAttr>())
      recipe.sources.push_back(source.str());
    auto shape = cast<RankedTensorType>(op.getShape());
    recipe.storage = dtypeOf(shape.getElementType());
    recipe.shape.assign(shape.getShape().begin(), shape.getShape().end());
    recipe.layout = kernel::stringifyLayout(op.getLayout()).str();
    std::string name = llvm::join(recipe.sources, "+");
    auto [entry, isNew] = weights.try_emplace({name, recipe.layout, recipe.storage}, weights.size());
    if (isNew) {
      auto weight = std::make_unique<fb::WeightT>();
      weight->name = name;
      weight->dtype = recipe.storage;
      weight->shape = recipe.shape;
      weight->layout = recipe.layout;
      emitted.program.weights.push_back(std::move(weight));
      emitted.weights.push_back(std::move(recipe));
    }
    return entry->second;
  }

  uint32_t kvCache(kernel::KvCacheOp op) {
    auto [entry, isNew] = caches.try_emplace(
        {op.getLayer(), op.getHeads(), op.getDim(), dtypeOf(op.getElem()), op.getLayout()}, caches.size());
    if (isNew) {
      auto cache = std::make_unique<fb::KvCacheT>();
      cache->layer = op.getLayer();
      cache->heads = op.getHeads();
      cache->dim = op.getDim();
      cache->dtype = dtypeOf(op.getElem());
      cache->page_size = op.getPageSize();
      cache->page_bytes = op.getPageBytes();
      cache->layout = kernel::stringifyKvLayout(op.getLayout()).str();
      emitted.program.kv_caches.push_back(std::move(cache));
    }
    return entry->second;
  }

  uint32_t ropeTable(kernel::RopeTableOp op) {
    double factor = op.getAttentionFactor().convertToDouble();
    std::vector<double> frequencies(op.getInvFreq().begin(), op.getInvFreq().end());
    auto [entry, isNew] = ropeTables.try_emplace({factor, frequencies}, ropeTables.size());
    if (isNew) {
      auto table = std::make_unique<fb::RopeTableT>();
      table->dim = op.getDim();
      table->attention_factor = factor;
      table->inv_freq = frequencies;
      emitted.program.rope_tables.push_back(std::move(table));
    }
    return entry->second;
  }

private:
  EmittedProgram &emitted;
  std::map<std::tuple<std::string, std::string, fb::DType>, uint32_t> weights;
  std::map<std::tuple<uint64_t, uint64_t, uint64_t, fb::DType, kernel::KvLayout>, uint32_t> caches;
  std::map<std::pair<double, std::vector<double>>, uint32_t> ropeTables;
};

// One kernel.program.
class TargetEmitter {
public:
  TargetEmitter(kernel::ProgramOp program, SharedTables &shared) : program(program), shared(shared) {}

  Expected<EmittedTarget> emit(fb::TargetProgramT &target) {
    EmittedTarget emitted;
    target.target = program.getTarget().str();
    target.arena_bytes = *program.getArenaBytes();
    for (Operation &op : program.getBody().getOps()) {
      if (auto def = dyn_cast<kernel::DefOp>(op)) {
        Expected<KernelSpec> spec = specOf(def);
        if (!spec)
          return passError(std::move(spec));
        kernels[def.getSymNameAttr()] = emitted.kernels.size();
        emitted.kernels.push_back(std::move(*spec));
        target.kernels.push_back(std::make_unique<fb::KernelT>());
        target.kernels.back()->symbol = def.getSymName().str();
      } else if (auto launch = dyn_cast<kernel::LaunchOp>(op)) {
        target.launches.push_back(emitLaunch(launch));
      } else if (!isa<kernel::AbsentOp>(op)) {
        buffers[op.getResult(0)] = target.buffers.size();
        target.buffers.push_back(emitBuffer(op));
      }
    }
    return emitted;
  }

private:
  std::unique_ptr<fb::BufferT> emitBuffer(Operation &op) {
    auto buffer = std::make_unique<fb::BufferT>();
    if (auto step = dyn_cast<kernel::BufferOp>(op)) {
      buffer->name = step.getName().str();
      buffer->kind = static_cast<fb::BufferKind>(step.getRole());
      buffer->dtype = dtypeOf(step.getDtype());
      buffer->rows = dimOf(step.getRows());
      buffer->columns = step.getColumns();
      buffer->extra_rows = step.getExtraRows();
      buffer->offset = step.getOffset().value_or(0);
    } else if (auto weight = dyn_cast<kernel::WeightOp>(op)) {
      auto shape = cast<RankedTensorType>(weight.getShape());
      buffer->kind = fb::BufferKind::weight;
      buffer->name = cast<StringAttr>(weight.getSources()[0]).str();
      buffer->dtype = dtypeOf(shape.getElementType());
      buffer->columns = shape.getNumElements();
      buffer->index = shared.weight(weight);
    } else if (auto cache = dyn_cast<kernel::KvCacheOp>(op)) {
      buffer->kind = fb::BufferKind::kv_cache;
      buffer->name = "kv." + std::to_string(cache.getLayer());
      buffer->dtype = dtypeOf(cache.getElem());
      buffer->index = shared.kvCache(cache);
    } else {
      auto table = cast<kernel::RopeTableOp>(op);
      buffer->kind = fb::BufferKind::rope_table;
      buffer->name = "rope_table";
      buffer->dtype = fb::DType::f32;
      buffer->index = shared.ropeTable(table);
    }
    return buffer;
  }

  std::unique_ptr<fb::LaunchT> emitLaunch(kernel::LaunchOp op) {
    auto launch = std::make_unique<fb::LaunchT>();
    launch->name = op.getName().str();
    launch->op = op.getOp().str();
    launch->source = op.getSource();
    launch->dim = dimOf(op.getDim());
    for (Value operand : op->getOperands()) {
      auto buffer = buffers.find(operand);
      launch->operands.push_back(buffer == buffers.end() ? UINT32_MAX : buffer->second);
    }
    for (auto variant : op.getVariants().getAsRange<kernel::VariantAttr>()) {
      launch->variants.push_back(std::make_unique<fb::VariantT>());
      launch->variants.back()->max_value = variant.getMaxValue();
      for (FlatSymbolRefAttr stage : variant.getStages()) {
        launch->variants.back()->stages.push_back(std::make_unique<fb::StageT>());
        launch->variants.back()->stages.back()->kernel = kernels.lookup(stage.getAttr());
      }
    }
    return launch;
  }

  kernel::ProgramOp program;
  SharedTables &shared;
  llvm::DenseMap<StringAttr, uint32_t> kernels;
  llvm::DenseMap<Value, uint32_t> buffers;
};

} // namespace

Expected<EmittedProgram> emitProgram(ModuleOp module) {
  EmittedProgram emitted;
  emitted.program.model = std::make_unique<fb::ModelT>();
  SharedTables shared(emitted);
  fb::ModelT &model = *emitted.program.model;
  for (auto program : module.getOps<kernel::ProgramOp>()) {
    auto limits = [](auto &of) { return std::tie(of.max_batch_tokens, of.max_sequences, of.max_rows, of.max_context); };
    fb::ModelT own;
    limits(own) =
        std::tuple(program.getMaxTokens(), program.getMaxSequences(), program.getMaxRows(), program.getMaxContext());
    if (!emitted.targets.empty() && limits(own) != limits(model))
      return makeError("the programs of the targets differ in their limits");
    limits(model) = limits(own);
    if (!program.getArenaBytes())
      return makeError("the program of {} is not planned; kernel-plan-buffers plans it", program.getTarget().str());
    emitted.program.targets.push_back(std::make_unique<fb::TargetProgramT>());
    auto target = TargetEmitter(program, shared).emit(*emitted.program.targets.back());
    if (!target)
      return passError(std::move(target));
    emitted.targets.push_back(std::move(*target));
  }
  if (emitted.targets.empty())
    return makeError("there is no kernel.program; convert-lm-to-kernel makes one for each target");
  return emitted;
}

} // namespace quipu
