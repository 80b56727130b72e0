// Which storage format each matrix of a model gets.
#pragma once

#include "runtime/Artifact/StorageFormat.h"
#include "runtime/Support/Error.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/GlobPattern.h"

#include <string>
#include <vector>

namespace quipu::lm {

// What a matrix is for, as far as it counts for its format.
enum class MatrixUse {
  Product,
  Table,  // read by rows (the embedding), or makes the logits
  Router, // decides which experts a token goes to
};

class StoragePolicy {
public:
  // `storage` is the name of a format, "4bit" for the best one of about four bits, or empty for what the checkpoint has
  // each tensor in. `rules` are PATTERN=FORMAT; a pattern stands for whole tensor names, with * and ? as in a shell.
  // Errors name the part that is wrong.
  static Expected<StoragePolicy> create(llvm::StringRef storage, llvm::ArrayRef<std::string> rules);

  // A matrix by its name in the checkpoint; `own` is its format there. The first pattern that matches decides, else the
  // storage: but a table is kept in q8_0 where the storage has less than six bits. Each of its rows is used for itself
  // and its error reaches the logits at once, where those of the layers between average out. A router keeps its own
  // format where the storage is blocks: another choice of experts is an error that nothing averages out.
  const StorageFormat *formatOf(llvm::StringRef name, const StorageFormat *own, MatrixUse use);

  // Whether a rule or the storage names a format for the matrix.
  bool isAsked(llvm::StringRef name) const;

  // Whether the storage or a rule names a format of blocks.
  bool asksForBlocks() const;

  // An error that names the first rule that has decided about no matrix so far, and why; `matrices` are the
  // names there are.
  Expected<> checkRulesUsed(const std::string &matrices) const;

  // The format for rows that are no whole blocks of `wanted`: the nearest of smaller blocks that fits, at last bf16.
  static const StorageFormat &fitting(const StorageFormat &wanted, int64_t columns);

private:
  struct Rule {
    std::string text;
    llvm::GlobPattern pattern;
    const StorageFormat *format;
    bool used = false;
    bool late = false; // it matches a matrix, and a rule before it has decided
  };

  const StorageFormat *storage = nullptr; // null: as the checkpoint
  std::vector<Rule> rules;
};

} // namespace quipu::lm
