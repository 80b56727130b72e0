// What a compile promises whatever the model: equal bytes, phases one can stop at and go on from, passes one can leave
// out, and errors that name the flag.
#include "test/compiler/Pipeline/CompiledModel.h"

#include <set>

using namespace quipu;

namespace {

class CompileTest : public test::CompiledModel {
protected:
  static std::string errorOf(const CompileRequest &request) {
    auto report = compile(request);
    return report ? "none" : report.error().message;
  }

  // The text a compile gives that stops after `phase`.
  std::string textOf(const std::string &checkpoint, const std::string &phase) const {
    CompileRequest request = requestFor(checkpoint);
    request.compileTo = phase;
    request.output.clear();
    auto report = compile(request);
    EXPECT_TRUE(report) << report.error().message;
    return report ? report->ir : "";
  }

  const std::vector<int32_t> prompt = {1, 17, 5, 60, 33, 2, 8, 9, 41, 12, 70};
};

TEST_F(CompileTest, equal_input_gives_equal_bytes) {
  CompileRequest first = requestFor("gqa_tied_f32", "first.qpu"), second = requestFor("gqa_tied_f32", "second.qpu");
  first.targets = second.targets = {"cpu:x86-64-v3", "cpu:x86-64-v4"};
  first.threads = 1;
  second.threads = 3;
  ASSERT_EQ(errorOf(first), "none");
  ::setenv("QUIPU_CACHE_DIR", pathOf("empty-cache").c_str(), /*overwrite=*/1);
  auto report = compile(second);
  ::unsetenv("QUIPU_CACHE_DIR");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->kernelsFromCache, 0U);
  EXPECT_TRUE(bytesOf(first.output) == bytesOf(second.output));
}

TEST_F(CompileTest, going_on_from_a_phase_gives_the_same_artifact) {
  CompileRequest whole = requestFor("bias_untied_bf16", "whole.qpu");
  ASSERT_EQ(errorOf(whole), "none");
  for (const char *phase : {"definition", "specialised", "kernels"}) {
    std::ofstream(pathOf("text.mlir")) << textOf("bias_untied_bf16", phase);
    CompileRequest rest = requestFor("bias_untied_bf16", "rest.qpu");
    rest.compileFrom = phase;
    rest.ir = pathOf("text.mlir");
    ASSERT_EQ(errorOf(rest), "none") << phase;
    EXPECT_TRUE(bytesOf(whole.output) == bytesOf(rest.output)) << phase;
  }
}

TEST_F(CompileTest, every_optional_pass_can_be_left_out) {
  CompileRequest fused = requestFor("bias_untied_bf16", "fused.qpu");
  fused.storage = "f32";
  ASSERT_EQ(errorOf(fused), "none");
  std::vector<float> expected = lastLogits(fused.output, prompt);
  auto logitsWithout = [&](const std::vector<std::string> &passes) {
    CompileRequest request = requestFor("bias_untied_bf16", "part.qpu");
    request.storage = "f32";
    request.disabledPasses = passes;
    EXPECT_EQ(errorOf(request), "none");
    return lastLogits(request.output, prompt);
  };
  for (std::string_view pass : optionalPasses)
    EXPECT_LE(relativeError(logitsWithout({std::string(pass)}), expected), 1e-5) << pass;
  EXPECT_LE(relativeError(logitsWithout({optionalPasses.begin(), optionalPasses.end()}), expected), 1e-5);
}

TEST_F(CompileTest, kernels_do_not_grow_with_layers) {
  std::string text = textOf("gqa_tied_f32", "kernels");
  // Kernels that the launches of a layer name.
  auto kernelsOf = [&](const std::string &layer) {
    std::set<std::string> kernels;
    for (size_t at = 0; (at = text.find("kernel.launch \"" + layer, at)) != std::string::npos; ++at) {
      std::string launch = text.substr(at, text.find('}', at) - at);
      for (size_t symbol = 0; (symbol = launch.find('@', symbol)) != std::string::npos; ++symbol)
        kernels.insert(launch.substr(symbol, launch.find_first_of(" ,\n", symbol) - symbol));
    }
    return kernels;
  };
  EXPECT_GE(kernelsOf("layers.0.").size(), 6U);
  EXPECT_EQ(kernelsOf("layers.1."), kernelsOf("layers.0."));
}

