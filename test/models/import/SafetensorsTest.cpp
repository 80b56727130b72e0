#include "models/import/Safetensors.h"
#include "test/models/import/TemporaryFolder.h"

using namespace quipu;
using namespace quipu::models;
using quipu::test::safetensors;

namespace {

Expected<std::vector<TensorInfo>> parse(const std::string &bytes) {
  return parseSafetensors(reinterpret_cast<const std::byte *>(bytes.data()), bytes.size(), "m.safetensors");
}

std::string messageOf(const std::string &bytes) {
  auto tensors = parse(bytes);
  return tensors ? "accepted" : tensors.error().message;
}

// Message for a header whose data is 16 bytes long.
std::string messageOfHeader(const std::string &header) { return messageOf(safetensors(header, std::string(16, '\1'))); }

constexpr const char *twoTensors = R"({"__metadata__":{"format":"pt"},
  "b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
  "a":{"data_offsets":[8,16],"shape":[2,2],"dtype":"BF16"}})";

TEST(Safetensors, reads_tensors_in_the_order_of_their_offsets) {
  std::string bytes = safetensors(twoTensors, "01234567abcdefgh");
  auto tensors = parse(bytes);
  ASSERT_TRUE(tensors) << tensors.error().message;
  ASSERT_EQ(tensors->size(), 2u);
  const TensorInfo &first = (*tensors)[0], &second = (*tensors)[1];
  EXPECT_EQ(first.name, "b");
  EXPECT_EQ(first.dtype, DType::F32);
  EXPECT_EQ(first.shape, std::vector<int64_t>{2});
  EXPECT_EQ(first.bytes, 8u);
  EXPECT_EQ(first.file, "m.safetensors");
  EXPECT_EQ(second.name, "a");
  EXPECT_EQ(second.dtype, DType::BF16);
  EXPECT_EQ(second.shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(second.data), second.bytes), "abcdefgh");
}

TEST(Safetensors, accepts_scalars_empty_tensors_padding_and_data_at_odd_addresses) {
  auto tensors = parse(safetensors(R"({"s":{"dtype":"U8","shape":[],"data_offsets":[0,1]},
    "e":{"dtype":"F32","shape":[0,7],"data_offsets":[1,1]},"f":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}   )",
                                   "xABCD"));
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_EQ((*tensors)[0].elements(), 1);
  EXPECT_EQ((*tensors)[1].elements(), 0);
  EXPECT_EQ((*tensors)[2].name, "f");
}

TEST(Safetensors, accepts_a_file_without_tensors_and_with_null_metadata) {
  auto tensors = parse(safetensors(R"({"__metadata__":null})", ""));
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_TRUE(tensors->empty());
}

TEST(Safetensors, refuses_a_file_cut_anywhere) {
  std::string whole = safetensors(twoTensors, "01234567abcdefgh");
  ASSERT_EQ(messageOf(whole), "accepted");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(messageOf(whole.substr(0, size)), "accepted") << "cut at " << size;
}

TEST(Safetensors, refuses_bad_header_lengths) {
  EXPECT_EQ(messageOf("1234567"),
            "m.safetensors: is 7 bytes long; a safetensors file begins with 8 bytes of header length");
  std::string huge = safetensors("{}", "");
  huge[0] = 0;
  huge[7] = 0x10; // 2^60
  EXPECT_EQ(messageOf(huge), "m.safetensors: header length is 1152921504606846976, but 2 bytes follow it; the file is "
                             "truncated or no safetensors file");
  EXPECT_EQ(messageOf(std::string(8, '\xff')),
            "m.safetensors: header length is 18446744073709551615, but 0 bytes follow it; the file is truncated or no "
            "safetensors file");
  EXPECT_EQ(messageOf(safetensors(std::string(100'000'001, ' '), "")),
            "m.safetensors: header length is 100000001; expected at most 100000000");
}

TEST(Safetensors, refuses_headers_that_are_no_json) {
  EXPECT_EQ(messageOf(safetensors("", "")), "m.safetensors: header: not valid JSON at byte 1");
  EXPECT_EQ(messageOf(safetensors("{", "")), "m.safetensors: header: not valid JSON at byte 2");
  EXPECT_EQ(messageOf(safetensors("{} x", "")), "m.safetensors: header: not valid JSON at byte 4");
  EXPECT_EQ(messageOf(safetensors("{\"\xff\":{}}", "")), "m.safetensors: header: not valid JSON at byte 3");
}

