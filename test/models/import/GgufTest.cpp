#include "models/import/gguf/Gguf.h"
#include "models/import/gguf/GgufMetadata.h"
#include "test/models/import/GgufWriter.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace quipu;
using namespace quipu::models;
using test::bytesOf;
using test::GgufWriter;

namespace {

Expected<GgufFile> parse(const std::string &bytes) {
  return GgufFile::parse(reinterpret_cast<const std::byte *>(bytes.data()), bytes.size(), "m.gguf");
}

std::string messageOf(const std::string &bytes) {
  auto file = parse(bytes);
  return file ? "accepted" : file.error().message;
}
std::string messageOf(const GgufWriter &writer) { return messageOf(writer.file()); }

// F32 tensors a [3, 2] and b [2]; the file has the innermost size first.
GgufWriter twoTensors() {
  GgufWriter gguf;
  gguf.string("general.name", "two").u32("n", 7).strings("list", {"x", "", "yz"}).boolean("yes", true);
  gguf.tensor("a", {2, 3}, 0, std::string(24, 'a')).tensor("b", {2}, 0, "12345678");
  return gguf;
}

TEST(Gguf, reads_metadata_and_tensors) {
  std::string bytes = twoTensors().file();
  auto file = parse(bytes);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors.size(), 2u);
  EXPECT_EQ(file->tensors[0].shape, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(file->tensors[1].name, "b");
  EXPECT_EQ(file->tensors[1].dtype, DType::F32);
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(file->tensors[1].data), file->tensors[1].bytes), "12345678");
  GgufMetadata metadata(*file);
  EXPECT_EQ(metadata.string("general.name"), "two");
  EXPECT_EQ(metadata.integer("n"), 7);
  EXPECT_EQ(metadata.boolean("yes"), true);
  EXPECT_EQ(metadata.strings("list"), (std::vector<std::string_view>{"x", "", "yz"}));
  EXPECT_EQ(metadata.integer("absent"), std::nullopt);
  EXPECT_FALSE(metadata.error());
  metadata.strings("n");
  ASSERT_TRUE(metadata.error());
  EXPECT_EQ(metadata.error()->message, "m.gguf: n has the type u32; expected an array of strings");
}

TEST(Gguf, version_2_and_other_alignments_are_read) {
  GgufWriter gguf;
  gguf.version = 2;
  gguf.alignment = 8;
  gguf.u32("general.alignment", 8).tensor("a", {2}, 0, "12345678").tensor("b", {1}, 0, "abcd");
  std::string bytes = gguf.file();
  auto file = parse(bytes);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->tensors[1].offset, 8u);
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(file->tensors[1].data), 4), "abcd");
}

TEST(Gguf, a_file_cut_anywhere_is_refused) {
  std::string whole = twoTensors().file();
  ASSERT_EQ(messageOf(whole), "accepted");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(messageOf(whole.substr(0, size)), "accepted") << "cut at " << size;
}

TEST(Gguf, other_files_and_versions_are_refused) {
  EXPECT_EQ(messageOf("GGML........................"),
            "m.gguf: is neither a GGUF file nor a model directory in Hugging Face layout");
  EXPECT_EQ(messageOf(""), "m.gguf: is neither a GGUF file nor a model directory in Hugging Face layout");
  for (uint32_t version : {0u, 1u, 4u, 0x03000000u}) {
    GgufWriter gguf;
    gguf.version = version;
    EXPECT_EQ(messageOf(gguf), fmt::format("m.gguf: is GGUF of version {}{}; versions 2 and 3 are supported", version,
                                           version == 0x03000000u ? " (big-endian)" : ""));
  }
}

TEST(Gguf, counts_and_lengths_beyond_the_file_are_refused) {
  const char *tail = ", more than the 0 bytes left can hold; the file is truncated or damaged";
  GgufWriter gguf;
  gguf.keys = ~uint64_t(0);
  EXPECT_EQ(messageOf(gguf), std::string("m.gguf: the number of metadata keys is 18446744073709551615") + tail);
  gguf.keys = 0;
  gguf.tensors = uint64_t(1) << 60;
  EXPECT_EQ(messageOf(gguf), std::string("m.gguf: the number of tensors is 1152921504606846976") + tail);
  EXPECT_EQ(messageOf(GgufWriter().array("a", GgufWriter::String, uint64_t(1) << 61, "")),
            std::string("m.gguf: the length of a metadata array is 2305843009213693952") + tail);
  // 2^62 values of 4 bytes are 0 bytes modulo 2^64.
  EXPECT_EQ(messageOf(GgufWriter().array("a", GgufWriter::F32, uint64_t(1) << 62, "")),
            std::string("m.gguf: the length of a metadata array is 4611686018427387904") + tail);
  EXPECT_EQ(messageOf(GgufWriter().raw("a", GgufWriter::String, bytesOf(~uint64_t(0)) + "xy")),
            "m.gguf: a metadata string at byte 45 reaches 18446744073709551613 bytes beyond the end; the file is "
            "truncated or damaged");
}

