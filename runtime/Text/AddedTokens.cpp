#include "runtime/Text/AddedTokens.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/UnicodeClasses.h"

#include <algorithm>

namespace quipu {

namespace {

char32_t firstCharacter(std::string_view text) { return scanUtf8(text).codePoint; }

size_t lastCharacterBegin(std::string_view text) {
  size_t begin = text.size() - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
    --begin;
  return begin;
}

bool startsWithWord(std::string_view text) { return !text.empty() && isWordCharacter(firstCharacter(text)); }

bool endsWithWord(std::string_view text) {
  return !text.empty() && isWordCharacter(firstCharacter(text.substr(lastCharacterBegin(text))));
}

size_t leadingSpace(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && isWhiteSpace(firstCharacter(text.substr(at))))
    at += scanUtf8(text.substr(at)).length;
  return at;
}

size_t withoutTrailingSpace(std::string_view text) {
  while (!text.empty()) {
    size_t begin = lastCharacterBegin(text);
    if (!isWhiteSpace(firstCharacter(text.substr(begin))))
      break;
    text = text.substr(0, begin);
  }
  return text.size();
}

} // namespace

Expected<void> AddedTokens::add(AddedToken token) {
  if (token.content.empty())
    return makeError("the added token with id {} has no content", token.id);
  if (!ids.emplace(token.id, tokens.size()).second)
    return makeError("two added tokens have the id {}", token.id);
  if (!contents.emplace(token.content, tokens.size()).second)
    return makeError("the added token '{}' is given twice", token.content);
  tokens.push_back(std::move(token));
  return {};
}

void AddedTokens::Trie::add(std::string_view content, int32_t token) {
  if (content.empty())
    return;
  startsToken[static_cast<uint8_t>(content[0])] = true;
  int32_t node = 0;
  for (uint8_t byte : content) {
    int32_t next = child(node, byte);
    if (next < 0) {
      next = static_cast<int32_t>(nodes.size());
      nodes.push_back({byte, -1, nodes[node].firstChild});
      nodes[node].firstChild = next;
    }
    node = next;
  }
  if (nodes[node].token < 0) // of two tokens with one normalised form the first is found
    nodes[node].token = token;
}

int32_t AddedTokens::Trie::child(int32_t node, uint8_t byte) const {
  int32_t next = nodes[node].firstChild;
  while (next >= 0 && nodes[next].byte != byte)
    next = nodes[next].sibling;
  return next;
}

std::pair<int32_t, size_t> AddedTokens::Trie::longest(std::string_view text) const {
  std::pair<int32_t, size_t> best = {-1, 0};
  int32_t node = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    node = child(node, static_cast<uint8_t>(text[i]));
    if (node < 0)
      break;
    if (nodes[node].token >= 0)
      best = {nodes[node].token, i + 1};
  }
  return best;
}

std::vector<AddedTokens::Part> AddedTokens::split(std::string_view text, Stage stage, bool parseSpecial) const {
  const Trie &trie = stage == Stage::GivenText ? given : normalized;
  std::vector<Part> parts;
  for (size_t at = 0; at < text.size();) {
    if (!trie.startsToken[static_cast<uint8_t>(text[at])]) {
      ++at;
      continue;
    }
    auto [index, length] = trie.longest(text.substr(at));
    if (index >= 0 && (parseSpecial || !tokens[index].special))
      appendMatch(text, at, at + length, tokens[index], parts);
    at += std::max<size_t>(1, length);
  }
  size_t done = parts.empty() ? 0 : parts.back().end;
  if (done < text.size())
    parts.push_back({done, text.size(), -1});
  return parts;
}

void AddedTokens::appendMatch(std::string_view text, size_t begin, size_t end, const AddedToken &token,
                              std::vector<Part> &parts) const {
  if (token.singleWord && (endsWithWord(text.substr(0, begin)) || startsWithWord(text.substr(end))))
    return;
  size_t done = parts.empty() ? 0 : parts.back().end;
  if (begin < done) // the token before took this space along
    begin = done;
  if (token.stripLeft)
    begin = std::max(done, withoutTrailingSpace(text.substr(0, begin)));
  if (token.stripRight)
    end += leadingSpace(text.substr(end));
  if (done < begin)
    parts.push_back({done, begin, -1});
  parts.push_back({begin, std::max(begin, end), token.id});
}

const AddedToken *AddedTokens::byId(int32_t id) const {
  auto it = ids.find(id);
  return it == ids.end() ? nullptr : &tokens[it->second];
}

int32_t AddedTokens::find(std::string_view content) const {
  auto it = contents.find(content);
  return it == contents.end() ? -1 : tokens[it->second].id;
}

} // namespace quipu
