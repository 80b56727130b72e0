// GGUF files as checkpoints: names, configuration, what is refused.
#include "models/Family.h"
#include "models/config/ModelConfig.h"
#include "test/SharedData.h"
#include "test/models/import/GgufWriter.h"
#include "test/models/import/TemporaryFolder.h"

using namespace quipu;
using namespace quipu::models;
using test::GgufWriter;
using test::smallGguf;

namespace {

class GgufCheckpoint : public test::TemporaryFolder {
protected:
  Expected<std::unique_ptr<Checkpoint>> open(const GgufWriter &gguf) const {
    write("m.gguf", gguf.file());
    return Checkpoint::open(pathOf("m.gguf"));
  }
  // The first error of opening and checking, without the path; or "accepted".
  std::string messageOf(const GgufWriter &gguf) const {
    auto checkpoint = open(gguf);
    if (!checkpoint)
      return checkpoint.error().message.substr(folder.size() + 1);
    auto model = checkModel(**checkpoint);
    return model ? "accepted" : model.error().message.substr(folder.size() + 1);
  }
};

TEST_F(GgufCheckpoint, says_what_a_config_json_would) {
  GgufWriter gguf = smallGguf();
  gguf.u32("tokenizer.ggml.bos_token_id", 1).u32("tokenizer.ggml.eos_token_id", 2);
  gguf.u32("tokenizer.ggml.eot_token_id", 3);
  auto checkpoint = open(gguf);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  nlohmann::json values = (*checkpoint)->config().values;
  EXPECT_NEAR(values["rms_norm_eps"].get<double>(), 1e-5, 1e-11);
  values.erase("rms_norm_eps");
  EXPECT_EQ(values, nlohmann::json::parse(R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
    "hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 12, "num_attention_heads": 2,
    "num_key_value_heads": 1, "max_position_embeddings": 64, "rope_theta": 500000.0, "rope_interleaved": true,
    "vocab_size": 10, "tie_word_embeddings": false, "attention_bias": false, "mlp_bias": false, "bos_token_id": 1,
    "eos_token_id": [2, 3]})"));
  auto model = checkModel(**checkpoint);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_TRUE(model->warnings.empty());
  EXPECT_EQ(model->tensors.size(), 12u);
  EXPECT_EQ((*checkpoint)->find("model.layers.0.mlp.down_proj.weight")->shape, (std::vector<int64_t>{8, 12}));
}

TEST_F(GgufCheckpoint, embeddings_are_tied_where_there_is_no_output) {
  auto checkpoint = open(smallGguf("output"));
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_TRUE(checkModel(**checkpoint));
  EXPECT_EQ((*checkpoint)->config().values["tie_word_embeddings"], true);
}

TEST_F(GgufCheckpoint, rope_scaling_is_read) {
  GgufWriter factors = smallGguf();
  factors.tensor("rope_freqs.weight", {2}, 0, test::bytesOf(1.0f) + test::bytesOf(8.0f));
  auto checkpoint = open(factors);
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->config().values["rope_scaling"],
            nlohmann::json::parse(R"({"rope_type": "factors", "factors": [1.0, 8.0]})"));
  EXPECT_EQ(messageOf(factors), "accepted");
  GgufWriter tooMany = smallGguf();
  tooMany.tensor("rope_freqs.weight", {3}, 0, std::string(12, '\x3f'));
  EXPECT_EQ(messageOf(tooMany),
            "m.gguf: rope_scaling.factors has 3 entries; expected 2, half of the dimensions that turn");

  GgufWriter yarn = smallGguf();
  yarn.string("llama.rope.scaling.type", "yarn").f32("llama.rope.scaling.factor", 4);
  yarn.u32("llama.rope.scaling.original_context_length", 16);
  EXPECT_EQ(messageOf(yarn), "accepted");
  EXPECT_EQ((*open(yarn))->config().values["rope_scaling"],
            nlohmann::json::parse(R"({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16})"));
  EXPECT_EQ(messageOf(smallGguf().string("llama.rope.scaling.type", "longrope").f32("llama.rope.scaling.factor", 4)),
            "m.gguf: llama.rope.scaling.type is 'longrope'; expected none, linear or yarn");
}

TEST_F(GgufCheckpoint, types_that_are_no_storage_format_are_refused_by_name) {
  GgufWriter gguf = smallGguf("blk.0.attn_q");
  gguf.u32("llama.attention.key_length", 16).tensor("blk.0.attn_q.weight", {64, 8}, 40, std::string(8 * 36, '\0'));
  EXPECT_EQ(messageOf(gguf),
            "m.gguf: tensor 'blk.0.attn_q.weight' is NVFP4; weights of F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, "
            "IQ4_NL, MXFP4, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS are supported: have the model quantised to one of "
            "these, as Q4_K_M does (and 3 other tensors at fault)");
  // Where the model does not need them they do no harm.
  EXPECT_EQ(messageOf(smallGguf().tensor("mtp.weight", {32}, 6, std::string(22, '\0'))), "accepted");
}

