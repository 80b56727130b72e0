// Writes GGUF files for tests, good and bad ones.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace quipu::test {

template <typename T> std::string bytesOf(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline std::string ggufString(const std::string &text) { return bytesOf<uint64_t>(text.size()) + text; }

struct GgufWriter {
  enum Type : uint32_t { U8 = 0, U32 = 4, I32 = 5, F32 = 6, Bool = 7, String = 8, Array = 9, U64 = 10 };

  uint32_t version = 3;
  std::string metadata, headers, data;
  uint64_t keys = 0, tensors = 0;
  size_t alignment = 32;

  GgufWriter &raw(const std::string &key, uint32_t type, const std::string &value) {
    metadata += ggufString(key) + bytesOf(type) + value;
    ++keys;
    return *this;
  }
  GgufWriter &u32(const std::string &key, uint32_t value) { return raw(key, U32, bytesOf(value)); }
  GgufWriter &f32(const std::string &key, float value) { return raw(key, F32, bytesOf(value)); }
  GgufWriter &boolean(const std::string &key, bool value) { return raw(key, Bool, bytesOf<uint8_t>(value)); }
  GgufWriter &string(const std::string &key, const std::string &value) { return raw(key, String, ggufString(value)); }
  GgufWriter &array(const std::string &key, uint32_t type, uint64_t count, const std::string &values) {
    return raw(key, Array, bytesOf(type) + bytesOf(count) + values);
  }
  GgufWriter &strings(const std::string &key, const std::vector<std::string> &values) {
    std::string all;
    for (const std::string &value : values)
      all += ggufString(value);
    return array(key, String, values.size(), all);
  }
  template <typename T> GgufWriter &numbers(const std::string &key, uint32_t type, const std::vector<T> &values) {
    std::string all;
    for (T value : values)
      all += bytesOf(value);
    return array(key, type, values.size(), all);
  }

  // A header alone; dims in the file's order, innermost first.
  GgufWriter &header(const std::string &name, const std::vector<uint64_t> &dims, uint32_t type, uint64_t offset) {
    headers += ggufString(name) + bytesOf<uint32_t>(static_cast<uint32_t>(dims.size()));
    for (uint64_t dim : dims)
      headers += bytesOf(dim);
    headers += bytesOf(type) + bytesOf(offset);
    ++tensors;
    return *this;
  }
  // A header and its data behind those before.
  GgufWriter &tensor(const std::string &name, const std::vector<uint64_t> &dims, uint32_t type,
                     const std::string &bytes) {
    data.resize((data.size() + alignment - 1) / alignment * alignment);
    header(name, dims, type, data.size());
    data += bytes;
    return *this;
  }
  GgufWriter &zeros(const std::string &name, const std::vector<uint64_t> &dims) {
    uint64_t bytes = 4;
    for (uint64_t dim : dims)
      bytes *= dim;
    return tensor(name, dims, 0, std::string(bytes, '\0'));
  }

  std::string file() const {
    std::string all = "GGUF" + bytesOf(version) + bytesOf(tensors) + bytesOf(keys) + metadata + headers;
    if (!data.empty())
      all.resize((all.size() + alignment - 1) / alignment * alignment);
    return all + data;
  }
};

// Llama of one layer, width 8, 2 heads over 1, vocabulary 10; all weights zero. `skip` leaves out one tensor.
inline GgufWriter smallGguf(const std::string &skip = "") {
  GgufWriter gguf;
  gguf.string("general.architecture", "llama").u32("llama.embedding_length", 8).u32("llama.block_count", 1);
  gguf.u32("llama.feed_forward_length", 12).u32("llama.attention.head_count", 2);
  gguf.u32("llama.attention.head_count_kv", 1).f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  gguf.u32("llama.context_length", 64).f32("llama.rope.freq_base", 500000);
  std::vector<std::pair<std::string, std::vector<uint64_t>>> all = {
      {"token_embd", {8, 10}},  {"output_norm", {8}},        {"output", {8, 10}},       {"blk.0.attn_norm", {8}},
      {"blk.0.attn_q", {8, 8}}, {"blk.0.attn_k", {8, 4}},    {"blk.0.attn_v", {8, 4}},  {"blk.0.attn_output", {8, 8}},
      {"blk.0.ffn_norm", {8}},  {"blk.0.ffn_gate", {8, 12}}, {"blk.0.ffn_up", {8, 12}}, {"blk.0.ffn_down", {12, 8}}};
  for (const auto &[name, dims] : all)
    if (name != skip)
      gguf.zeros(name + ".weight", dims);
  return gguf;
}

} // namespace quipu::test
