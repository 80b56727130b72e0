#include "compiler/Quantization/WeightPiece.h"

#include <charconv>
#include <vector>

namespace quipu {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> words;
  for (size_t end; !text.empty(); text.remove_prefix(std::min(text.size(), end + 1))) {
    end = std::min(text.find(at), text.size());
    words.push_back(text.substr(0, end));
  }
  return words;
}

template <typename Number> bool read(std::string_view text, Number &number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool readRuns(std::string_view text, WeightPiece::Runs &runs) {
  std::vector<std::string_view> parts = split(text, ':');
  return parts.size() == 4 && read(parts[0], runs.first) && read(parts[1], runs.size) && read(parts[2], runs.stride) &&
         read(parts[3], runs.count) && runs.first >= 0 && runs.size > 0 && runs.stride >= 0 && runs.count > 0;
}

} // namespace

Expected<WeightPiece> WeightPiece::parse(std::string_view text) {
  std::vector<std::string_view> words = split(text, ' ');
  WeightPiece piece;
  size_t at = 0;
  // The next word; empty at the end.
  auto take = [&]() -> std::string_view {
    if (at == words.size())
      return {};
    at += 1;
    return words[at - 1];
  };
  auto takeKeyword = [&](std::string_view keyword) {
    bool isThere = at < words.size() && words[at] == keyword;
    at += isThere;
    return isThere;
  };
  piece.tensor = take();
  bool valid = !piece.tensor.empty();
  piece.transposed = takeKeyword("transposed");
  if (takeKeyword("rows"))
    valid = readRuns(take(), piece.runs) && valid;
  if (takeKeyword("times"))
    valid = read(take(), piece.scale) && valid;
  if (takeKeyword("plus"))
    valid = read(take(), piece.add) && valid;
  if (!valid || at != words.size())
    return makeError("weight '{}': expected NAME [transposed] [rows FIRST:SIZE:STRIDE:COUNT] [times SCALE] [plus ADD]",
                     text);
  return piece;
}

WeightPiece WeightPiece::ofExpert(int64_t expert, int64_t rows) const {
  WeightPiece piece = *this;
  if (size_t star = tensor.find('*'); star != std::string::npos)
    piece.tensor.replace(star, 1, std::to_string(expert));
  else
    piece.runs = {expert * rows, rows, 0, 1};
  return piece;
}

std::string WeightPiece::print() const {
  std::string text = tensor;
  if (transposed)
    text += " transposed";
  if (!takesAllRows())
    text += fmt::format(" rows {}:{}:{}:{}", runs.first, runs.size, runs.stride, runs.count);
  if (scale != 1)
    text += fmt::format(" times {}", scale);
  if (add != 0)
    text += fmt::format(" plus {}", add);
  return text;
}

} // namespace quipu
