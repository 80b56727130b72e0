// Text to token ids and back, with the tokenizer of any model.
#include "models/import/CheckpointTokenizer.h"
#include "runtime/Artifact/Artifact.h"
#include "runtime/Text/Json.h"
#include "runtime/Text/Tokenizer.h"
#include "tools/quipu/Json.h"
#include "tools/quipu/ModelFile.h"

#include <filesystem>
#include <fmt/ranges.h>
#include <iostream>
#include <optional>

namespace quipu::tool {
namespace {

using Json = nlohmann::json;

struct TokenizeOptions {
  std::string model, promptFile = "-";
  std::optional<std::string> prompt;
  std::vector<int32_t> ids; // to decode
  bool onlyIds = false, jsonLines = false;
  bool noSpecialTokens = false, plainText = false;

  EncodeOptions encoding() const { return {!noSpecialTokens, !plainText}; }
};

Expected<std::unique_ptr<Tokenizer>> tokenizerFile(TokenizerFormat format, const std::string &path) {
  auto bytes = readText(path);
  if (!bytes)
    return passError(std::move(bytes));
  TokenizerSettings settings;
  settings.addBos = format == TokenizerFormat::SentencePiece; // as in a folder where nothing says otherwise
  return Tokenizer::fromBytes(format, *bytes, std::move(settings), path);
}

Expected<std::unique_ptr<Tokenizer>> tokenizerOf(const std::string &path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return makeError("{}: no such file or folder", path);
  if (isCheckpoint(path)) {
    auto tokenizer = models::openTokenizer(path);
    if (tokenizer && !*tokenizer)
      return makeError("{}: has no tokenizer", path);
    return tokenizer;
  }
  std::string extension = std::filesystem::path(path).extension();
  if (extension == ".json")
    return tokenizerFile(TokenizerFormat::HuggingFace, path);
  if (extension == ".model")
    return tokenizerFile(TokenizerFormat::SentencePiece, path);
  auto artifact = Artifact::open(path);
  if (!artifact)
    return passError(std::move(artifact));
  if (artifact->tokenizer().empty())
    return makeError("{}: the artifact has no tokenizer", path);
  return Tokenizer::deserialize(artifact->tokenizer());
}

// What a token stands for inside of a text, quoted; bytes that are no whole character are U+FFFD.
std::string quoted(const Tokenizer &tokenizer, int32_t id) {
  return jsonText(Json(tokenizer.decode({id}, {/*skipSpecialTokens=*/false, /*continuesText=*/true})));
}

Expected<> tokenizeText(const Tokenizer &tokenizer, const TokenizeOptions &options) {
  Expected<std::string> text = options.prompt ? *options.prompt : readText(options.promptFile);
  if (!text)
    return passError(std::move(text));
  auto ids = tokenizer.encode(*text, options.encoding());
  if (!ids)
    return makeError("{}: {}", options.prompt ? "-p" : options.promptFile, ids.error().message);
  if (options.onlyIds) {
    fmt::print("{}\n", fmt::join(*ids, ","));
    return {};
  }
  for (int32_t id : *ids)
    fmt::print("{:>7} {}\n", id, quoted(tokenizer, id));
  return {};
}

// The answer to one line: ids of a text, the text of ids, or what was wrong.
Json answer(const Tokenizer &tokenizer, const TokenizeOptions &options, const std::string &line) {
  auto failed = [](const std::string &message) { return Json{{"error", message}}; };
  auto request = parseJson(line, "the line");
  if (!request)
    return failed(request.error().message);
  if (request->is_string()) {
    auto ids = tokenizer.encode(request->get<std::string>(), options.encoding());
    return ids ? Json(*ids) : failed(ids.error().message);
  }
  std::vector<int32_t> ids;
  for (const Json &id : request->is_array() ? *request : Json::array({nullptr})) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX)
      return failed("the line is neither a string nor an array of token ids");
    ids.push_back(id.get<int32_t>());
  }
  return tokenizer.decode(ids, {/*skipSpecialTokens=*/!options.noSpecialTokens});
}

Expected<> tokenizeLines(const Tokenizer &tokenizer, const TokenizeOptions &options) {
  for (std::string line; std::getline(std::cin, line);) {
    fmt::print("{}\n", jsonText(answer(tokenizer, options, line)));
    if (std::fflush(stdout) != 0) // also so that a program may ask line by line; main says why it cannot be written
      return {};
  }
  return {};
}

Expected<> tokenize(const TokenizeOptions &options) {
  auto tokenizer = tokenizerOf(options.model);
  if (!tokenizer)
    return passError(std::move(tokenizer));
  if (options.jsonLines)
    return tokenizeLines(**tokenizer, options);
  if (options.ids.empty())
    return tokenizeText(**tokenizer, options);
  fmt::print("{}\n", (*tokenizer)->decode(options.ids, {/*skipSpecialTokens=*/!options.noSpecialTokens}));
  return {};
}

} // namespace

void addTokenize(CLI::App &app, Action &action) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App *command = app.add_subcommand("tokenize", "Show the tokens of a text, or the text of token ids");
  command
      ->add_option("model", options->model,
                   "artifact (.qpu), checkpoint (folder or GGUF file), or a tokenizer.json or tokenizer.model alone")
      ->required()
      ->type_name("MODEL");
  CLI::Option_group *input = command->add_option_group("input");
  input->add_option("-p,--prompt", options->prompt, "the text")->type_name("TEXT");
  input->add_option("-f,--file", options->promptFile, "file with the text; -: standard input, as without these flags")
      ->type_name("FILE");
  input->add_option("--decode", options->ids, "print the text of these ids instead")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check([](const std::string &word) { return word.empty() ? "an id is missing" : ""; })
      ->type_name("1,2,3");
  CLI::Option *lines =
      input->add_flag("--json-lines", options->jsonLines,
                      "for each line of standard input, a JSON string or an array of ids, print a line with the array "
                      "of its ids, or the string they stand for; {\"error\": ...} where there is none");
  input->require_option(0, 1);
  command->add_flag("--ids", options->onlyIds, "print the ids on one line, as `run --prompt-ids` takes them")
      ->excludes(lines);
  command->add_flag("--no-special-tokens", options->noSpecialTokens,
                    "put no BOS and the like around a text; in the text of ids, show those that are there");
  command->add_flag("--plain-text", options->plainText, "special tokens written in the text are ordinary text");
  command->callback([options, &action] { action = [options] { return tokenize(*options); }; });
}

} // namespace quipu::tool
