// Tokens that are found in a text as they stand, before anything else is done to it: special tokens such as
// <|im_start|>, and words a tokenizer was extended by.
#pragma once

#include "runtime/Support/Error.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace quipu {

struct AddedToken {
  int32_t id = -1;
  std::string content;
  std::string form; // what is looked for and decoded: the content, normalised if `normalized` is set; made by build()
  bool special = false;
  bool normalized = false; // looked for in the normalised text, not in the given one
  bool singleWord = false; // only where no word character stands beside it
  bool stripLeft = false;  // takes the white space to its left along
  bool stripRight = false;
};

class AddedTokens {
public:
  // A part of a text: an added token, or text between them (id -1).
  struct Part {
    size_t begin, end; // bytes
    int32_t id;
  };

  // An id or content given twice is an error.
  Expected<void> add(AddedToken token);

  // Makes the search trees; `normalize` gives the form in which a token with `normalized` set is looked for.
  template <typename Normalize> Expected<void> build(Normalize normalize);

  enum class Stage { GivenText, NormalizedText };
  // Cuts a text at the tokens of one stage: of all at the leftmost place, the longest. Without `parseSpecial` special
  // tokens are ordinary text.
  std::vector<Part> split(std::string_view text, Stage stage, bool parseSpecial) const;

  // Bytes of the longest token that the text starts with (those looked for in the given text), or 0.
  size_t longestAtStart(std::string_view text) const { return given.longest(text).second; }

  const AddedToken *byId(int32_t id) const;
  int32_t find(std::string_view content) const; // -1: none
  int32_t largestId() const { return ids.empty() ? -1 : ids.rbegin()->first; }
  const std::vector<AddedToken> &all() const { return tokens; }

private:
  // A byte trie. Children of a node form a linked list, which is short but at the root.
  struct Trie {
    struct Node {
      uint8_t byte;
      int32_t firstChild = -1, sibling = -1, token = -1;
    };
    std::vector<Node> nodes = {{0}};
    std::array<bool, 256> startsToken = {};

    void add(std::string_view content, int32_t token);
    int32_t child(int32_t node, uint8_t byte) const;
    // The longest token at the start of the text: its index and length, or -1.
    std::pair<int32_t, size_t> longest(std::string_view text) const;
  };

  void appendMatch(std::string_view text, size_t begin, size_t end, const AddedToken &token,
                   std::vector<Part> &parts) const;

  std::vector<AddedToken> tokens;
  std::map<int32_t, size_t> ids;
  std::map<std::string, size_t, std::less<>> contents;
  Trie given, normalized;
};

template <typename Normalize> Expected<void> AddedTokens::build(Normalize normalize) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    AddedToken &token = tokens[i];
    Expected<std::string> form = token.normalized ? normalize(token.content) : token.content;
    if (!form)
      return passError(std::move(form));
    token.form = std::move(*form);
    (token.normalized ? normalized : given).add(token.form, static_cast<int32_t>(i));
  }
  return {};
}

} // namespace quipu
