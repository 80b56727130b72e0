// A tokenizer.json of Hugging Face with a BPE model: normalizer -> pre-tokenizer -> BPE, added tokens around all of it.
#pragma once

#include "runtime/Text/AddedTokens.h"
#include "runtime/Text/HuggingFace/BpeModel.h"
#include "runtime/Text/HuggingFace/Normalizer.h"
#include "runtime/Text/HuggingFace/PostProcessor.h"
#include "runtime/Text/HuggingFace/PreTokenizer.h"
#include "runtime/Text/HuggingFace/TokenDecoder.h"
#include "runtime/Text/TextModel.h"

#include <memory>

namespace quipu {

class HuggingFaceModel final : public TextModel {
public:
  // The whole of a tokenizer.json; errors begin with `name`.
  static Expected<std::unique_ptr<HuggingFaceModel>> fromJson(std::string_view text, const std::string &name);

  // From its parts: `pipeline` is the file without vocabulary and merges.
  static Expected<std::unique_ptr<HuggingFaceModel>> create(const nlohmann::json &pipeline, Vocabulary vocabulary,
                                                            const std::vector<BpeModel::MergeText> &merges,
                                                            const std::string &name);

  // The compact form an artifact carries: the file without vocabulary and merges, then those as tables.
  static Expected<std::unique_ptr<HuggingFaceModel>> fromCompact(std::string_view bytes, const std::string &name);
  std::string toCompact() const;

  Expected<void> encode(std::string_view text, bool parseSpecial, std::vector<int32_t> &ids) const override;
  std::vector<int32_t> before() const override { return postProcessor.before; }
  std::vector<int32_t> after() const override { return postProcessor.after; }
  bool appendDecoded(int32_t id, bool isFirst, std::string &out) const override;
  InvalidBytes invalidBytes() const override { return decoder.invalidBytes(); }
  const LeadingStrip &leadingStrip() const override { return decoder.leadingStrip(); }
  bool isSpecial(int32_t id) const override;
  int32_t find(std::string_view token) const override;
  std::string_view tokenText(int32_t id) const override;
  int32_t size() const override;

private:
  Expected<void> readAddedTokens(const nlohmann::json *list, const std::string &where);
  Expected<void> encodeText(std::string_view text, bool startsInput, bool parseSpecial, SymbolMerger &merger,
                            std::vector<int32_t> &ids) const;

  std::string pipelineText; // the pipeline as JSON, for toCompact
  Normalizer normalizer;
  PreTokenizer preTokenizer;
  BpeModel bpe;
  PostProcessor postProcessor;
  TokenDecoder decoder;
  AddedTokens added;
};

} // namespace quipu
