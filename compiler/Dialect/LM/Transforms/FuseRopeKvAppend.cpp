#include "compiler/Dialect/LM/Transforms/CountedPattern.h"
#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_FUSEROPEKVAPPEND
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

/// A slice of the joined projection and, for q and k of a model with RoPE, its rotation.
struct Projection {
  SliceColumnsOp slice;
  RopeOp rope; // null: not rotated
  Value result() { return rope ? rope.getResult() : slice.getResult(); }

  static Projection of(Value value) {
    auto rope = value.getDefiningOp<RopeOp>();
    return {(rope ? rope.getX() : value).getDefiningOp<SliceColumnsOp>(), rope};
  }
};

struct FuseAppend : CountedPattern<KvAppendOp> {
  using CountedPattern::CountedPattern;

  LogicalResult matchAndRewrite(KvAppendOp op, PatternRewriter &rewriter) const override {
    Projection k = Projection::of(op.getK());
    if (!k.slice)
      return rewriter.notifyMatchFailure(op, "k is not a slice of a joined projection");
    // A v from elsewhere, of a weight in another format than those of q and k, stays an operand.
    auto v = op.getV().getDefiningOp<SliceColumnsOp>();
    if (v && v.getX() != k.slice.getX())
      v = nullptr;
    Projection q = findQ(k.slice.getX(), bool(k.rope));
    if (!q.slice)
      return rewriter.notifyMatchFailure(op, "q is not the first slice of the projection, rotated as k is");
    if (failed(matchLayout(op, q, k, v, rewriter)) || failed(matchRopes(op, q, k, rewriter)) ||
        failed(matchUsers(op, q, k, v, rewriter)))
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
    rewriter.replaceAllUsesWith(q.result(), fusedOp.getQ());
    rewriter.replaceOp(op, fusedOp.getNextCache());
    ++count;
    return success();
  }

private:
  static Projection findQ(Value qkv, bool rotated) {
    for (Operation *user : qkv.getUsers()) {
      auto slice = dyn_cast<SliceColumnsOp>(user);
      if (!slice || slice.getOffset() != 0)
        continue;
      if (!rotated)
        return {slice, nullptr};
      if (slice->hasOneUse())
        if (auto rope = dyn_cast<RopeOp>(*slice->user_begin()))
          return {slice, rope};
    }
    return {};
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

  static LogicalResult matchRopes(KvAppendOp op, Projection q, Projection k, PatternRewriter &rewriter) {
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
    if (!k.slice.getX().hasNUses(v ? 3 : 2) || !k.slice->hasOneUse() || !k.result().hasOneUse() ||
        (v && !v->hasOneUse()))
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
