#include "runtime/Text/HuggingFace/WordSplit.h"

#include "runtime/Support/Utf8.h"

#include <algorithm>

namespace quipu {

namespace {

struct Segment {
  Span span;
  bool isMatch;
};

// The word as an unbroken row of segments, from its matches.
void cover(size_t length, const std::vector<Span> &matches, bool invert, std::vector<Segment> &segments) {
  segments.clear();
  size_t at = 0;
  for (const Span &match : matches) {
    if (at != match.begin)
      segments.push_back({{at, match.begin}, invert});
    segments.push_back({match, !invert});
    at = match.end;
  }
  if (at != length)
    segments.push_back({{at, length}, invert});
}

// A match joins the segment before it, unless that is a match too.
void mergeWithPrevious(std::vector<Segment> &segments) {
  bool previousMatch = false;
  size_t kept = 0;
  for (const Segment segment : segments) {
    if (segment.isMatch && !previousMatch && kept > 0)
      segments[kept - 1].span.end = segment.span.end;
    else
      segments[kept++] = segment;
    previousMatch = segment.isMatch;
  }
  segments.resize(kept);
}

void mergeWithNext(std::vector<Segment> &segments) {
  bool nextMatch = false;
  size_t kept = segments.size(); // the kept ones are gathered at the end
  for (size_t i = segments.size(); i-- > 0;) {
    const Segment segment = segments[i];
    if (segment.isMatch && !nextMatch && kept < segments.size())
      segments[kept].span.begin = segment.span.begin;
    else
      segments[--kept] = segment;
    nextMatch = segment.isMatch;
  }
  segments.erase(segments.begin(), segments.begin() + static_cast<ptrdiff_t>(kept));
}

// Neighbours of one kind join.
void mergeContiguous(std::vector<Segment> &segments) {
  size_t kept = 0;
  for (const Segment segment : segments) {
    if (kept > 0 && segments[kept - 1].isMatch == segment.isMatch)
      segments[kept - 1].span.end = segment.span.end;
    else
      segments[kept++] = segment;
  }
  segments.resize(kept);
}

void applyBehavior(std::vector<Segment> &segments, SplitBehavior behavior) {
  switch (behavior) {
  case SplitBehavior::Isolated:
    return;
  case SplitBehavior::Removed: {
    auto isMatch = [](const Segment &segment) { return segment.isMatch; };
    segments.erase(std::remove_if(segments.begin(), segments.end(), isMatch), segments.end());
    return;
  }
  case SplitBehavior::MergedWithPrevious:
    return mergeWithPrevious(segments);
  case SplitBehavior::MergedWithNext:
    return mergeWithNext(segments);
  case SplitBehavior::Contiguous:
    return mergeContiguous(segments);
  }
}

// `find(word)` gives Expected<const std::vector<Span> *>.
template <typename Find> Expected<void> splitEach(WordList &list, SplitBehavior behavior, bool invert, Find find) {
  std::vector<Span> words;
  words.reserve(list.words.size());
  std::vector<Segment> segments;
  for (const Span &word : list.words) {
    auto matches = find(list.word(word));
    if (!matches)
      return passError(std::move(matches));
    cover(word.end - word.begin, **matches, invert, segments);
    applyBehavior(segments, behavior);
    for (const Segment &segment : segments)
      if (segment.span.begin != segment.span.end)
        words.push_back({word.begin + segment.span.begin, word.begin + segment.span.end});
  }
  list.words = std::move(words);
  return {};
}

} // namespace

Expected<void> splitWords(WordList &list, const TextPattern &pattern, SplitBehavior behavior, bool invert) {
  PatternSearch search(pattern);
  return splitEach(list, behavior, invert, [&](std::string_view word) { return search.matches(word); });
}

void splitWords(WordList &list, bool (*isDelimiter)(char32_t), SplitBehavior behavior) {
  std::vector<Span> matches;
  auto find = [&](std::string_view word) -> Expected<const std::vector<Span> *> {
    matches.clear();
    for (size_t at = 0; at < word.size();) {
      Utf8Scan scan = scanUtf8(word.substr(at, 4));
      if (isDelimiter(scan.codePoint))
        matches.push_back({at, at + scan.length});
      at += scan.length;
    }
    return &matches;
  };
  (void)splitEach(list, behavior, /*invert=*/false, find); // this search cannot fail
}

} // namespace quipu
