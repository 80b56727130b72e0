#include "runtime/Text/DecodeStream.h"

#include "runtime/Support/Utf8.h"
#include "runtime/Text/TextModel.h"

namespace quipu {

DecodeStream::DecodeStream(const TextModel &model, DecodeOptions options)
    : model(&model), options(options), isFirst(!options.continuesText),
      leftToStrip(options.continuesText ? 0 : model.leadingStrip().count) {}

std::string DecodeStream::push(int32_t id) {
  if (options.skipSpecialTokens && model->isSpecial(id))
    return {};
  isFirst = model->appendDecoded(id, isFirst, pending) && isFirst;
  return takeComplete(/*atEnd=*/false);
}

std::string DecodeStream::finish() { return takeComplete(/*atEnd=*/true); }

std::string DecodeStream::takeComplete(bool atEnd) {
  std::string out;
  std::string_view rest = pending;
  while (!rest.empty()) {
    Utf8Scan scan = scanUtf8(rest);
    if (scan.kind == Utf8Scan::Complete) {
      out.append(rest.substr(0, scan.length));
    } else if (scan.kind == Utf8Scan::Incomplete && !atEnd) {
      break;
    } else {
      bool perByte = model->invalidBytes() == InvalidBytes::PerByte;
      for (unsigned i = 0; i < (perByte ? scan.length : 1); ++i)
        out.append(kReplacementCharacter);
    }
    rest.remove_prefix(scan.length);
  }
  pending.erase(0, pending.size() - rest.size());
  stripLeading(out);
  return out;
}

void DecodeStream::stripLeading(std::string &text) {
  if (leftToStrip == 0 || text.empty())
    return;
  const std::string &character = model->leadingStrip().character;
  size_t at = 0;
  while (leftToStrip > 0 && text.compare(at, character.size(), character) == 0) {
    at += character.size();
    --leftToStrip;
  }
  if (at < text.size())
    leftToStrip = 0;
  text.erase(0, at);
}

} // namespace quipu
