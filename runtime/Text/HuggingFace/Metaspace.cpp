#include "runtime/Text/HuggingFace/Metaspace.h"

#include "runtime/Support/Utf8.h"

namespace quipu {

Expected<Metaspace> Metaspace::fromJson(JsonFields &fields) {
  Metaspace metaspace;
  metaspace.replacement = fields.string("replacement", "\xE2\x96\x81");
  if (metaspace.replacement.empty() || scanUtf8(metaspace.replacement).length != metaspace.replacement.size())
    return makeError("{}: Metaspace 'replacement' must be one character", fields.where());
  // Older files say add_prefix_space.
  std::string scheme = fields.string("prepend_scheme", fields.boolean("add_prefix_space", true) ? "always" : "never");
  fields.ignore({"str_rep"}); // a copy of replacement
  if (scheme == "always")
    metaspace.prepend = Prepend::Always;
  else if (scheme == "first")
    metaspace.prepend = Prepend::First;
  else if (scheme == "never")
    metaspace.prepend = Prepend::Never;
  else
    return makeError("{}: Metaspace 'prepend_scheme' must be always, first or never, got '{}'", fields.where(), scheme);
  return metaspace;
}

void Metaspace::appendReplaced(std::string_view word, bool isFirst, std::string &out) const {
  bool prefixed = word[0] == ' ' || word.substr(0, replacement.size()) == replacement;
  if (!prefixed && (prepend == Prepend::Always || (prepend == Prepend::First && isFirst)))
    out.append(replacement);
  for (char c : word) {
    if (c == ' ')
      out.append(replacement);
    else
      out.push_back(c);
  }
}

} // namespace quipu
