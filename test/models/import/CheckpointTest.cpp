#include "models/import/Checkpoint.h"
#include "models/config/ModelConfig.h"
#include "test/models/import/TemporaryFolder.h"

using namespace quipu;
using namespace quipu::models;
using quipu::test::safetensors;

namespace {

class CheckpointTest : public quipu::test::TemporaryFolder {
protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    write("config.json", R"({"model_type": "llama"})");
  }

  std::string message() const {
    auto checkpoint = Checkpoint::open(folder);
    return checkpoint ? "accepted" : checkpoint.error().message;
  }

  void writeShards() const {
    write("one.safetensors", safetensors(R"({"b":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}})", "bb"));
    write("two.safetensors", safetensors(R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},
                                             "c":{"dtype":"F32","shape":[2],"data_offsets":[2,10]}})",
                                         "aaCCCCcccc"));
    writeIndex(R"("a": "two.safetensors", "b": "one.safetensors", "c": "two.safetensors")");
  }

  void writeIndex(const std::string &weightMap) const {
    write("model.safetensors.index.json", R"({"metadata": {"total_size": 12}, "weight_map": {)" + weightMap + "}}");
  }
};

TEST_F(CheckpointTest, opens_a_single_file) {
  write("model.safetensors", safetensors(R"({"y":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},
                                             "x":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]}})",
                                         "AAAABBBBccddee"));
  write("generation_config.json", R"({"eos_token_id": 7})");
  auto checkpoint = Checkpoint::open(folder);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->path(), folder);
  EXPECT_EQ((*checkpoint)->config().values["model_type"], "llama");
  EXPECT_EQ((*checkpoint)->config().generation["eos_token_id"], 7);
  EXPECT_TRUE((*checkpoint)->warnings().empty());
  ASSERT_EQ((*checkpoint)->tensors().size(), 2u);
  EXPECT_EQ((*checkpoint)->tensors()[0].name, "x"); // by name, not by offset
  const TensorInfo *y = (*checkpoint)->find("y");
  ASSERT_NE(y, nullptr);
  EXPECT_EQ(y->rows(), 2);
  EXPECT_EQ(y->rowSize(), 1);
  EXPECT_EQ(y->file, pathOf("model.safetensors"));
  EXPECT_EQ((*checkpoint)->find("x")->rows(), 1);
  EXPECT_EQ((*checkpoint)->find("x")->rowSize(), 3);
  EXPECT_EQ((*checkpoint)->find("xx"), nullptr);
  EXPECT_EQ((*checkpoint)->find(""), nullptr);
}

TEST_F(CheckpointTest, opens_shards) {
  writeShards();
  auto checkpoint = Checkpoint::open(folder);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  ASSERT_EQ((*checkpoint)->tensors().size(), 3u);
  EXPECT_EQ((*checkpoint)->tensors()[1].name, "b");
  EXPECT_EQ((*checkpoint)->find("b")->file, pathOf("one.safetensors"));
  const TensorInfo *c = (*checkpoint)->find("c");
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(c->data), c->bytes), "CCCCcccc");
}

TEST_F(CheckpointTest, leaves_out_tensors_the_index_does_not_list) {
  writeShards();
  writeIndex(R"("a": "two.safetensors", "b": "one.safetensors")");
  auto checkpoint = Checkpoint::open(folder);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->find("c"), nullptr);
  ASSERT_EQ((*checkpoint)->warnings().size(), 1u);
  EXPECT_EQ((*checkpoint)->warnings()[0], pathOf("two.safetensors") + ": tensor 'c' is not listed here by " +
                                              pathOf("model.safetensors.index.json") + " and left out");
}

TEST_F(CheckpointTest, refuses_bad_indices) {
  writeShards();
  std::string index = pathOf("model.safetensors.index.json");
  writeIndex(R"("a": "three.safetensors")");
  EXPECT_EQ(message(), pathOf("three.safetensors") + ": shard is missing; " + index + " lists 1 tensors in it");
  writeIndex(R"("a": "one.safetensors", "b": "one.safetensors")");
  EXPECT_EQ(message(), pathOf("one.safetensors") + ": tensor 'a' is not in this shard, where " + index + " lists it");
  for (const char *name :
       {"../one.safetensors", "/etc/passwd", "sub/one.safetensors", "..", ".", "", "a\\\\b", "a\\u0000b"}) {
    writeIndex(fmt::format(R"("a": "{}")", name));
    EXPECT_EQ(message(), index + ": weight_map of tensor 'a' names '" + name +
                             "'; expected the name of a file in the same directory");
  }
  writeIndex(R"("a": 5)");
  EXPECT_EQ(message(), index + ": weight_map of tensor 'a' is 5; expected a file name");
  writeIndex("");
  EXPECT_EQ(message(), index + ": weight_map is missing or empty; expected an object of tensor names and files");
  write("model.safetensors.index.json", "{}");
  EXPECT_EQ(message(), index + ": weight_map is missing or empty; expected an object of tensor names and files");
  write("model.safetensors.index.json", "[1]");
  EXPECT_EQ(message(), index + ": expected a JSON object, got array");
}