TEST_F(CompileTest, code_as_text_is_the_assembly_of_each_kernel) {
  std::string text = textOf("gqa_tied_f32", "code");
  EXPECT_NE(text.find("sample_rows_n"), std::string::npos);
  EXPECT_NE(text.find("vfmadd"), std::string::npos);
}

TEST_F(CompileTest, a_checkpoint_without_a_tokenizer_compiles_with_a_warning) {
  auto report = compile(requestFor("gqa_tied_f32"));
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->warnings.size(), 1U);
  EXPECT_NE(report->warnings[0].find("token ids only"), std::string::npos) << report->warnings[0];
}

TEST_F(CompileTest, a_step_has_the_limits_asked_for) {
  CompileRequest request = requestFor("gqa_tied_f32");
  request.maxContext = 48;
  request.maxSequences = 3;
  request.maxBatchTokens = 20;
  ASSERT_EQ(errorOf(request), "none");
  auto artifact = Artifact::open(request.output);
  ASSERT_TRUE(artifact) << artifact.error().message;
  const fb::Model &model = *artifact->program().model();
  EXPECT_EQ(model.max_context(), 48U);
  EXPECT_EQ(model.max_sequences(), 3U);
  EXPECT_EQ(model.max_batch_tokens(), 20U);
  EXPECT_EQ(model.max_rows(), 20U);
}

TEST_F(CompileTest, a_second_target_adds_code_and_no_weights) {
  CompileRequest one = requestFor("bias_untied_bf16", "one.qpu"), two = requestFor("bias_untied_bf16", "two.qpu");
  one.targets = {"cpu:x86-64-v3"};
  two.targets = {"cpu:x86-64-v3", "cpu:znver4", "cpu:x86-64-v3"}; // asked for twice, there once
  ASSERT_EQ(errorOf(one), "none");
  ASSERT_EQ(errorOf(two), "none");
  auto first = Artifact::open(one.output), second = Artifact::open(two.output);
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(first->program().targets()->size(), 1U);
  EXPECT_EQ(second->program().targets()->size(), 2U);
  EXPECT_EQ(first->program().weights()->size(), second->program().weights()->size());
  EXPECT_EQ(first->program().kv_caches()->size(), second->program().kv_caches()->size());
  EXPECT_EQ(first->program().rope_tables()->size(), second->program().rope_tables()->size());
}

TEST_F(CompileTest, no_file_of_the_checkpoint_is_replaced) {
  CompileRequest request = requestFor("gqa_tied_f32");
  std::filesystem::copy(request.model, pathOf("checkpoint"), std::filesystem::copy_options::recursive);
  request.model = pathOf("checkpoint");
  request.output = pathOf("checkpoint/model.safetensors");
  std::string weights = bytesOf(request.output);
  EXPECT_EQ(errorOf(request), "-o " + request.output +
                                  ": is there already and belongs to the checkpoint; give the artifact another name");
  EXPECT_TRUE(bytesOf(request.output) == weights);
  request.output = pathOf("checkpoint/model.qpu");
  EXPECT_EQ(errorOf(request), "none");
  EXPECT_EQ(errorOf(request), "none"); // a second time as well
}

