#include "models/import/gguf/Gguf.h"

#include "models/config/JsonFile.h"
#include "runtime/Support/Rounding.h"

#include <algorithm>
#include <cstring>
#include <fmt/ranges.h>
#include <optional>
#include <unordered_set>

namespace quipu::models {

namespace {

// The least bytes an entry takes, which bounds how many can be in a file.
constexpr size_t leastMetadata = 8 + 4 + 1; // key length, type, one byte of value
constexpr size_t leastTensor = 8 + 4 + 4 + 8;
constexpr uint32_t mostDimensions = 4; // ggml's GGML_MAX_DIMS
constexpr uint64_t defaultAlignment = 32;

// Bytes of one value; 0 for those of no fixed size.
size_t sizeOf(GgufType type) {
  switch (type) {
  case GgufType::U8:
  case GgufType::I8:
  case GgufType::Bool:
    return 1;
  case GgufType::U16:
  case GgufType::I16:
    return 2;
  case GgufType::U32:
  case GgufType::I32:
  case GgufType::F32:
    return 4;
  case GgufType::U64:
  case GgufType::I64:
  case GgufType::F64:
    return 8;
  case GgufType::String:
  case GgufType::Array:
    return 0;
  }
  return 0;
}

// Takes the file apart from front to back and keeps the first fault; after it every read gives zeros.
class Reader {
public:
  Reader(GgufFile &file, std::string_view bytes) : file(file), whole(bytes), rest(bytes) {}

  Expected<> read() {
    readHeader();
    for (uint64_t i = 0; i < metadataCount && !error; ++i)
      readMetadata();
    findAlignment();
    for (uint64_t i = 0; i < tensorCount && !error; ++i)
      readTensor();
    placeTensors();
    if (error)
      return tl::unexpected<Error>(*error);
    return {};
  }

private:
  template <typename... Args> void fail(fmt::format_string<Args...> format, Args &&...args) {
    if (!error)
      error = Error{file.name + ": " + fmt::format(format, std::forward<Args>(args)...)};
  }

  std::string_view take(uint64_t bytes, const char *what) {
    if (bytes > rest.size())
      fail("{} at byte {} reaches {} bytes beyond the end; the file is truncated or damaged", what,
           whole.size() - rest.size(), bytes - rest.size());
    if (error)
      return {};
    std::string_view taken = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return taken;
  }

  template <typename T> T number(const char *what) {
    T value = 0;
    if (std::string_view bytes = take(sizeof(T), what); bytes.size() == sizeof(T))
      bytes.copy(reinterpret_cast<char *>(&value), sizeof value); // little-endian, as every machine we run on
    return value;
  }

  std::string_view string(const char *what) { return take(number<uint64_t>(what), what); }

  uint64_t count(const char *what, size_t leastBytes) {
    uint64_t value = number<uint64_t>(what);
    if (value > rest.size() / leastBytes)
      fail("{} is {}, more than the {} bytes left can hold; the file is truncated or damaged", what, value,
           rest.size());
    return error ? 0 : value;
  }

  void readHeader() {
    if (whole.substr(0, ggufMagic.size()) != ggufMagic)
      return fail("is neither a GGUF file nor a model directory in Hugging Face layout");
    take(ggufMagic.size(), "the magic");
    uint32_t version = number<uint32_t>("the version");
    if (!error && version != 2 && version != 3)
      return fail("is GGUF of version {}{}; versions 2 and 3 are supported", version,
                  version && (version & 0xffff) == 0 ? " (big-endian)" : "");
    tensorCount = number<uint64_t>("the number of tensors");
    metadataCount = count("the number of metadata keys", leastMetadata);
    if (tensorCount > rest.size() / leastTensor)
      fail("the number of tensors is {}, more than the {} bytes left can hold; the file is truncated or damaged",
           tensorCount, rest.size());
  }

  std::optional<GgufType> valueType(std::string_view key) {
    uint32_t type = number<uint32_t>("the type of a metadata value");
    if (type > static_cast<uint32_t>(GgufType::F64))
      fail("{} has the value type {}, which is unknown", inQuotes(key), type);
    return error ? std::nullopt : std::optional(static_cast<GgufType>(type));
  }

  void readMetadata() {
    std::string_view key = string("a metadata key");
    auto type = valueType(key);
    GgufValue value;
    value.isArray = type == GgufType::Array;
    if (value.isArray) {
      type = valueType(key);
      if (type == GgufType::Array)
        fail("{} is an array of arrays, which is not supported", inQuotes(key));
    }
    if (error)
      return;
    value.type = *type;
    size_t size = sizeOf(value.type);
    if (value.isArray)
      value.count = count("the length of a metadata array", size ? size : sizeof(uint64_t));
    const char *start = rest.data();
    if (size)
      take(value.count * size, "a metadata value"); // count() has checked that it fits
    else
      for (uint64_t i = 0; i < value.count && !error; ++i)
        string("a metadata string");
    if (error)
      return;
    value.bytes = {start, static_cast<size_t>(rest.data() - start)};
    if (value.type == GgufType::Bool && value.bytes.find_first_not_of(std::string_view("\0\1", 2)) != value.bytes.npos)
      fail("{} has a truth value that is neither 0 nor 1", inQuotes(key));
    if (!file.metadata.emplace(key, value).second)
      fail("the metadata key {} is given twice", inQuotes(key));
  }

