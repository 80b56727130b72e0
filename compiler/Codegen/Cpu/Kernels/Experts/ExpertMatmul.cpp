// expert_matmul: products of each expert's rows with its matrix, whose panels lie one expert after the other. Only the
// panels of active experts are read, each once: all rows of an expert pass over a panel while it is in L2.
//
// Products by themselves: workers share out the panels of all active experts. A sum of products: workers share out the
// panels of one matrix, and each adds up what all experts give to its columns, in the order of experts. So no two
// workers write one sum, and it does not depend on how many there are.
#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/Kernels/Experts/ExpertGroups.h"
#include "compiler/Codegen/Cpu/Kernels/Experts/ExpertTiles.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/Microkernel.h"
#include "compiler/Codegen/Cpu/Kernels/Matmul/TileSums.h"
#include "compiler/Codegen/Cpu/VectorMath.h"

namespace quipu::cpu {
namespace {

class ExpertMatmul {
public:
  ExpertMatmul(ParamReader &params, KernelBuilder &b)
      : b(b), experts(params.integer("experts")), chosen(params.integer("chosen")),
        weight(params.integer("n"), params.integer("k"), params.format("storage"), params.flag("gated")),
        form(weight.k, weight.format, b.chip(), params.integer("parts")), tile(params.integer("tile")),
        combine(params.flag("combine")), residual(params.flag("residual")), groups(b, experts) {
    auto parsed = parseActivation(params.text("activation"));
    params.require(parsed.has_value(), parsed ? "" : parsed.error().message);
    activation = parsed.value_or(Activation::None);
    params.require(tile * form.parts <= 8, "expected a tile of at most 8 rows, parts counted");
    params.require(weight.format.takesRow(uint64_t(weight.k)), "expected k to be whole blocks of the storage format");
    params.require(combine || !residual, "expected a residual of combined products only");
  }

  void emit() {
    weights = b.buffer("weight");
    packed = b.buffer("packed");
    out = b.buffer("out");
    sums = b.scratch(tile * TileSums::rowBytes(form));
    if (combine)
      emitCombined();
    else
      emitProducts();
  }

private:
  // Stores or adds lanes() elements of a row's result.
  using Finish = llvm::function_ref<void(Value y, Value pair, Value column, Value mask)>;

  Value panelOf(Value expert, Value panel) {
    return b.offset(weights, b.add(b.mul(expert, weight.panels()), panel), weight.panelBytes());
  }
  void emitProducts();
  void emitCombined();
  void clearColumns(Value firstColumn, Value endColumn);
  // All rows of an active expert times one of its panels.
  void multiply(Value index, Value panel, Finish finish);
  void epilogue(const TileSums &tileSums, int64_t rows, Value firstRow, Value panel, Finish finish);