TEST_F(CompileTest, errors_name_the_flag) {
  CompileRequest base = requestFor("gqa_tied_f32");
  auto with = [&](auto change) {
    CompileRequest request = base;
    change(request);
    return errorOf(request);
  };
  EXPECT_EQ(with([](auto &r) { r.targets = {"tpu:v5"}; }),
            "--target tpu:v5: there is no such device; expected cpu or BACKEND:CHIP, such as cpu:x86-64-v3, "
            "cuda:sm_90a or hip:gfx942");
  EXPECT_NE(with([](auto &r) { r.targets = {"cpu:pentium"}; }).find("--target cpu:pentium: unknown CPU \"pentium\""),
            std::string::npos);
  EXPECT_EQ(with([](auto &r) {
              r.storage = "q4";
            }).find("--storage q4: there is no storage format 'q4'; they are 4bit, f32, "),
            0U);
  EXPECT_EQ(with([](auto &r) { r.storageOf = {"bf16"}; }),
            "--storage-of 'bf16': expected PATTERN=FORMAT, such as *.down_proj.weight=q8_0");
  EXPECT_EQ(with([](auto &r) { r.storageOf = {"*.gate_proj.weight=bf16", "*.dwn_proj.*=f32"}; })
                .find("--storage-of *.dwn_proj.*=f32: the model has no matrix of such a name; it has "
                      "model.embed_tokens.weight, model.layers.*.self_attn.q_proj.weight, "),
            0U);
  EXPECT_EQ(with([](auto &r) { r.storageOf = {"*_proj.weight=bf16", "*.up_proj.*=f32"}; }),
            "--storage-of *.up_proj.*=f32: patterns before it match all of its matrices, and the first that matches "
            "counts");
  EXPECT_EQ(with([](auto &r) { r.kvStorage = "q8_0"; }), "--kv-storage q8_0: expected f32, f16, bf16 or i8");
  EXPECT_EQ(with([](auto &r) { r.kvStorage = "i8", r.targets = {"simt:sm_90a"}; }),
            "--kv-storage i8: target simt:sm_90a has no kernels for such a cache; f32, f16 and bf16 it has");
  EXPECT_NE(with([](auto &r) { r.maxContext = 1 << 20; }).find("--max-context 1048576: the model was made for at most"),
            std::string::npos);
  EXPECT_EQ(with([](auto &r) { r.maxSequences = 1 << 20; }), "--max-sequences 1048576: expected at most 65536");
  EXPECT_NE(with([](auto &r) { r.disabledPasses = {"insert-kv-cache"}; }).find("--disable-pass insert-kv-cache"),
            std::string::npos);
  EXPECT_NE(with([](auto &r) { r.compileTo = "soup"; }).find("--compile-to soup: there is no such phase"),
            std::string::npos);
  EXPECT_NE(with([](auto &r) { r.compileFrom = "code"; }).find("--compile-from code: only definition"),
            std::string::npos);
  EXPECT_NE(with([](auto &r) {
              r.compileFrom = "kernels";
              r.compileTo = "definition";
            }).find("that is after --compile-to definition"),
            std::string::npos);
  EXPECT_NE(with([](auto &r) {
              r.compileFrom = "kernels";
              r.targets = {"cpu"};
            }).find("leave --target and --max-* out"),
            std::string::npos);
  EXPECT_NE(with([](auto &r) { r.output.clear(); }).find("-o OUT.qpu is missing"), std::string::npos);
}

TEST_F(CompileTest, text_that_is_no_form_of_its_phase_is_one_line) {
  CompileRequest request = requestFor("gqa_tied_f32");
  request.compileFrom = "specialised";
  request.ir = pathOf("text.mlir");
  EXPECT_NE(errorOf(request).find("text.mlir"), std::string::npos); // it is not there
  std::ofstream(request.ir) << "lm.func @model( nonsense";
  EXPECT_NE(errorOf(request).find("text.mlir"), std::string::npos);
  std::ofstream(request.ir) << textOf("gqa_tied_f32", "definition");
  EXPECT_NE(errorOf(request).find("insert-kv-cache"), std::string::npos) << errorOf(request);
  EXPECT_EQ(errorOf(request).find('\n'), std::string::npos);
}

TEST_F(CompileTest, an_output_that_cannot_be_written_leaves_nothing) {
  CompileRequest request = requestFor("gqa_tied_f32");
  request.output = pathOf("no/such/folder.qpu");
  EXPECT_NE(errorOf(request).find("folder.qpu"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

} // namespace