  void findAlignment() {
    const GgufValue *value = file.find("general.alignment");
    if (error || !value)
      return;
    uint32_t given = 0;
    if (value->type == GgufType::U32 && !value->isArray)
      std::memcpy(&given, value->bytes.data(), sizeof given);
    if (given == 0 || (given & (given - 1)) != 0)
      fail("general.alignment is {}; expected a power of two of type U32", given);
    alignment = given;
  }

  void readTensor() {
    GgufTensor tensor;
    tensor.file = file.name;
    tensor.name = string("a tensor's name");
    uint32_t dimensions = number<uint32_t>("a tensor's number of dimensions");
    if (dimensions > mostDimensions)
      fail("tensor {} has {} dimensions; expected at most {}", inQuotes(tensor.name), dimensions, mostDimensions);
    for (uint32_t i = 0; i < dimensions && !error; ++i)
      tensor.shape.insert(tensor.shape.begin(), number<int64_t>("a tensor's shape"));
    uint32_t type = number<uint32_t>("a tensor's type");
    tensor.offset = number<uint64_t>("a tensor's offset");
    if (error)
      return;
    auto dtype = dtypeFromGguf(type);
    if (!dtype)
      return fail("tensor {} has the type {}, which is unknown", inQuotes(tensor.name), type);
    tensor.dtype = *dtype;
    if (!names.insert(tensor.name).second)
      return fail("tensor {} is given twice", inQuotes(tensor.name));
    measure(tensor);
    file.tensors.push_back(std::move(tensor));
  }

  // Bytes of a tensor; its rows are whole blocks. Sizes are multiplied even past a zero, so that every partial product
  // of an accepted shape is in range.
  void measure(GgufTensor &tensor) {
    int64_t elements = 1, block = static_cast<int64_t>(blockElements(tensor.dtype)), bytes = 0;
    for (int64_t size : tensor.shape)
      if (size < 0 || __builtin_mul_overflow(elements, size, &elements))
        return fail("tensor {} has the shape [{}], which is too large", inQuotes(tensor.name),
                    fmt::join(tensor.shape, ", "));
    if ((tensor.shape.empty() ? 1 : tensor.shape.back()) % block != 0)
      return fail("tensor {} of {} has rows of {} elements; expected a multiple of {}", inQuotes(tensor.name),
                  dtypeName(tensor.dtype), tensor.shape.empty() ? 1 : tensor.shape.back(), block);
    if (__builtin_mul_overflow(elements / block, static_cast<int64_t>(byteSize(tensor.dtype)), &bytes))
      return fail("tensor {} has the shape [{}], which is too large", inQuotes(tensor.name),
                  fmt::join(tensor.shape, ", "));
    tensor.bytes = static_cast<size_t>(bytes);
  }

  void placeTensors() {
    if (error || file.tensors.empty())
      return;
    uint64_t headers = whole.size() - rest.size();
    uint64_t start = roundUp(headers, alignment);
    uint64_t dataBytes = start < whole.size() ? whole.size() - start : 0;
    std::sort(file.tensors.begin(), file.tensors.end(), [](const GgufTensor &a, const GgufTensor &b) {
      return std::tie(a.offset, a.bytes, a.name) < std::tie(b.offset, b.bytes, b.name);
    });
    const GgufTensor *previous = nullptr;
    for (GgufTensor &tensor : file.tensors) {
      if (tensor.offset % alignment != 0)
        return fail("tensor {} has the offset {}; expected a multiple of the alignment, which is {}",
                    inQuotes(tensor.name), tensor.offset, alignment);
      if (tensor.offset > dataBytes || tensor.bytes > dataBytes - tensor.offset)
        return fail("tensor {} takes {} bytes from offset {}, but there are {} bytes of data; the file is truncated",
                    inQuotes(tensor.name), tensor.bytes, tensor.offset, dataBytes);
      if (previous && tensor.offset < previous->offset + previous->bytes)
        return fail("tensors {} and {} overlap", inQuotes(previous->name), inQuotes(tensor.name));
      tensor.data =
          reinterpret_cast<const std::byte *>(whole.data()) + std::min<uint64_t>(start, whole.size()) + tensor.offset;
      previous = &tensor;
    }
  }

  GgufFile &file;
  std::string_view whole, rest;
  uint64_t tensorCount = 0, metadataCount = 0, alignment = defaultAlignment;
  std::unordered_set<std::string_view> names;
  std::optional<Error> error;
};

} // namespace

const GgufValue *GgufFile::find(std::string_view key) const {
  auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &found->second;
}

Expected<GgufFile> GgufFile::parse(const std::byte *data, size_t size, const std::string &name) {
  GgufFile file;
  file.name = name;
  if (auto read = Reader(file, {reinterpret_cast<const char *>(data), size}).read(); !read)
    return passError(std::move(read));
  return file;
}

} // namespace quipu::models
