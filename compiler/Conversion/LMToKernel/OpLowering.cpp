#include "compiler/Conversion/LMToKernel/OpLowering.h"

#include "compiler/Conversion/LMToKernel/LaunchNames.h"
#include "runtime/Artifact/RowSampling.h"
#include "runtime/Artifact/StorageFormat.h"

#include "runtime/Support/Rounding.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace quipu::kernel;
using llvm::formatv;

namespace quipu {
namespace {

int64_t featuresOf(Value rows) { return cast<RankedTensorType>(rows.getType()).getDimSize(1); }

RowsDim rowsOf(Dim dim) { return dim == Dim::Rows ? RowsDim::Rows : RowsDim::Tokens; }

} // namespace

OpLowering::OpLowering(lm::FuncOp func, ProgramBuilder &program, const KernelChoice &choice,
                       const ProgramLimits &limits)
    : func(func), program(program), choice(choice), limits(limits) {
  for (auto [index, op] : llvm::enumerate(func.getBody().front())) {
    indices[&op] = index;
    auto matmul = dyn_cast<lm::MatmulOp>(op);
    if (!matmul || matmul.getGated())
      continue;
    if (auto weight = matmul.getWeight().getDefiningOp<lm::WeightOp>())
      panelWeights.insert(weight.getTensorName());
  }
}

LogicalResult OpLowering::lower() {
  if (failed(declareInputs()) || failed(declareOutputs()))
    return failure();
  for (Operation &op : func.getBody().front())
    if (failed(lowerOp(op)))
      return failure();
  return success();
}

// --- inputs, outputs and weights

LogicalResult OpLowering::declareInputs() {
  ArrayRef<Type> arguments = func.getArgumentTypes();
  if (arguments.size() != 5 || !isa<lm::BatchType>(arguments[3]) || !isa<lm::SamplingType>(arguments[4]))
    return func.emitError("expected the cached form (ids, pos, rows, batch, sampling); insert-kv-cache makes it");
  FailureOr<int64_t> pageSize = findPageSize();
  if (failed(pageSize))
    return failure();
  Type i32 = IntegerType::get(func.getContext(), 32);
  auto input = [&](StringRef name, Dim rows, int64_t columns = 1, int64_t extraRows = 0) {
    return program.buffer(Role::Input, name, i32, rows, columns, extraRows);
  };
  auto bind = [&](unsigned argument, Value buffer, Dim rows) {
    buffers[func.getArgument(argument)] = buffer;
    dims[func.getArgument(argument)] = rows;
  };
  bind(0, input("ids", Dim::Tokens), Dim::Tokens);
  bind(1, input("positions", Dim::Tokens), Dim::Tokens);
  slots = input("slots", Dim::Tokens);
  seqStarts = input("seq_starts", Dim::Sequences, /*columns=*/1, /*extraRows=*/1);
  contextLens = input("context_lens", Dim::Sequences);
  pageTable = input("page_table", Dim::Sequences, /*columns=*/divideUp(limits.context, *pageSize));
  bind(2, input("rows", Dim::Rows), Dim::Rows);
  bind(4, input("sampling", Dim::Rows, /*columns=*/sizeof(RowSampling) / sizeof(int32_t)), Dim::Rows);
  return success();
}

FailureOr<int64_t> OpLowering::findPageSize() {
  int64_t pageSize = 0;
  for (auto cache : func.getBody().getOps<lm::KvCacheOp>()) {
    lm::KvLayout layout = cast<lm::KvType>(cache.getCache().getType()).getLayout();
    if (!layout.isPaged())
      return cache.emitError("expected a paged cache; page-kv-cache makes it");
    if (pageSize && layout.getPageSize() != pageSize)
      return cache.emitError("expected pages of ")
             << pageSize << " positions as in the caches before, got " << layout.getPageSize();
    pageSize = layout.getPageSize();
  }
  if (!pageSize)
    return func.emitError("expected a KV cache; insert-kv-cache makes it");
  return pageSize;
}

LogicalResult OpLowering::declareOutputs() {
  Operation *terminator = func.getBody().front().getTerminator();
  if (terminator->getNumOperands() != 2)
    return terminator->emitError("expected the results of the cached form: logits and sampled");
  Value logits = terminator->getOperand(0), sampled = terminator->getOperand(1);
  if (!lm::isRowsType(logits.getType()) || !lm::isIntsType(sampled.getType()) || logits.getDefiningOp() == nullptr ||
      sampled.getDefiningOp() == nullptr)
    return terminator->emitError("expected logits (rows of f32) and sampled (i32), computed by the function");
  Type i32 = IntegerType::get(func.getContext(), 32);
  seen = program.buffer(Role::Input, "seen", i32, Dim::Rows, static_cast<int64_t>(seenWords(featuresOf(logits))));
  returned[logits] =
      program.buffer(Role::Output, "logits", Float32Type::get(func.getContext()), Dim::Rows, featuresOf(logits));
  returned[sampled] = program.buffer(Role::Output, "sampled", i32, Dim::Rows, /*columns=*/1);
  return success();
}

Value OpLowering::resultBuffer(Value result, StringRef name, Dim rows) {
  Value buffer = returned.lookup(result);
  if (!buffer) {
    bool isRows = lm::isRowsType(result.getType());
    auto element = cast<RankedTensorType>(result.getType()).getElementType();
    buffer = program.buffer(Role::Activation, name, element, rows, isRows ? featuresOf(result) : 1);
  }
  buffers[result] = buffer;
  dims[result] = rows;
  return buffer;
}

FailureOr<WeightSource> OpLowering::resolveWeight(Operation *user, Value weight) {
  WeightSource source;
  source.type = cast<RankedTensorType>(weight.getType());
  SmallVector<Value> pending = {weight};
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    if (auto named = dyn_cast_or_null<lm::WeightOp>(op)) {
      source.names.push_back(named.getTensorName());
    } else if (auto joined = dyn_cast_or_null<lm::ConcatRowsOp>(op)) {
      for (Value part : llvm::reverse(joined.getWeights()))
        pending.push_back(part);
    } else {
      return user->emitError("expected weights made of lm.weight and lm.concat_rows alone");
    }
  }
  return source;
}