TEST(Safetensors, refuses_json_that_is_no_header) {
  EXPECT_EQ(messageOf(safetensors("[]", "")), "m.safetensors: header: expected an object, got a list");
  EXPECT_EQ(messageOf(safetensors("7", "")), "m.safetensors: header: expected an object, got a number");
  EXPECT_EQ(messageOfHeader(R"({"a":null})"), "m.safetensors: header: 'a': unexpected null");
  EXPECT_EQ(messageOfHeader(R"({"a":[]})"), "m.safetensors: header: 'a': unexpected a list");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":7}})"),
            "m.safetensors: header: tensor 'a': dtype is a number; expected a string");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":["x"]}})"),
            "m.safetensors: header: tensor 'a': shape has a string; expected a list of sizes");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[-4]}})"),
            "m.safetensors: header: tensor 'a': shape has a negative number; expected a list of sizes");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[4.5]}})"),
            "m.safetensors: header: tensor 'a': shape has a fractional number; expected a list of sizes");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,{}]}})"),
            "m.safetensors: header: tensor 'a': data_offsets has an object; expected two positions");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0]}})"),
            "m.safetensors: header: tensor 'a': data_offsets has 1 entries; expected two");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16,16]}})"),
            "m.safetensors: header: tensor 'a': data_offsets has more than two entries");
  EXPECT_EQ(messageOfHeader(R"({"a":{"shape":[4],"data_offsets":[0,16]}})"),
            "m.safetensors: header: tensor 'a': has no dtype");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","data_offsets":[0,16]}})"),
            "m.safetensors: header: tensor 'a': has no shape");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[4]}})"),
            "m.safetensors: header: tensor 'a': has no data_offsets");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16],"scale":1}})"),
            "m.safetensors: header: tensor 'a': key 'scale' is unknown or given twice");
  EXPECT_EQ(messageOfHeader(R"({"__metadata__":{"format":1}})"),
            "m.safetensors: header: '__metadata__': unexpected a number");
}

TEST(Safetensors, refuses_deep_nesting_without_following_it) {
  EXPECT_EQ(messageOf(safetensors(std::string(10'000'000, '['), "")),
            "m.safetensors: header: expected an object, got a list");
  EXPECT_EQ(messageOf(safetensors(R"({"a":{"shape":)" + std::string(1'000'000, '['), "")),
            "m.safetensors: header: tensor 'a': shape has a list; expected a list of sizes");
}

TEST(Safetensors, refuses_names_and_keys_given_twice) {
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                                "a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})"),
            "m.safetensors: header: 'a' is given twice");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}})"),
            "m.safetensors: header: tensor 'a': key 'dtype' is unknown or given twice");
}

TEST(Safetensors, refuses_an_unknown_dtype) {
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F99","shape":[4],"data_offsets":[0,16]}})"),
            "m.safetensors: header: tensor 'a': dtype 'F99' is unknown");
}

TEST(Safetensors, refuses_sizes_that_differ_from_the_offsets) {
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}})"),
            "m.safetensors: tensor 'a': shape [3] of F32 takes 12 bytes, but data_offsets [0, 16] hold 16");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}})"),
            "m.safetensors: tensor 'a': data_offsets [16, 0] are the wrong way round");
}

TEST(Safetensors, refuses_sizes_that_overflow) {
  // 2^32 * 2^32 * 4 is 0 modulo 2^64, and so is a shape with a zero behind sizes that overflow.
  for (const char *shape : {"4294967296, 4294967296", "18446744073709551615", "9223372036854775808, 0",
                            "4294967296, 4294967296, 0", "2305843009213693952, 4"})
    EXPECT_EQ(messageOfHeader(fmt::format(R"({{"a":{{"dtype":"F32","shape":[{}],"data_offsets":[0,0]}}}})", shape)),
              fmt::format("m.safetensors: tensor 'a': shape [{}] is too large", shape));
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[99999999999999999999999],"data_offsets":[0,0]}})"),
            "m.safetensors: header: tensor 'a': shape has a fractional number; expected a list of sizes");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})"),
            "m.safetensors: header: tensor 'a': shape has more than 16 dimensions");
}

TEST(Safetensors, refuses_a_file_shorter_than_its_header_says) {
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[5],"data_offsets":[0,20]}})"),
            "m.safetensors: tensor 'a': data_offsets [0, 20] lie beyond the 16 bytes of data in the file; it is "
            "truncated");
  EXPECT_EQ(
      messageOfHeader(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551614,18446744073709551615]}})"),
      "m.safetensors: tensor 'a': data_offsets [18446744073709551614, 18446744073709551615] lie beyond the 16 "
      "bytes of data in the file; it is truncated");
}

TEST(Safetensors, refuses_tensors_that_overlap) {
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},
                                "b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})"),
            "m.safetensors: tensors 'a' and 'b' overlap");
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},
                                "b":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})"),
            "m.safetensors: tensors 'a' and 'b' overlap");
}

TEST(Safetensors, refuses_bytes_that_belong_to_no_tensor) {
  EXPECT_EQ(messageOfHeader(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                                "b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})"),
            "m.safetensors: bytes 4 to 8 of the data belong to no tensor");
  EXPECT_EQ(messageOfHeader(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})"),
            "m.safetensors: bytes 0 to 8 of the data belong to no tensor");
  EXPECT_EQ(messageOfHeader(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"),
            "m.safetensors: 8 bytes follow the last tensor and belong to none");
}

TEST(Safetensors, keeps_messages_on_one_line) {
  std::string message = messageOfHeader(R"({"a\nb)" + std::string(5000, 'x') + R"(":{"dtype":"F99"}})");
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_EQ(message.find("m.safetensors: header: tensor 'a\\nbxxx"), 0u);
  EXPECT_LT(message.size(), 250u);
}

} // namespace
