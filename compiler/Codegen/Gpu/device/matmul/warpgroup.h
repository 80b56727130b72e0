// matmul for many tokens by the matrix instructions of warpgroups (sm_90a), over packed input.
//
// A block computes tokenTiles * 64 tokens by `columns` rows of W at a time, and then takes the next such tile: tile
// `index` of all is a block's, then index + blocks, and so on. One thread brings tiles of k by bulk copies, as they lie
// in memory, through a ring of slots in shared memory; each of the tokenTiles warpgroups multiplies its 64 tokens with
// all columns. The ring runs on over the tiles: while results are stored, the next tiles arrive.
//
// Where tiles are few, `splits` blocks share one: what follows calls a part of a tile, with a part of k, a task.
//
// The printed Shape: Element, n, k, gated, tokenTiles, columns (32 and no gate, or whole panels), splits, stages,
// blocks (of the grid), bringerRegisters and productRegisters (0: as many for all threads).
#pragma once
#include "compiler/Codegen/Gpu/device/matmul/epilogue.h"
#include "compiler/Codegen/Gpu/device/matmul/fragments.h"
#include "compiler/Codegen/Gpu/device/matmul/shared_sums.h"
#include "compiler/Codegen/Gpu/device/warpgroup_mma.h"

template <class Shape> struct WarpgroupTokens {
  typedef typename Shape::Element Element;
  typedef WarpgroupProduct<Element, Shape::columns> Product;
  typedef SplitTiles<(Shape::k + 63) / 64, Shape::splits> Part;
  enum {
    tiles = (Shape::k + 63) / 64,
    consumers = Shape::tokenTiles * 128, // threads; the one after them brings the tiles
    columnBytes = Shape::columns * tileRowBytes,
    slotBytes = Shape::tokenTiles * tileBytes + columnBytes,
    panelColumns = Shape::gated ? 32 : 64,
    allRows = (Shape::n + panelColumns - 1) / panelColumns * 64,                             // of W, padded
    even = Shape::n % 2 == 0 && Shape::n * (Shape::gated ? 2 : 1) % Shape::columns == 0,     // no block reaches past n
    acrossTiles = (Shape::n * (Shape::gated ? 2 : 1) + Shape::columns - 1) / Shape::columns, // none of padding alone
    // Blocks that run side by side share columns, and the tokens of a group stay in L2.
    groupTiles = 16,
  };

  // The place of a tile of results: its first token and its first row of W.
  struct Place {
    int token, row;
    QUIPU_DEVICE_MEMBER Place(int index, int downTiles) {
      int group = index / (groupTiles * acrossTiles), inGroup = index % (groupTiles * acrossTiles);
      int size = smaller(groupTiles, downTiles - group * groupTiles);
      token = (group * groupTiles + inGroup % size) * Shape::tokenTiles * 64;
      row = inGroup / size * Shape::columns;
    }
  };

  // Slots are filled and read in turn. A slot's barriers complete one phase a turn.
  struct Ring {
    u8 *slots;
    TransferBarrier *full, *empty;
    int slot, parity;

    QUIPU_DEVICE_MEMBER explicit Ring(u8 *shared) : slots(shared), slot(0), parity(0) {
      full = (TransferBarrier *)(shared + Shape::stages * slotBytes);
      empty = full + Shape::stages;
    }
    QUIPU_DEVICE_MEMBER void setUp() {
      if (threadIndex() == 0) {
        for (int i = 0; i < Shape::stages; ++i) {
          initTransferBarrier(full + i, 1);
          initTransferBarrier(empty + i, consumers / waveWidth);
        }
        fenceTransferBarriers();
      }
      blockBarrier();
    }
    QUIPU_DEVICE_MEMBER u8 *current() const { return slots + slot * slotBytes; }
    QUIPU_DEVICE_MEMBER void advance() {
      if (++slot == Shape::stages)
        slot = 0, parity ^= 1;
    }
  };

  template <class Epilogue>
  static QUIPU_DEVICE_MEMBER void run(const void *packed, const void *weight, const Epilogue &epilogue, int rows,
                                      void *scratch, u32 *mark) {
    QUIPU_DYNAMIC_SHARED(shared);
    int downTiles = (rows + Shape::tokenTiles * 64 - 1) / (Shape::tokenTiles * 64);
    if (blockX() >= downTiles * acrossTiles * Shape::splits) {
      awaitEarlierKernels(mark); // a kernel of no work must not end before those in front of it
      return;
    }
    requireTileAlignment(shared);
    Ring ring(shared);
    ring.setUp();
    if (threadIndex() >= consumers) {
      giveRegisters<Shape::bringerRegisters>();
      if (threadIndex() == consumers)
        produce(ring, (const u8 *)packed, (const u8 *)weight, rows, downTiles);
    } else {
      takeRegisters<Shape::productRegisters>();
      consume(ring, epilogue, rows, downTiles, scratch, mark);
    }
  }

  static QUIPU_DEVICE_MEMBER void produce(Ring ring, const u8 *packed, const u8 *weight, int rows, int downTiles) {
    int done = bringFirst(ring, packed, weight, rows, downTiles);
    for (int task = blockX(); task < downTiles * acrossTiles * Shape::splits; task += Shape::blocks, done = 0) {
      Place place(task / Shape::splits, downTiles);
      Part part(task % Shape::splits);
#pragma unroll 1
      for (int tile = done; tile < part.count; ++tile, ring.advance()) {
        waitTransfer(ring.empty + ring.slot, ring.parity ^ 1);
        arriveExpecting(ring.full + ring.slot, slotBytes);
        bringWeight(ring, weight, place.row, part.first + tile);
        bringTokens(ring, packed, place.token, rows, part.first + tile);
      }
    }
  }

  // Fills all slots for the first time: the weight's part while the kernel that packs the tokens may still run.
  static QUIPU_DEVICE_MEMBER int bringFirst(Ring &ring, const u8 *packed, const u8 *weight, int rows, int downTiles) {
    Place place(blockX() / Shape::splits, downTiles);
    Part part(blockX() % Shape::splits);
    int count = smaller(part.count, Shape::stages);
    Ring first = ring;
#pragma unroll 1
    for (int tile = 0; tile < count; ++tile, first.advance()) {
      arriveExpecting(first.full + first.slot, slotBytes);
      bringWeight(first, weight, place.row, part.first + tile);
    }
    awaitEarlierKernels(nullptr); // the first thread is one of those that multiply
    fenceBulkCopies();
#pragma unroll 1
    for (int tile = 0; tile < count; ++tile, ring.advance())
      bringTokens(ring, packed, place.token, rows, part.first + tile);
    return count;
  }

  // Panels past the last one hold the last one's: their results are not stored. The same for tiles of tokens.
  static QUIPU_DEVICE_MEMBER void bringWeight(const Ring &ring, const u8 *weight, int row, int tile) {
    enum { pieceRows = Shape::columns < 64 ? Shape::columns : 64, pieceBytes = pieceRows * tileRowBytes };
    u8 *to = ring.current() + Shape::tokenTiles * tileBytes;
#pragma unroll
    for (int i = 0; i < Shape::columns / pieceRows; ++i) {
      int from = smaller(row + i * pieceRows, allRows - pieceRows);
      bulkCopy(to + i * pieceBytes, weight + (i64(from / 64) * tiles + tile) * tileBytes + from % 64 * tileRowBytes,
               pieceBytes, ring.full + ring.slot);
    }
  }
  static QUIPU_DEVICE_MEMBER void bringTokens(const Ring &ring, const u8 *packed, int token, int rows, int tile) {
#pragma unroll
    for (int i = 0; i < Shape::tokenTiles; ++i) {
      int from = smaller(token / 64 + i, (rows - 1) / 64);
      bulkCopy(ring.current() + i * tileBytes, packed + (i64(from) * tiles + tile) * tileBytes, tileBytes,
               ring.full + ring.slot);
    }
  }

  template <class Epilogue>
  static QUIPU_DEVICE_MEMBER void consume(Ring ring, const Epilogue &epilogue, int rows, int downTiles, void *scratch,
                                          u32 *mark) {
    awaitEarlierKernels(mark);
    int group = threadIndex() / 128;
    Product product;
#pragma unroll
    for (int i = 0; i < Product::sums; ++i)
      product.d[i] = 0;
    for (int task = blockX(); task < downTiles * acrossTiles * Shape::splits; task += Shape::blocks) {
      Part part(task % Shape::splits);
      int last = ring.slot; // filled before this tile
#pragma unroll 1
      for (int tile = 0; tile < part.count; ++tile, ring.advance()) {
        waitTransfer(ring.full + ring.slot, ring.parity);
        u64 a = tileDescriptor(ring.current() + group * tileBytes);
        u64 b = tileDescriptor(ring.current() + Shape::tokenTiles * tileBytes);
        product.begin();
#pragma unroll
        for (int step = 0; step < 4; ++step)
          product.add(a + step * descriptorStepOfK, b + step * descriptorStepOfK, tile > 0 || step > 0);
        product.commit();
        product.template wait<1>(); // the matrix unit has this tile's work while the slot before is given back
        if (tile > 0)
          release(ring, last);
        last = ring.slot;
      }
      product.template wait<0>();
      release(ring, last);
      int index = task / Shape::splits;
      if (!SharedSums<Shape::splits, consumers / waveWidth, Product::sums>::gather(product.d, scratch, index,
                                                                                   task % Shape::splits))
        continue;
      Place place(index, downTiles);
      store(product, epilogue, rows, place.token + group * 64, place.row);
    }
  }

  static QUIPU_DEVICE_MEMBER void release(const Ring &ring, int slot) {
    if (laneIndex() == 0)
      arrive(ring.empty + slot);
  }

  // Eight columns are an even part of a panel's 64 rows; in the gated form the up rows come 32 later.
  template <class Epilogue>
  static QUIPU_DEVICE_MEMBER void store(const Product &product, const Epilogue &epilogue, int rows, int firstToken,
                                        int firstRow) {
    int token = firstToken + threadIndex() % 128 / 32 * 16 + laneIndex() / 4;
#pragma unroll
    for (int half = 0; half < 2; ++half, token += 8) {
      if (token >= rows)
        return;
#pragma unroll
      for (int first = 0; first < Shape::columns / 8; first += Shape::gated ? 8 : 4) {
        int column = (Shape::gated ? firstRow / 2 + first * 4 : firstRow + first * 8) + laneIndex() % 4 * 2;
        FloatPair added[4];
#pragma unroll
        for (int i = 0; i < 4; ++i)
          added[i] = loadAddedPair<even>(epilogue, token, column + i * 8);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float *sum = product.d + (first + i) * 4 + half * 2, *up = Shape::gated ? sum + 16 : sum;
          storePair<even>(epilogue, token, column + i * 8, FloatPair{sum[0], sum[1]}, FloatPair{up[0], up[1]},
                          added[i]);
        }
      }
    }
  }
};