FailureOr<Value> OpLowering::vectorWeight(Operation *user, Value weight) {
  if (!weight)
    return program.absent();
  FailureOr<WeightSource> source = resolveWeight(user, weight);
  if (failed(source))
    return failure();
  source->type = source->type.clone(Float32Type::get(func.getContext()));
  return program.weight(*source, Layout::RowMajor);
}

std::string OpLowering::formatName(Type element) {
  return element.isInteger(8) ? "i8" : std::string(lm::getStorageFormat(element)->name);
}

Type OpLowering::packedElement(const PackedForm &form) {
  MLIRContext *context = func.getContext();
  if (form.element == "f16")
    return Float16Type::get(context);
  if (form.element == "bf16")
    return BFloat16Type::get(context);
  if (form.element == "i8")
    return IntegerType::get(context, 8);
  return Float32Type::get(context);
}

// --- launches

std::string OpLowering::indexedName(Operation *op, StringRef what) const {
  return formatv("{0}.{1}", what, indices.lookup(op));
}

std::string OpLowering::layerName(Value cacheBuffer) {
  return formatv("layers.{0}", cacheBuffer.getDefiningOp<KvCacheOp>().getLayer());
}

void OpLowering::launch(Operation *op, StringRef name, ArrayRef<Value> reads, ArrayRef<Value> writes, Dim dim,
                        std::vector<VariantChoice> variants) {
  program.launch(
      {name.str(), op, indices.lookup(op), llvm::to_vector(reads), llvm::to_vector(writes), dim, std::move(variants)});
}

void OpLowering::launch(Operation *op, StringRef name, ArrayRef<Value> reads, ArrayRef<Value> writes, Dim dim,
                        KernelSpec kernel) {
  launch(op, name, reads, writes, dim, {{VariantChoice::any, {std::move(kernel)}}});
}