  KernelBuilder &b;
  int64_t experts, chosen;
  PanelLayout weight;
  PackedInput form;
  int64_t tile;
  bool combine, residual;
  ExpertGroups groups;
  Activation activation = Activation::None;
  Value weights, packed, out, sums;
};

void ExpertMatmul::epilogue(const TileSums &tileSums, int64_t rows, Value firstRow, Value panel, Finish finish) {
  Value firstColumn = b.mul(panel, weight.outputsPerPanel());
  b.loop(b.constant(0), b.constant(rows), 1, [&](Value t) {
    TileSums::Row row = tileSums.row(t);
    Value pair = groups.pairOf(b.add(firstRow, t));
    b.loop(b.constant(0), b.constant(weight.outputsPerPanel()), b.lanes(), [&](Value columnInPanel) {
      Value column = b.add(firstColumn, columnInPanel);
      Value y = activate(b, activation, tileSums.load(row, columnInPanel));
      if (weight.gated)
        y = b.mulf(y, tileSums.load(row, b.add(columnInPanel, weight.outputsPerPanel())));
      finish(y, pair, column, b.tailMask(b.sub(b.constant(weight.n), column), b.lanes()));
    });
  });
}

void ExpertMatmul::multiply(Value index, Value panel, Finish finish) {
  Value address = panelOf(groups.expert(index), panel);
  forTiles(b, groups.firstRow(index), groups.endRow(index), tile, [&](int64_t rows, Value firstRow) {
    MatmulSchedule schedule(weight, rows * form.parts, /*packedInput=*/false, b.chip());
    auto kernel = Microkernel::create(b, weight, form, rows * form.parts, schedule.prefetch);
    Value input = b.offset(packed, firstRow, form.rowBytes());
    kernel->emit(address, input, weight.groups(), sums, /*accumulate=*/false);
    epilogue(TileSums(b, form, rows, sums, input), rows, firstRow, panel, finish);
  });
}

void ExpertMatmul::emitProducts() {
  Value items = b.mul(groups.activeCount(), weight.panels());
  b.shareItems(items, {}, [&](Value item, llvm::ArrayRef<Value>) -> Values {
    multiply(b.div(item, weight.panels()), b.rem(item, weight.panels()),
             [&](Value y, Value pair, Value column, Value mask) {
               b.store(y, b.offset(b.offset(out, pair, weight.n * 4), column, 4), mask);
             });
    return {};
  });
}

// What the sums of some columns start with, of every token.
void ExpertMatmul::clearColumns(Value firstColumn, Value endColumn) {
  Value before = residual ? b.buffer("residual") : Value();
  b.loop(b.constant(0), b.dim(StepDim::Tokens), 1, [&](Value token) {
    b.loop(firstColumn, endColumn, b.lanes(), [&](Value column) {
      Value at = b.add(b.mul(token, weight.n), column), mask = b.tailMask(b.sub(endColumn, column), b.lanes());
      Value start = residual ? b.loadOr0(b.offset(before, at, 4), b.f32(b.lanes()), mask) : b.real(0, b.lanes());
      b.store(start, b.offset(out, at, 4), mask);
    });
  });
}

void ExpertMatmul::emitCombined() {
  Value ofPairs = b.buffer("combine"), panels = b.constant(weight.panels()), active = groups.activeCount();
  // Panels side by side are read in one stream; about four items a worker even out.
  Value atOnce = b.larger(b.smaller(b.div(panels, b.mul(b.workers(), 4)), b.constant(4)), b.constant(1));
  Value items = b.div(b.sub(b.add(panels, atOnce), b.constant(1)), atOnce);
  auto add = [&](Value y, Value pair, Value column, Value mask) {
    Value at = b.offset(b.offset(out, b.div(pair, chosen), weight.n * 4), column, 4);
    Value ofPair = b.broadcast(b.load(b.offset(ofPairs, pair, 4), b.f32()), b.lanes());
    b.store(b.fma(y, ofPair, b.loadOr0(at, b.f32(b.lanes()), mask)), at, mask);
  };
  b.shareItems(items, {}, [&](Value item, llvm::ArrayRef<Value>) -> Values {
    Value first = b.mul(item, atOnce), end = b.smaller(b.add(first, atOnce), panels);
    Value columns = b.constant(weight.n);
    clearColumns(b.mul(first, weight.outputsPerPanel()), b.smaller(b.mul(end, weight.outputsPerPanel()), columns));
    b.loop(b.constant(0), active, 1, [&](Value index) {
      // The stream breaks off at the next expert: ask for where it goes on.
      constexpr int64_t lines = 32;
      Value next = panelOf(groups.expert(b.smaller(b.add(index, 1), b.add(active, -1))), first);
      b.loop(b.constant(0), b.constant(lines), 1, [&](Value line) { b.prefetch(b.offset(next, line, 64), 2); });
      b.loop(first, end, 1, [&](Value panel) { multiply(index, panel, add); });
    });
    return {};
  });
}

} // namespace

Expected<> generateExpertMatmul(const KernelSpec &spec, KernelBuilder &b) {
  ParamReader params(spec);
  ExpertMatmul matmul(params, b);
  if (auto read = params.finish(); !read)
    return read;
  matmul.emit();
  return {};
}

} // namespace quipu::cpu
