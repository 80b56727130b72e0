// A work item of attention: some tokens of one sequence and some KV heads, over all positions the tokens see or a part
// of them.
//
// Online softmax (Milakov and Gimelshein 2018) over blocks of 64 positions, as in FlashAttention (Dao et al. 2022): for
// each row the largest score m so far, the sum l of exp(score - m) and the weighted sum o of the values; a block that
// raises m scales l and o by exp(old m - new m).
#pragma once

#include "compiler/Codegen/AttentionShape.h"
#include "compiler/Codegen/Cpu/Kernels/Attention/AttentionProducts.h"

namespace quipu::cpu {

struct AttentionParams : AttentionShape {
  CacheLayout cache;
};

class AttentionTile {
public:
  // A number of tokens and the most KV heads, both known when the kernel is generated. The query heads of a KV head
  // times the tokens are the rows that each key and value loaded serves. Block by block of positions the tile goes over
  // its KV heads: in a page they lie side by side, and memory is read fastest in order.
  AttentionTile(KernelBuilder &b, const AttentionParams &p, int64_t tokens, int64_t mostHeads);

  // Scratch of a tile; one piece serves every tile in turn.
  int64_t scratchBytes() const { return mostHeads * stateBytes() + transientBytes(); }

  // What a tile is of. Packs its queries into scratch.
  struct Item {
    Value firstToken, firstHead, heads, pages;
  };
  void begin(Value scratch, const Item &item);

  // Which part of the positions: blocks [firstBlock, lastBlock). Unless it is `alone` its result goes to `partial`, the
  // part of all heads. Null: all positions.
  struct Part {
    Value firstBlock, lastBlock, alone, partial;
  };
  // The part that the worker does next: its number and its first block.
  struct NextPart {
    Value number, firstBlock;
  };
  // `takeNext` is asked while the last block is worked on, so that the next part's first keys and values come from
  // memory meanwhile. Gives the number; null without takeNext.
  Value generate(const Part &part, llvm::function_ref<NextPart()> takeNext = nullptr);

private:
  int64_t stateBytes() const;     // of a KV head
  int64_t transientBytes() const; // of a row

  // Makes a KV head of the tile, by its number in it, the one that what follows is about.
  void enterHead(Value headOfTile);
  // Finds what will be read soon after the head that is entered, at the block from `page` on: another head of it, or of
  // a later one; behind `end` that from `afterwards` on.
  void lookAhead(Value headOfTile, Value page, Value end, Value afterwards);
  void forHeads(llvm::function_ref<void(Value headOfTile)> body);
  void clearState();
  Value position(int64_t tokenOfTile);
  Value rowAddress(const char *operand, int64_t row);
  // The block of a page; a page past the last one is the last one again.
  Value pageBlock(Value page) { return blockIn(cacheHead, page); }
  Value blockIn(Value cacheHead, Value page);
  // Calls body(first, count) for pieces of `most` that cover `total`: a loop, and what is left.
  void inPieces(int64_t total, int64_t most, llvm::function_ref<void(Value, int64_t)> body);

  // scores[row][i of block] = scale * q . k, masked. Pages past the end (of the last block only) are masked whole.
  void scoreBlock(Value page, Value end);
  void scorePages(Value page, int64_t pages, int64_t rowsAtOnce, Value column);
  Value soonNeeded(Value page);
  // Scores of a row as the softmax takes them: with a softcap, what multiplies them (of bytes) is done already.
  Value capped(Value score, Value row);
  // Scores of positions first .. first + lanes - 1, for the query of a token of the tile.
  Value masked(Value score, Value tokenOfTile, Value first);
  AttentionProducts::ValueScales valueScales(Value page);
  // Scores of some rows become weights, m and l move on, and o = o * correction + factor * weights . v.
  void weighPiece(Value page, Value end, Value row, int64_t rows, const AttentionProducts::ValueScales &scales);
  // Some rows of a block: scores, by row, the largest of each, what they are still to be multiplied with (bytes only),
  // and whether a weight of them is so large beside all before that weights need 16 bits (bytes only).
  struct Piece {
    Value row;
    int64_t rows;
    llvm::SmallVector<Values> scores;
    Values largest, queryScales;
    Value fine;
  };
  Piece loadPiece(Value row, int64_t rows);
  // Gives the sum of each row's weights.
  Values storeWeights(Value page, const Piece &piece, const AttentionProducts::WeightUnit &unit);
  // What o and a block's values are multiplied with, of each row of a piece.
  struct Raised {
    Value correction, factor;
  };
  Raised raise(Value row, llvm::ArrayRef<Value> largest, llvm::ArrayRef<Value> blockSums);
  void accumulatePiece(Value page, Value end, Value row, int64_t rows, bool fine,
                       const AttentionProducts::WeightUnit &unit, const Raised &raised);
  void storeRows();
  // What attention_merge reads: o, not divided yet, m and l of each row.
  void storePartial(Value partial);

  KernelBuilder &b;
  const AttentionParams &p;
  AttentionProducts products;
  int64_t lanes, tokens, mostHeads, rowCount;
  int64_t positionVectors; // vectors a page's positions fill
  int64_t valueVectors;    // vectors a padded head fills
  int64_t rowLanes;        // rows, filled up to whole vectors
  // Cache lines of a page's values that are soon needed (0: nobody asks), and how many of them each row asks for when
  // it makes weights; weighted sums ask for the rest, and scores for keys. Memory would stand still in a phase without.
  int64_t valueLines, softmaxLines;
  Value state, weights, scores;
  Value token, firstHead, headCount, pageList, lastPosition, lastPage;
  // Of the KV head that is entered.
  Value queries, outputs, maxima, sums, coarseBelow, head, cacheHead;
  Value soonHead, soonPages; // another one's, and how many pages later (or earlier)
};

} // namespace quipu::cpu