LogicalResult OpLowering::lowerOp(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<lm::WeightOp, lm::ConcatRowsOp, lm::ReturnOp>([](auto) { return success(); })
      .Case([&](lm::EmbeddingOp op) { return lowerEmbedding(op); })
      .Case([&](lm::MatmulOp op) { return lowerMatmul(op); })
      .Case([&](lm::RopeAppendOp op) { return lowerRopeAppend(op); })
      .Case([&](lm::CachedAttentionOp op) { return lowerAttention(op); })
      .Case([&](lm::KvCacheOp op) { return lowerKvCache(op); })
      .Case([&](lm::KvAppendOp op) { return lowerKvAppend(op); })
      .Case([&](lm::RopeOp op) { return lowerRope(op); })
      .Case([&](lm::RmsNormOp op) { return lowerRmsNorm(op); })
      .Case([&](lm::ActivationOp op) {
        return lowerPointwise(op, lm::stringifyActivationKind(op.getKind()), op.getX(), nullptr);
      })
      .Case([&](lm::AddOp op) { return lowerPointwise(op, "add", op.getLhs(), op.getRhs()); })
      .Case([&](lm::MulOp op) { return lowerPointwise(op, "mul", op.getLhs(), op.getRhs()); })
      .Case([&](lm::SelectRowsOp op) { return lowerSelectRows(op); })
      .Case([&](lm::SliceColumnsOp op) { return lowerSliceColumns(op); })
      .Case([&](lm::SampleOp op) { return lowerSample(op); })
      .Case([&](lm::AttentionOp op) {
        return op.emitError("expected the cached form: insert-kv-cache makes lm.cached_attention of it");
      })
      .Default([](Operation *op) { return op->emitError("there is no kernel for this op"); });
}

LogicalResult OpLowering::lowerEmbedding(lm::EmbeddingOp op) {
  FailureOr<WeightSource> table = resolveWeight(op, op.getTable());
  if (failed(table))
    return failure();
  const StorageFormat &format = *lm::getStorageFormat(table->type.getElementType());
  // Tied to the output projection: one copy, in the panels that the larger reader wants.
  bool tied = table->names.size() == 1 && panelWeights.contains(table->names[0]);
  Layout layout = *symbolizeLayout(tied ? choice.matmulLayout(/*gated=*/false) : choice.tableLayout(format));
  int64_t rows = table->type.getDimSize(0), dim = table->type.getDimSize(1);
  std::string name = weightLocation(table->names);
  Value out = resultBuffer(op.getResult(), name, dimOf(op.getIds()));
  launch(op, name, {bufferOf(op.getIds()), program.weight(*table, layout)}, {out}, Dim::Tokens,
         {formatv("embedding_{0}_{1}_n{2}_k{3}", stringifyLayout(layout), format.name, rows, dim),
          "embedding",
          {{"rows", rows},
           {"dim", dim},
           {"storage", std::string(format.name)},
           {"layout", stringifyLayout(layout).str()}}});
  return success();
}

LogicalResult OpLowering::lowerMatmul(lm::MatmulOp op) {
  FailureOr<WeightSource> weight = resolveWeight(op, op.getWeight());
  FailureOr<Value> gain = vectorWeight(op, op.getGain());
  FailureOr<Value> bias = vectorWeight(op, op.getBias());
  if (failed(weight) || failed(gain) || failed(bias))
    return failure();
  std::string storage = formatName(weight->type.getElementType());

  MatmulShape shape;
  shape.n = op.getOutFeatures();
  shape.k = op.getInFeatures();
  shape.storage = storage;
  if (op.getActivation())
    shape.activation = lm::stringifyActivationKind(*op.getActivation()).str();
  shape.gated = op.getGated();
  shape.bias = static_cast<bool>(op.getBias());
  shape.residual = static_cast<bool>(op.getResidual());
  if (op.getNormEps())
    shape.normEps = op.getNormEps()->convertToDouble();
  Dim rows = dimOf(op.getX());
  shape.rows = rowsOf(rows);

  MatmulKernels kernels = choice.matmul(shape);
  // A tied output projection reads the embedding's table; its name must not be the embedding's.
  std::string name = returned.contains(op.getResult()) ? "logits" : weightLocation(weight->names);
  Value packed = program.absent();
  if (kernels.packed.tile)
    packed = program.buffer(Role::Activation, name + ".packed", packedElement(kernels.packed), rows,
                            kernels.packed.columns, kernels.packed.tile - 1);
  Value out = resultBuffer(op.getResult(), name, rows);
  Value residual = op.getResidual() ? bufferOf(op.getResidual()) : program.absent();
  Value panels = program.weight(*weight, *symbolizeLayout(choice.matmulLayout(shape.gated)));
  launch(op, name, {bufferOf(op.getX()), *gain, panels, *bias, residual}, {packed, out}, rows,
         std::move(kernels.variants));
  return success();
}

