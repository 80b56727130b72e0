#include "models/import/gguf/GgufParts.h"

#include "models/import/gguf/GgufMetadata.h"

#include <filesystem>

namespace quipu::models {

namespace {

// What "split.no" and "split.count" say; a file by itself is part 0 of 1.
struct Place {
  int64_t index, count;
};

Expected<Place> placeOf(const GgufFile &file) {
  GgufMetadata metadata(file);
  Place place = {metadata.integer("split.no").value_or(0), metadata.integer("split.count").value_or(1)};
  if (!metadata.error() && place.count <= 1)
    return Place{0, 1};
  constexpr int64_t mostParts = 65535; // both are u16 in the files of llama.cpp
  if (!metadata.error() && place.count > mostParts)
    metadata.fail("split.count", fmt::format("is {}; expected at most {}", place.count, mostParts));
  if (!metadata.error() && (place.index < 0 || place.index >= place.count))
    metadata.fail("split.no",
                  fmt::format("is {}; expected less than split.count, which is {}", place.index, place.count));
  if (metadata.error())
    return tl::unexpected<Error>(*metadata.error());
  return place;
}

std::string endOfName(Place place) { return fmt::format("-{:05}-of-{:05}.gguf", place.index + 1, place.count); }

// The path of part `index` by that of another one.
Expected<std::string> pathOfPart(const std::string &path, Place place, int64_t index) {
  std::string end = endOfName(place);
  if (path.size() < end.size() || path.compare(path.size() - end.size(), end.size(), end) != 0)
    return makeError("{}: is part {} of {}; the others are found by its name, which must end in {}", path,
                     place.index + 1, place.count, end);
  return path.substr(0, path.size() - end.size()) + endOfName({index, place.count});
}

// `expected`: of another part than the first.
Expected<> append(GgufParts &parts, const std::string &path, std::optional<Place> expected) {
  auto mapped = MappedFile::open(path);
  if (!mapped)
    return passError(std::move(mapped));
  auto file = GgufFile::parse(mapped->data(), mapped->size(), path);
  if (!file)
    return passError(std::move(file));
  auto place = placeOf(*file);
  if (!place)
    return passError(std::move(place));
  if (expected && (place->index != expected->index || place->count != expected->count))
    return makeError("{}: says that it is part {} of {}, not {} of {}", path, place->index + 1, place->count,
                     expected->index + 1, expected->count);
  if (parts.mapped.empty())
    parts.file = std::move(*file);
  else
    parts.file.tensors.insert(parts.file.tensors.end(), file->tensors.begin(), file->tensors.end());
  parts.mapped.push_back(std::move(*mapped));
  return {};
}

Expected<> appendOther(GgufParts &parts, const std::string &first, Place place) {
  auto path = pathOfPart(first, {0, place.count}, place.index);
  if (!path)
    return passError(std::move(path));
  std::error_code error;
  if (!std::filesystem::exists(*path, error))
    return makeError("{}: is missing; it is part {} of {}, beside {}", *path, place.index + 1, place.count, first);
  return append(parts, *path, place);
}

} // namespace

Expected<GgufParts> GgufParts::open(const std::string &path) {
  GgufParts parts;
  if (auto read = append(parts, path, std::nullopt); !read)
    return passError(std::move(read));
  auto place = placeOf(parts.file);
  if (!place)
    return passError(std::move(place));
  if (place->index != 0) {
    auto first = pathOfPart(path, *place, 0);
    if (!first)
      return passError(std::move(first));
    return makeError("{}: is part {} of {}; name the first one, {}", path, place->index + 1, place->count, *first);
  }
  for (int64_t index = 1; index < place->count; ++index)
    if (auto read = appendOther(parts, path, {index, place->count}); !read)
      return passError(std::move(read));
  GgufMetadata metadata(parts.file);
  auto tensors = int64_t(parts.file.tensors.size());
  if (int64_t expected = metadata.integer("split.tensors.count").value_or(tensors); expected != tensors)
    metadata.fail("split.tensors.count", fmt::format("is {}, but the parts have {} tensors", expected, tensors));
  if (metadata.error())
    return tl::unexpected<Error>(*metadata.error());
  return parts;
}

} // namespace quipu::models