TEST_F(GgufCheckpoint, vectors_may_not_be_quantised) {
  GgufWriter gguf = smallGguf("output_norm");
  gguf.tensor("output_norm.weight", {32}, 8, std::string(34, '\0'));
  EXPECT_NE(messageOf(gguf).find("tensor 'output_norm.weight' is Q8_0; only matrices may be quantised"),
            std::string::npos)
      << messageOf(gguf);
}

TEST_F(GgufCheckpoint, what_the_family_cannot_do_is_refused) {
  auto startOf = [this](const GgufWriter &gguf, const std::string &wanted) {
    return messageOf(gguf).substr(0, wanted.size());
  };
  std::string unknown = "m.gguf: general.architecture is 'mamba'; known: arcee, cohere2, ";
  EXPECT_EQ(startOf(GgufWriter().string("general.architecture", "mamba"), unknown), unknown);
  std::string absent = "m.gguf: general.architecture is ''; known: arcee, cohere2, ";
  EXPECT_EQ(startOf(GgufWriter(), absent), absent);
  EXPECT_EQ(messageOf(GgufWriter().string("general.architecture", "llama")),
            "m.gguf: llama.embedding_length is missing");
  EXPECT_EQ(messageOf(smallGguf().u32("llama.residual_scale", 8)),
            "m.gguf: llama.residual_scale is 8; it changes what the model computes and is not supported");
  std::string experts =
      "m.gguf: tensor 'model.layers.0.block_sparse_moe.gate.weight' is missing; expected shape [8, 8]";
  EXPECT_EQ(startOf(smallGguf().u32("llama.expert_count", 8), experts), experts);
  EXPECT_EQ(messageOf(smallGguf().u32("llama.expert_count", 0)), "accepted");
  EXPECT_EQ(messageOf(smallGguf().boolean("llama.attention.causal", false)),
            "m.gguf: llama.attention.causal is false; it changes what the model computes and is not supported");
  EXPECT_EQ(messageOf(smallGguf().u32("llama.rope.dimension_count", 2)),
            "m.gguf: llama.rope.dimension_count is 2; expected 4, the whole of a head");
  EXPECT_EQ(messageOf(smallGguf("blk.0.ffn_up")),
            "m.gguf: tensor 'model.layers.0.mlp.up_proj.weight' is missing; expected shape [12, 8]");
  EXPECT_EQ(messageOf(smallGguf().zeros("model.norm.weight", {8})),
            "m.gguf: tensors 'output_norm.weight' and 'model.norm.weight' are the same weight");
}

TEST_F(GgufCheckpoint, arrays_of_one_value_a_layer_count_where_all_are_the_same) {
  auto withHeads = [](uint32_t type, const std::string &values, uint64_t count) {
    GgufWriter gguf = smallGguf();
    size_t at = gguf.metadata.find(test::ggufString("llama.attention.head_count_kv"));
    gguf.metadata.erase(at, 8 + 29 + 4 + 4);
    --gguf.keys;
    return gguf.array("llama.attention.head_count_kv", type, count, values);
  };
  auto checkpoint = open(withHeads(GgufWriter::I32, test::bytesOf(1) + test::bytesOf(1), 2));
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->config().values["num_key_value_heads"], 1);
  EXPECT_EQ(messageOf(withHeads(GgufWriter::I32, test::bytesOf(1) + test::bytesOf(2), 2)),
            "m.gguf: num_key_value_heads is [1,2]; expected an integer, 1 to 1048576");
  EXPECT_EQ(messageOf(withHeads(GgufWriter::I32, "", 0)), "m.gguf: llama.attention.head_count_kv is an empty array");
  EXPECT_EQ(messageOf(withHeads(GgufWriter::String, test::ggufString("1"), 1)),
            "m.gguf: llama.attention.head_count_kv is an array of strings; expected one of numbers");
}

TEST_F(GgufCheckpoint, stacks_of_matrices_keep_their_shape_and_are_rows_along_the_last_dimension) {
  // [3, 2, 32] of Q5_0: six rows of one block.
  auto checkpoint = open(smallGguf().tensor("blk.0.ffn_up_exps.weight", {32, 2, 3}, 6, std::string(6 * 22, '\0')));
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const TensorInfo *stack = (*checkpoint)->find("model.layers.0.block_sparse_moe.experts.w3.weight");
  ASSERT_NE(stack, nullptr);
  EXPECT_EQ(stack->shape, (std::vector<int64_t>{3, 2, 32}));
  EXPECT_EQ(stack->rows(), 6);
  EXPECT_EQ(stack->rowSize(), 32);
}

