#include "runtime/Text/HuggingFace/ByteLevel.h"

#include "runtime/Support/Utf8.h"

#include <array>

namespace quipu {

namespace {

struct Alphabet {
  std::array<char32_t, 256> characterOf;
  std::array<int, 0x144> byteOf; // -1: not in the alphabet, whose last character is U+0143

  Alphabet() {
    byteOf.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      characterOf[byte] = printable ? static_cast<char32_t>(byte) : next++;
      byteOf[characterOf[byte]] = byte;
    }
  }
};

const Alphabet &alphabet() {
  static const Alphabet instance;
  return instance;
}

} // namespace

void appendByteLevel(std::string &out, std::string_view bytes) {
  const Alphabet &letters = alphabet();
  for (unsigned char byte : bytes)
    appendUtf8(out, letters.characterOf[byte]);
}

void appendFromByteLevel(std::string &out, std::string_view token) {
  const Alphabet &letters = alphabet();
  size_t start = out.size();
  for (size_t at = 0; at < token.size();) {
    Utf8Scan scan = scanUtf8(token.substr(at, 4));
    int byte = scan.codePoint < letters.byteOf.size() ? letters.byteOf[scan.codePoint] : -1;
    if (scan.kind != Utf8Scan::Complete || byte < 0) {
      out.resize(start);
      out.append(token);
      return;
    }
    out.push_back(static_cast<char>(byte));
    at += scan.length;
  }
}

} // namespace quipu