TEST_F(CheckpointTest, names_what_a_directory_lacks) {
  EXPECT_EQ(message(), folder + ": has neither model.safetensors nor model.safetensors.index.json");
  write("pytorch_model.bin", "");
  EXPECT_EQ(message(), folder + ": has pytorch_model.bin but no model.safetensors; save it again with save_pretrained");
  std::filesystem::remove(pathOf("config.json"));
  EXPECT_EQ(message(), folder + ": has no config.json; expected a model directory in Hugging Face layout");
}

TEST_F(CheckpointTest, refuses_paths_that_are_no_checkpoint) {
  auto absent = Checkpoint::open(folder + "/absent");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().message, folder + "/absent: no such file or directory");
  auto file = Checkpoint::open(folder + "/config.json");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message,
            folder + "/config.json: is neither a GGUF file nor a model directory in Hugging Face layout");
}

TEST_F(CheckpointTest, refuses_bad_json) {
  std::string config = pathOf("config.json");
  write("config.json", "{\n  \"a\": 1,\n  \"b\" 2\n}");
  EXPECT_EQ(message(), config + ": not valid JSON at line 3, column 7");
  write("config.json", "");
  EXPECT_EQ(message(), config + ": not valid JSON at line 1, column 1");
  write("config.json", "{\"a\": \"\xff\"}");
  EXPECT_EQ(message(), config + ": not valid JSON at line 1, column 8");
  write("config.json", "[]");
  EXPECT_EQ(message(), config + ": expected a JSON object, got array");
  write("config.json", "{\"a\": " + std::string(1000, '[') + std::string(1000, ']') + "}");
  EXPECT_EQ(message(), config + ": nested more than 32 levels deep");
  write("config.json", std::string((8 << 20) + 1, ' '));
  EXPECT_EQ(message(), config + ": is 8388609 bytes; expected at most 8388608");
  write("config.json", "{}");
  write("generation_config.json", "{");
  EXPECT_EQ(message(), pathOf("generation_config.json") + ": not valid JSON at line 1, column 2");
}

TEST_F(CheckpointTest, names_the_safetensors_file_at_fault) {
  write("model.safetensors", "abc");
  EXPECT_EQ(message(),
            pathOf("model.safetensors") + ": is 3 bytes long; a safetensors file begins with 8 bytes of header length");
}

std::string digestOf(const std::string &folder) {
  auto checkpoint = Checkpoint::open(folder);
  return checkpoint ? (*checkpoint)->digest().hex() : checkpoint.error().message;
}

TEST_F(CheckpointTest, digest_does_not_depend_on_sharding) {
  writeShards();
  std::string sharded = digestOf(folder);
  EXPECT_EQ(sharded.size(), 32u);
  write("model.safetensors", safetensors(R"({"c":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
      "b":{"dtype":"F16","shape":[1],"data_offsets":[8,10]},"a":{"dtype":"F16","shape":[1],"data_offsets":[10,12]}})",
                                         "CCCCccccbbaa"));
  EXPECT_EQ(digestOf(folder), sharded);
}

TEST_F(CheckpointTest, digest_depends_on_name_dtype_shape_and_every_byte) {
  auto digest = [&](const std::string &tensor, const std::string &data) {
    write("model.safetensors", safetensors("{" + tensor + "}", data));
    return digestOf(folder);
  };
  std::string original = digest(R"("a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]})", "0123");
  EXPECT_EQ(digest(R"("a": {"data_offsets":[0,4],"dtype":"F16","shape":[2]})", "0123"), original);
  EXPECT_NE(digest(R"("b":{"dtype":"F16","shape":[2],"data_offsets":[0,4]})", "0123"), original);
  EXPECT_NE(digest(R"("a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]})", "0123"), original);
  EXPECT_NE(digest(R"("a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]})", "0123"), original);
  EXPECT_NE(digest(R"("a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]})", "0124"), original);
}

TEST_F(CheckpointTest, digest_covers_tensors_of_many_chunks) {
  std::string data(20'000'001, 'x'); // three chunks
  std::string header = R"({"a":{"dtype":"U8","shape":[20000001],"data_offsets":[0,20000001]}})";
  write("model.safetensors", safetensors(header, data));
  std::string original = digestOf(folder);
  for (size_t position : {size_t{0}, size_t{8} << 20, size_t{10'000'000}, data.size() - 1}) {
    data[position] = 'y';
    write("model.safetensors", safetensors(header, data));
    EXPECT_NE(digestOf(folder), original) << position;
    data[position] = 'x';
  }
}

} // namespace