LogicalResult OpLowering::lowerKvCache(lm::KvCacheOp op) {
  auto type = cast<lm::KvType>(op.getCache().getType());
  buffers[op.getCache()] = program.kvCache(op.getLayer(), type.getHeads(), type.getDim(), type.getElem(),
                                           type.getLayout().getPageSize(), *symbolizeKvLayout(choice.kvLayout()));
  return success();
}

LogicalResult OpLowering::lowerRopeAppend(lm::RopeAppendOp op) {
  auto type = cast<lm::KvType>(op.getCache().getType());
  std::string elem = formatName(type.getElem());
  Value cache = bufferOf(op.getCache());
  std::string name = layerName(cache) + ".rope_append";
  KernelParams params = {{"heads", static_cast<int64_t>(op.getHeads())},
                         {"kv_heads", type.getHeads()},
                         {"dim", type.getDim()},
                         {"elem", elem},
                         {"page_size", type.getLayout().getPageSize()}};
  Value table = program.absent();
  if (lm::RopeAttr rope = op.getRopeAttr()) {
    params["rope_layout"] = lm::stringifyRopeLayout(rope.getLayout()).str();
    table = program.ropeTable(rope.getDim(), rope.getAttentionFactor(), rope.getInvFreq());
  }
  std::string symbol = formatv("rope_append_{0}_h{1}_kv{2}_d{3}", elem, op.getHeads(), type.getHeads(), type.getDim());
  Value v = program.absent();
  if (op.getV()) {
    params["separate_v"] = true;
    symbol += "_separate_v";
    v = bufferOf(op.getV());
  }
  Value q = resultBuffer(op.getQ(), name, Dim::Tokens);
  buffers[op.getNextCache()] = cache;
  launch(op, name, {bufferOf(op.getQkv()), v, bufferOf(op.getPositions()), slots, table}, {cache, q}, Dim::Tokens,
         {symbol, "rope_append", params});
  return success();
}

LogicalResult OpLowering::lowerAttention(lm::CachedAttentionOp op) {
  auto type = cast<lm::KvType>(op.getCache().getType());
  std::string elem = formatName(type.getElem());
  Value cache = bufferOf(op.getCache());
  std::string name = layerName(cache) + ".attention";
  AttentionShape shape{static_cast<int64_t>(op.getHeads()),
                       type.getHeads(),
                       type.getDim(),
                       elem,
                       type.getLayout().getPageSize(),
                       op.getScale().convertToDouble(),
                       static_cast<int64_t>(op.getWindow().value_or(0))};
  llvm::SmallVector<Value> writes;
  if (int64_t partials = choice.attentionPartials(shape))
    writes.push_back(
        program.buffer(Role::Activation, name + ".partials", Float32Type::get(func.getContext()), Dim::None, partials));
  writes.push_back(resultBuffer(op.getResult(), name, Dim::Tokens));
  launch(op, name, {bufferOf(op.getQ()), bufferOf(func.getArgument(1)), seqStarts, contextLens, pageTable, cache},
         writes, Dim::Tokens, choice.attention(shape));
  return success();
}

LogicalResult OpLowering::lowerKvAppend(lm::KvAppendOp op) {
  auto type = cast<lm::KvType>(op.getCache().getType());
  std::string elem = formatName(type.getElem());
  Value cache = bufferOf(op.getCache());
  buffers[op.getResult()] = cache;
  launch(op, layerName(cache) + ".kv_append", {bufferOf(op.getK()), bufferOf(op.getV()), slots}, {cache}, Dim::Tokens,
         {formatv("kv_append_{0}_kv{1}_d{2}", elem, type.getHeads(), type.getDim()),
          "kv_append",
          {{"kv_heads", type.getHeads()},
           {"dim", type.getDim()},
           {"elem", elem},
           {"page_size", type.getLayout().getPageSize()}}});
  return success();
}

