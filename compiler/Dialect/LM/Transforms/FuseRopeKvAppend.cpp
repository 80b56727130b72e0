#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSEROPEKVAPPEND
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

/// A slice of the joined projection and what is done to it on the way to attention or the cache: the norm of its heads,
/// their rotation and, for queries, the scale by their positions. What is not done is null.
struct Projection {
  SliceColumnsOp slice;
  NormOpInterface norm;
  RopeOp rope;
  PositionScaleOp scale;

  /// The ops in the order they compute, without those that are not there.
  SmallVector<Operation *> ops() {
    SmallVector<Operation *> all;
    for (Operation *op : {slice.getOperation(), norm.getOperation(), rope.getOperation(), scale.getOperation()})
      if (op)
        all.push_back(op);
    return all;
  }
  Value result() { return ops().back()->getResult(0); }

  /// From the result back to the slice; one without a slice where there is none.
  static Projection of(Value value) {
    Projection projection;
    if ((projection.scale = value.getDefiningOp<PositionScaleOp>()))
      value = projection.scale.getX();
    if ((projection.rope = value.getDefiningOp<RopeOp>()))
      value = projection.rope.getX();
    if ((projection.norm = value.getDefiningOp<NormOpInterface>()))
      value = projection.norm.getNormInput();
    projection.slice = value.getDefiningOp<SliceColumnsOp>();
    return projection;
  }

  /// From the slice on, as far as each op has one reader.
  static Projection from(SliceColumnsOp slice) {
    Projection projection;
    projection.slice = slice;
    auto reader = [&]() -> Operation * {
      Value last = projection.result();
      return last.hasOneUse() ? *last.user_begin() : nullptr;
    };
    projection.norm = dyn_cast_or_null<NormOpInterface>(reader());
    projection.rope = dyn_cast_or_null<RopeOp>(reader());
    projection.scale = dyn_cast_or_null<PositionScaleOp>(reader());
    return projection;
  }
};

struct FuseAppend : CountedPattern<KvAppendOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(KvAppendOp op, PatternRewriter &rewriter) const override {
    Projection k = Projection::of(op.getK());
    if (!k.slice)
      return rewriter.notifyMatchFailure(op, "k is not a slice of a joined projection");
    if (k.scale)
      return rewriter.notifyMatchFailure(op, "k is scaled by its positions");
    // A v from elsewhere, of a weight in another format than those of q and k, stays an operand.
    auto v = op.getV().getDefiningOp<SliceColumnsOp>();
    if (v && v.getX() != k.slice.getX())
      v = nullptr;
    Projection q = findQ(k.slice.getX());
    if (!q.slice)
      return rewriter.notifyMatchFailure(op, "no slice at the start of the projection is q");
    if (failed(matchLayout(op, q, k, v, rewriter)) || failed(matchNorms(op, q, k, rewriter)) ||
        failed(matchRopes(op, q, k, rewriter)) || failed(matchUsers(op, q, k, v, rewriter)))
      return failure();

    // Without a rope positions are not read; the step's are at hand in the cached form.
    Value positions = k.rope ? k.rope.getPositions() : findPositions(op);
    if (!positions)
      return rewriter.notifyMatchFailure(op, "function has no positions argument");
    KvType cache = op.getCache().getType();
    int64_t heads = q.slice.getSize() / cache.getDim();
    auto fusedOp =
        RopeAppendOp::create(rewriter, op.getLoc(), k.slice.getX(), v ? Value() : op.getV(), positions, op.getCache(),
                             op.getBatch(), k.rope ? k.rope.getRopeAttr() : RopeAttr(), heads);
    if (k.norm)
      setNorms(fusedOp, q.norm, k.norm);
    if (q.scale)
      fusedOp.setQueryScaleAttr(
          rewriter.getDenseF64ArrayAttr({q.scale.getBeta().convertToDouble(), double(q.scale.getLength())}));
    rewriter.replaceAllUsesWith(q.result(), fusedOp.getQ());
    rewriter.replaceOp(op, fusedOp.getNextCache());
    ++count;
    return success();
  }