// A model in parts: `count` of them, tensors shared out.
class GgufSplit : public GgufCheckpoint {
protected:
  void writePart(int64_t index, int64_t count, GgufWriter gguf, int64_t saysIndex) const {
    gguf.raw("split.no", 2, test::bytesOf(static_cast<uint16_t>(saysIndex)));
    gguf.raw("split.count", 2, test::bytesOf(static_cast<uint16_t>(count)));
    gguf.raw("split.tensors.count", GgufWriter::I32, test::bytesOf<int32_t>(12));
    write(nameOf(index, count), gguf.file());
  }
  static std::string nameOf(int64_t index, int64_t count) {
    return fmt::format("m-{:05}-of-{:05}.gguf", index + 1, count);
  }
  void writeParts(bool withLast = true) const {
    GgufWriter first = smallGguf("blk.0.ffn_down"), second, third;
    writePart(0, 3, first, 0);
    writePart(1, 3, second.zeros("blk.0.ffn_down.weight", {12, 8}), 1);
    if (withLast)
      writePart(2, 3, third, 2);
  }
  std::string openingFails(const std::string &name) const {
    auto checkpoint = Checkpoint::open(pathOf(name));
    std::string message = checkpoint ? "accepted" : checkpoint.error().message;
    for (size_t at; (at = message.find(folder + "/")) != message.npos;)
      message.erase(at, folder.size() + 1);
    return message;
  }
};

TEST_F(GgufSplit, the_first_part_opens_all) {
  writeParts();
  auto checkpoint = Checkpoint::open(pathOf(nameOf(0, 3)));
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  auto model = checkModel(**checkpoint);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ((*checkpoint)->find("model.layers.0.mlp.down_proj.weight")->file, pathOf(nameOf(1, 3)));
  EXPECT_EQ((*checkpoint)->find("model.norm.weight")->file, pathOf(nameOf(0, 3)));
  EXPECT_EQ((*checkpoint)->tensors().size(), 12u);
}

TEST_F(GgufSplit, what_does_not_fit_is_refused_by_the_parts_name) {
  writeParts(/*withLast=*/false);
  EXPECT_EQ(openingFails(nameOf(0, 3)),
            "m-00003-of-00003.gguf: is missing; it is part 3 of 3, beside m-00001-of-00003.gguf");
  EXPECT_EQ(openingFails(nameOf(1, 3)),
            "m-00002-of-00003.gguf: is part 2 of 3; name the first one, m-00001-of-00003.gguf");
  writePart(2, 3, GgufWriter(), 1);
  EXPECT_EQ(openingFails(nameOf(0, 3)), "m-00003-of-00003.gguf: says that it is part 2 of 3, not 3 of 3");
  writePart(2, 3, GgufWriter().zeros("output_norm.weight", {8}), 2);
  EXPECT_EQ(openingFails(nameOf(0, 3)),
            "m-00001-of-00003.gguf: split.tensors.count is 12, but the parts have 13 tensors");
  writePart(2, 3, GgufWriter(), 3);
  EXPECT_EQ(openingFails(nameOf(0, 3)),
            "m-00003-of-00003.gguf: split.no is 3; expected less than split.count, which is 3");
  EXPECT_EQ(messageOf(smallGguf().u32("split.count", 3)),
            "m.gguf: is part 1 of 3; the others are found by its name, which must end in -00001-of-00003.gguf");
  EXPECT_EQ(messageOf(smallGguf().u32("split.count", 1)), "accepted");
}

TEST_F(GgufCheckpoint, no_bias_is_left_out) {
  GgufWriter all = smallGguf();
  all.zeros("blk.0.attn_q.bias", {8}).zeros("blk.0.attn_k.bias", {4}).zeros("blk.0.attn_v.bias", {4});
  EXPECT_EQ(messageOf(all), "m.gguf: tensor 'model.layers.0.self_attn.o_proj.bias' is missing; expected shape [8]");
  EXPECT_EQ(messageOf(all.zeros("blk.0.attn_output.bias", {8})), "accepted");
  EXPECT_EQ(messageOf(smallGguf().zeros("blk.0.attn_output.bias", {8})),
            "m.gguf: tensor 'model.layers.0.self_attn.q_proj.bias' is missing; expected shape [8] (and 2 other tensors "
            "at fault)");
  EXPECT_EQ(messageOf(smallGguf().zeros("blk.0.ffn_down.bias", {8})),
            "m.gguf: tensor 'model.layers.0.mlp.gate_proj.bias' is missing; expected shape [12] (and 1 other tensors "
            "at fault)");
}

TEST_F(GgufCheckpoint, unknown_keys_give_a_warning) {
  auto checkpoint = open(smallGguf().u32("llama.never_heard_of", 1));
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ((*checkpoint)->warnings(),
            std::vector<std::string>{pathOf("m.gguf") + ": 'llama.never_heard_of' is not known and ignored"});
}

TEST(GgufShared, quantised_files_are_read) {
  for (const char *type : {"Q8_0", "Q4_0"}) {
    std::string path = test::sharedData(std::string("gguf/babyllama-tok105-") + type + ".gguf");
    if (path.empty())
      GTEST_SKIP() << "no shared data";
    auto checkpoint = Checkpoint::open(path);
    ASSERT_TRUE(checkpoint) << checkpoint.error().message;
    EXPECT_EQ(dtypeName((*checkpoint)->find("model.layers.0.self_attn.q_proj.weight")->dtype), type);
    // The embeddings of both are Q8_0.
    EXPECT_EQ(dtypeName((*checkpoint)->find("model.embed_tokens.weight")->dtype), "Q8_0");
    auto model = checkModel(**checkpoint);
    EXPECT_TRUE(model) << model.error().message;
  }
}

} // namespace
