#include "models/import/SafetensorsHeader.h"

#include "models/config/JsonFile.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

namespace quipu::models {

namespace {

using nlohmann::json;

constexpr size_t maxRank = 16;

class HeaderReader final : public nlohmann::json_sax<json> {
public:
  explicit HeaderReader(const std::string &file) : file(file) {}

  std::vector<SafetensorsEntry> entries;
  std::optional<Error> error;

  bool start_object(size_t) override {
    switch (place) {
    case Place::Start:
      place = Place::Header;
      return true;
    case Place::HeaderValue:
      place = inMetadata() ? Place::Metadata : Place::Tensor;
      dtype.reset();
      shape.reset();
      offsets.reset();
      return true;
    default:
      return misfit("an object");
    }
  }

  bool key(json::string_t &key) override {
    if (place == Place::Header) {
      if (!names.insert(key).second)
        return fail("{} is given twice", inQuotes(key));
      name = key;
      place = Place::HeaderValue;
    } else if (place == Place::Metadata) {
      place = Place::MetadataValue;
    } else if (key == "dtype" && !dtype) {
      place = Place::DTypeValue;
    } else if (key == "shape" && !shape) {
      place = Place::ShapeValue;
    } else if (key == "data_offsets" && !offsets) {
      place = Place::OffsetsValue;
    } else {
      return fail("tensor {}: key {} is unknown or given twice", inQuotes(name), inQuotes(key));
    }
    return true;
  }

  bool end_object() override {
    if (place == Place::Tensor && !finishTensor())
      return false;
    place = place == Place::Header ? Place::Start : Place::Header;
    return true;
  }

  bool start_array(size_t) override {
    if (place == Place::ShapeValue) {
      shape.emplace();
      place = Place::Shape;
    } else if (place == Place::OffsetsValue) {
      offsets.emplace();
      place = Place::Offsets;
    } else {
      return misfit("a list");
    }
    return true;
  }

  bool end_array() override {
    place = Place::Tensor;
    return true;
  }

  bool string(json::string_t &value) override {
    if (place == Place::MetadataValue) {
      place = Place::Metadata;
      return true;
    }
    if (place != Place::DTypeValue)
      return misfit("a string");
    dtype = dtypeFromSafetensors(value);
    if (!dtype)
      return fail("tensor {}: dtype {} is unknown", inQuotes(name), inQuotes(value));
    place = Place::Tensor;
    return true;
  }

  bool number_unsigned(json::number_unsigned_t value) override {
    if (place == Place::Shape) {
      if (shape->size() == maxRank)
        return fail("tensor {}: shape has more than {} dimensions", inQuotes(name), maxRank);
      shape->push_back(value);
      return true;
    }
    if (place != Place::Offsets)
      return misfit("a number");
    if (offsets->size() == 2)
      return fail("tensor {}: data_offsets has more than two entries", inQuotes(name));
    offsets->push_back(value);
    return true;
  }

  bool null() override {
    if (place != Place::HeaderValue || !inMetadata()) // some writers put null for no metadata
      return misfit("null");
    place = Place::Header;
    return true;
  }
  bool boolean(bool) override { return misfit("a boolean"); }
  bool number_integer(json::number_integer_t) override { return misfit("a negative number"); }
  bool number_float(json::number_float_t, const json::string_t &) override { return misfit("a fractional number"); }
  bool binary(json::binary_t &) override { return misfit("binary"); }

  bool parse_error(size_t position, const std::string &, const nlohmann::detail::exception &) override {
    return fail("not valid JSON at byte {}", position);
  }

private:
  // Where in the header the next event falls. "...Value" wait for the value of a key just read.
  enum class Place {
    Start,
    Header,
    HeaderValue,
    Metadata,
    MetadataValue,
    Tensor,
    DTypeValue,
    ShapeValue,
    Shape,
    OffsetsValue,
    Offsets
  };

  bool inMetadata() const { return name == "__metadata__"; }

  template <typename... Args> bool fail(fmt::format_string<Args...> format, Args &&...args) {
    error = Error{fmt::format("{}: header: {}", file, fmt::format(format, std::forward<Args>(args)...))};
    return false;
  }

  bool misfit(std::string_view got) {
    switch (place) {
    case Place::Start:
      return fail("expected an object, got {}", got);
    case Place::DTypeValue:
      return fail("tensor {}: dtype is {}; expected a string", inQuotes(name), got);
    case Place::ShapeValue:
    case Place::Shape:
      return fail("tensor {}: shape has {}; expected a list of sizes", inQuotes(name), got);
    case Place::OffsetsValue:
    case Place::Offsets:
      return fail("tensor {}: data_offsets has {}; expected two positions", inQuotes(name), got);
    default:
      return fail("{}: unexpected {}", inQuotes(name), got);
    }
  }

  bool finishTensor() {
    if (!dtype || !shape || !offsets)
      return fail("tensor {}: has no {}", inQuotes(name), !dtype ? "dtype" : !shape ? "shape" : "data_offsets");
    if (offsets->size() != 2)
      return fail("tensor {}: data_offsets has {} entries; expected two", inQuotes(name), offsets->size());
    entries.push_back({name, *dtype, std::move(*shape), (*offsets)[0], (*offsets)[1]});
    return true;
  }

  const std::string &file;
  Place place = Place::Start;
  std::string name; // of the tensor being read
  std::unordered_set<std::string> names;
  std::optional<DType> dtype;
  std::optional<std::vector<uint64_t>> shape, offsets;
};

} // namespace

Expected<std::vector<SafetensorsEntry>> parseSafetensorsHeader(std::string_view text, const std::string &file) {
  HeaderReader reader(file);
  if (!json::sax_parse(text.begin(), text.end(), &reader))
    return tl::unexpected<Error>(*reader.error);
  return std::move(reader.entries);
}

} // namespace quipu::models