LogicalResult OpLowering::lowerRope(lm::RopeOp op) {
  lm::RopeAttr rope = op.getRope();
  int64_t heads = featuresOf(op.getX()) / rope.getDim();
  std::string name = indexedName(op, "rope");
  Value table = program.ropeTable(rope.getDim(), rope.getAttentionFactor(), rope.getInvFreq());
  Value out = resultBuffer(op.getResult(), name, Dim::Tokens);
  launch(
      op, name, {bufferOf(op.getX()), bufferOf(op.getPositions()), table}, {out}, Dim::Tokens,
      {formatv("rope_h{0}_d{1}", heads, rope.getDim()),
       "rope",
       {{"heads", heads}, {"dim", rope.getDim()}, {"rope_layout", lm::stringifyRopeLayout(rope.getLayout()).str()}}});
  return success();
}

LogicalResult OpLowering::lowerRmsNorm(lm::RmsNormOp op) {
  FailureOr<WeightSource> source = resolveWeight(op, op.getGain());
  FailureOr<Value> gain = vectorWeight(op, op.getGain());
  if (failed(source) || failed(gain))
    return failure();
  Dim dim = dimOf(op.getX());
  std::string name = weightLocation(source->names);
  int64_t n = featuresOf(op.getX());
  Value out = resultBuffer(op.getResult(), name, dim);
  launch(op, name, {bufferOf(op.getX()), *gain}, {out}, dim,
         {formatv("rms_norm{0}_n{1}", rowsSuffix(rowsOf(dim)), n),
          "rms_norm",
          {{"n", n}, {"eps", op.getEps().convertToDouble()}, {"rows_dim", static_cast<int64_t>(dim)}}});
  return success();
}

LogicalResult OpLowering::lowerPointwise(Operation *op, StringRef function, Value a, Value b) {
  Dim dim = dimOf(a);
  std::string name = indexedName(op, function);
  Value out = resultBuffer(op->getResult(0), name, dim);
  launch(op, name, {bufferOf(a), b ? bufferOf(b) : program.absent()}, {out}, dim,
         {formatv("{0}{1}_n{2}", function, rowsSuffix(rowsOf(dim)), featuresOf(a)),
          "pointwise",
          {{"n", featuresOf(a)}, {"op", function.str()}, {"rows_dim", static_cast<int64_t>(dim)}}});
  return success();
}

LogicalResult OpLowering::lowerSelectRows(lm::SelectRowsOp op) {
  int64_t n = featuresOf(op.getX());
  std::string name = indexedName(op, "select_rows");
  Value out = resultBuffer(op.getResult(), name, Dim::Rows);
  launch(op, name, {bufferOf(op.getX()), bufferOf(op.getRows())}, {out}, Dim::Rows,
         {formatv("select_rows_n{0}", n), "select_rows", {{"n", n}}});
  return success();
}

LogicalResult OpLowering::lowerSliceColumns(lm::SliceColumnsOp op) {
  int64_t columns = featuresOf(op.getX());
  Dim dim = dimOf(op.getX());
  std::string name = indexedName(op, "slice_columns");
  auto offset = static_cast<int64_t>(op.getOffset()), size = static_cast<int64_t>(op.getSize());
  Value out = resultBuffer(op.getResult(), name, dim);
  launch(op, name, {bufferOf(op.getX())}, {out}, dim,
         {formatv("slice_columns{0}_n{1}_at{2}_of{3}", rowsSuffix(rowsOf(dim)), size, offset, columns),
          "slice_columns",
          {{"n_in", columns}, {"offset", offset}, {"n", size}, {"rows_dim", static_cast<int64_t>(dim)}}});
  return success();
}

LogicalResult OpLowering::lowerSample(lm::SampleOp op) {
  Dim dim = dimOf(op.getLogits());
  Value out = resultBuffer(op.getResult(), "sampled", dim);
  launch(op, "sample", {bufferOf(op.getLogits()), bufferOf(op.getSampling()), seen}, {out}, dim,
         choice.sample({featuresOf(op.getLogits()), rowsOf(dim)}));
  return success();
}

} // namespace quipu
