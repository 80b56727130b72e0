#include "compiler/Dialect/LM/Transforms/Passes.h"

namespace quipu::lm {
#define GEN_PASS_DEF_PAGEKVCACHE
#include "compiler/Dialect/LM/Transforms/Passes.h.inc"
} // namespace quipu::lm

using namespace mlir;
using namespace quipu::lm;

namespace {

struct PageKvCache : quipu::lm::impl::PageKvCacheBase<PageKvCache> {
  using PageKvCacheBase::PageKvCacheBase;

  void runOnOperation() override {
    if (pageSize < 1) {
      getOperation().emitError("expected page-size >= 1, got ") << int64_t(pageSize);
      return signalPassFailure();
    }
    for (Operation &op : getOperation().getBody().getOps())
      for (Value result : op.getResults())
        if (auto type = dyn_cast<KvType>(result.getType()); type && !type.getLayout().isPaged()) {
          result.setType(KvType::get(type.getContext(), type.getHeads(), type.getDim(), type.getElem(),
                                     KvLayout::paged(pageSize)));
          paged += isa<KvCacheOp>(op);
        }
  }
};

} // namespace
