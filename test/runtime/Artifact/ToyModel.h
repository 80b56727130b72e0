// A model small enough to compute by hand, as an artifact with kernels written by hand: what the runtime is tested with
// where there is no compiler.
//
//   x[t] = table[ids[t]]                                   table [11, 4], whole numbers from 0 to 4
//   y[t] = 1 + sum over p <= position of (p + 1) * x[p]    over the token's own sequence, through the KV cache
//   logits[r] = head y[rows[r]]                            head [11, 4], whole numbers from -6 to 6
//   sampled[r] = the first of the largest of logits[r], less the repetition penalty for tokens that were seen, plus
//                temperature times the upper 24 bits of the token's noise; the rest of a row's sampling changes nothing
//
// All values are whole and small, so every order of addition gives the same floats.
#pragma once

#include "runtime/Artifact/RowSampling.h"
#include "runtime/Artifact/Writer/ArtifactWriter.h"
#include "test/runtime/Artifact/ToySampling.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quipu::toy {

constexpr uint32_t width = 4;
constexpr int32_t eos = 10;

struct Options {
  uint32_t maxContext = 64;
  uint32_t maxSequences = 4;
  uint32_t maxBatchTokens = 24;
  uint32_t maxRows = 5;
  std::vector<std::string> features; // that the target needs
};

ArtifactContents contents(const Options &options = {});
// Writes the artifact; fails the test on an error.
void write(const std::string &path, const Options &options = {}, WeightPlacement placement = WeightPlacement::Embed);

// The logits at the last position of these tokens, by the formula above.
std::vector<float> logitsOf(const std::vector<int32_t> &ids);
// The token of a row by that formula, of a sequence that has these tokens.
int32_t sampleOf(std::vector<float> logits, const RowSampling &sampling, const std::vector<int32_t> &seen);
// Greedy continuation by that formula, ended by eos.
std::vector<int32_t> greedy(std::vector<int32_t> ids, uint32_t maxNew);

// A folder that is removed with everything in it.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string file(const std::string &name) const { return path + "/" + name; }
  std::string path;
};

std::string readFile(const std::string &path);
void writeFile(const std::string &path, const std::string &bytes);
// Changes bits of one byte in place.
void flipByte(const std::string &path, uint64_t at, unsigned char bits);

} // namespace quipu::toy