private:
  static Projection findQ(Value qkv) {
    for (Operation *user : qkv.getUsers())
      if (auto slice = dyn_cast<SliceColumnsOp>(user); slice && slice.getOffset() == 0)
        return Projection::from(slice);
    return {};
  }

  static void setNorms(RopeAppendOp op, NormOpInterface q, NormOpInterface k) {
    op.getQGainMutable().assign(q.getNormGain());
    op.getKGainMutable().assign(k.getNormGain());
    op.setNormEps(k.getEpsilon());
    op.setCentred(k.isCentred());
    op.setWhole(q.getGroupCount() == 1 && op.getHeads() > 1);
  }

  static Value findPositions(KvAppendOp op) {
    auto func = op->getParentOfType<FuncOp>();
    if (func.getNumArguments() < 2 || !isIntsType(func.getArgument(1).getType()))
      return nullptr;
    return func.getArgument(1);
  }

  static LogicalResult matchLayout(KvAppendOp op, Projection q, Projection k, SliceColumnsOp v,
                                   PatternRewriter &rewriter) {
    uint64_t columns = k.slice.getX().getType().getDimSize(1), end = q.slice.getSize() + k.slice.getSize();
    if (k.slice.getOffset() != q.slice.getSize() || (v && v.getOffset() != end) ||
        end + (v ? v.getSize() : 0) != columns)
      return rewriter.notifyMatchFailure(op, "q, k and v do not fill the projection in this order");
    KvType cache = op.getCache().getType();
    if (q.slice.getSize() % (cache.getHeads() * cache.getDim()) != 0)
      return rewriter.notifyMatchFailure(op, "heads of q are not a multiple of the cache's");
    return success();
  }

  static LogicalResult matchNorms(KvAppendOp op, Projection q, Projection k, PatternRewriter &rewriter) {
    if (bool(q.norm) != bool(k.norm))
      return rewriter.notifyMatchFailure(op, "only one of q and k has a norm");
    if (!k.norm)
      return success();
    KvType cache = op.getCache().getType();
    int64_t heads = q.slice.getSize() / cache.getDim();
    for (NormOpInterface norm : {q.norm, k.norm})
      if (!norm.getNormGain() || norm.getNormBias() || norm.getAddedResidual())
        return rewriter.notifyMatchFailure(op, "a norm of heads has no gain, or a bias or a residual");
    if (q.norm.isCentred() != k.norm.isCentred() || q.norm.getEpsilon() != k.norm.getEpsilon())
      return rewriter.notifyMatchFailure(op, "q and k are not normalised alike");
    bool byHead = q.norm.getGroupCount() == heads && k.norm.getGroupCount() == cache.getHeads();
    bool whole = q.norm.getGroupCount() == 1 && k.norm.getGroupCount() == 1 && !k.norm.isCentred();
    if (!byHead && !whole)
      return rewriter.notifyMatchFailure(op, "norms are neither of heads nor of whole projections");
    auto sizeOf = [](Value vector) { return cast<RankedTensorType>(vector.getType()).getDimSize(0); };
    int64_t ofQ = sizeOf(q.norm.getNormGain()), ofK = sizeOf(k.norm.getNormGain());
    bool ofAllHeads = ofQ == heads * cache.getDim() && ofK == cache.getHeads() * cache.getDim();
    if (!ofAllHeads && (ofQ != cache.getDim() || ofK != cache.getDim()))
      return rewriter.notifyMatchFailure(op, "gains of q and k are not both of one head or both of all");
    return success();
  }

  static LogicalResult matchRopes(KvAppendOp op, Projection q, Projection k, PatternRewriter &rewriter) {
    if (bool(q.rope) != bool(k.rope))
      return rewriter.notifyMatchFailure(op, "only one of q and k is rotated");
    if (!k.rope)
      return success();
    if (q.rope.getRope() != k.rope.getRope() || q.rope.getPositions() != k.rope.getPositions())
      return rewriter.notifyMatchFailure(op, "q and k are not rotated alike");
    if (k.rope.getRope().getDim() != op.getCache().getType().getDim())
      return rewriter.notifyMatchFailure(op, "rope is of another dim than the cache");
    return success();
  }

  static LogicalResult matchUsers(KvAppendOp op, Projection q, Projection k, SliceColumnsOp v,
                                  PatternRewriter &rewriter) {
    auto hasOneReader = [](Operation *step) { return step->hasOneUse(); };
    if (!k.slice.getX().hasNUses(v ? 3 : 2) || !llvm::all_of(k.ops(), hasOneReader) || (v && !v->hasOneUse()))
      return rewriter.notifyMatchFailure(op, "projection, k or v has other users");
    for (Operation *user : q.result().getUsers())
      if (user->getBlock() != op->getBlock() || user->isBeforeInBlock(op))
        return rewriter.notifyMatchFailure(op, "q is read before the append");
    return success();
  }
};

struct FuseRopeKvAppend : quipu::lm::impl::FuseRopeKvAppendBase<FuseRopeKvAppend> {
  void runOnOperation() override {
    if (failed(applyPattern<FuseAppend>(getOperation(), fused)))
      signalPassFailure();
  }
};

} // namespace