TEST(Gguf, bad_metadata_is_refused) {
  EXPECT_EQ(messageOf(GgufWriter().raw("a", 13, "x")), "m.gguf: 'a' has the value type 13, which is unknown");
  EXPECT_EQ(messageOf(GgufWriter().array("a", 99, 1, "x")), "m.gguf: 'a' has the value type 99, which is unknown");
  EXPECT_EQ(messageOf(GgufWriter().array("a", GgufWriter::Array, 0, "")),
            "m.gguf: 'a' is an array of arrays, which is not supported");
  EXPECT_EQ(messageOf(GgufWriter().raw("a", GgufWriter::Bool, "\2")),
            "m.gguf: 'a' has a truth value that is neither 0 nor 1");
  EXPECT_EQ(messageOf(GgufWriter().u32("a", 1).u32("a", 1)), "m.gguf: the metadata key 'a' is given twice");
  for (uint32_t alignment : {0u, 3u, 48u})
    EXPECT_EQ(messageOf(GgufWriter().u32("general.alignment", alignment)),
              fmt::format("m.gguf: general.alignment is {}; expected a power of two of type U32", alignment));
  EXPECT_EQ(messageOf(GgufWriter().string("general.alignment", "32")),
            "m.gguf: general.alignment is 0; expected a power of two of type U32");
}

TEST(Gguf, bad_tensor_headers_are_refused) {
  auto headerOf = [](const std::vector<uint64_t> &dims, uint32_t type, uint64_t offset = 0) {
    GgufWriter gguf;
    gguf.header("t", dims, type, offset).data.assign(64, '\1');
    return messageOf(gguf);
  };
  EXPECT_EQ(headerOf({16}, 0), "accepted");
  EXPECT_EQ(headerOf({1, 1, 1, 1, 1}, 0), "m.gguf: tensor 't' has 5 dimensions; expected at most 4");
  for (uint32_t type : {4u, 5u, 31u, 36u, 43u, 0xffffffffu})
    EXPECT_EQ(headerOf({16}, type), fmt::format("m.gguf: tensor 't' has the type {}, which is unknown", type));
  EXPECT_EQ(headerOf({uint64_t(1) << 32, uint64_t(1) << 32}, 0),
            "m.gguf: tensor 't' has the shape [4294967296, 4294967296], which is too large");
  EXPECT_EQ(headerOf({uint64_t(1) << 62}, 0),
            "m.gguf: tensor 't' has the shape [4611686018427387904], which is too large");
  EXPECT_EQ(headerOf({~uint64_t(0)}, 0), "m.gguf: tensor 't' has the shape [-1], which is too large");
  EXPECT_EQ(headerOf({33}, 8), "m.gguf: tensor 't' of Q8_0 has rows of 33 elements; expected a multiple of 32");
  EXPECT_EQ(headerOf({16}, 0, 4),
            "m.gguf: tensor 't' has the offset 4; expected a multiple of the alignment, which is 32");
  EXPECT_EQ(headerOf({17}, 0),
            "m.gguf: tensor 't' takes 68 bytes from offset 0, but there are 64 bytes of data; the file is truncated");
  EXPECT_EQ(headerOf({1}, 0, ~uint64_t(31)), "m.gguf: tensor 't' takes 4 bytes from offset 18446744073709551584, but "
                                             "there are 64 bytes of data; the file is truncated");
  GgufWriter overlapping;
  overlapping.header("a", {16}, 0, 0).header("b", {1}, 0, 32).data.assign(64, '\1');
  EXPECT_EQ(messageOf(overlapping), "m.gguf: tensors 'a' and 'b' overlap");
  GgufWriter twice;
  twice.zeros("a", {1}).zeros("a", {1});
  EXPECT_EQ(messageOf(twice), "m.gguf: tensor 'a' is given twice");
}

// Sizes of ggml's block structures.
TEST(Gguf, quantised_types_are_known_by_name_and_size) {
  struct Row {
    uint32_t number;
    const char *name;
    uint64_t elements;
    size_t bytes;
  };
  for (Row row : {Row{2, "Q4_0", 32, 18}, Row{8, "Q8_0", 32, 34}, Row{12, "Q4_K", 256, 144}, Row{14, "Q6_K", 256, 210},
                  Row{20, "IQ4_NL", 32, 18}, Row{30, "BF16", 1, 2}, Row{39, "MXFP4", 32, 17}, Row{3, "Q4_1", 32, 20},
                  Row{6, "Q5_0", 32, 22}, Row{7, "Q5_1", 32, 24}, Row{10, "Q2_K", 256, 84}, Row{11, "Q3_K", 256, 110},
                  Row{13, "Q5_K", 256, 176}, Row{23, "IQ4_XS", 256, 136}, Row{40, "NVFP4", 64, 36},
                  Row{41, "Q1_0", 128, 18}, Row{42, "Q2_0", 64, 18}}) {
    GgufWriter gguf;
    gguf.tensor("t", {2 * row.elements, 3}, row.number, std::string(6 * row.bytes, '\0'));
    std::string bytes = gguf.file();
    auto file = parse(bytes);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(dtypeName(file->tensors[0].dtype), row.name);
    EXPECT_EQ(file->tensors[0].bytes, 6 * row.bytes);
    EXPECT_NE(messageOf(bytes.substr(0, bytes.size() - 1)), "accepted");
  }
}

TEST(Gguf, flipped_bits_never_crash) {
  std::string whole = test::smallGguf().file();
  for (size_t i = 0; i < std::min<size_t>(whole.size(), 1400); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ 1 << bit);
      EXPECT_EQ(messageOf(damaged).find('\n'), std::string::npos);
    }
}

} // namespace
