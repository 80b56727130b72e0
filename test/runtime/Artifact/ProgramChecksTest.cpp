// One case for each thing that must hold of a program: the toy model with that one thing wrong.
#include "runtime/Artifact/ProgramChecks.h"
#include "runtime/Artifact/Artifact.h"
#include "runtime/Artifact/WeightLayout.h"
#include "test/runtime/Artifact/ToyModel.h"

#include <cstring>
#include <functional>
#include <gtest/gtest.h>

using namespace quipu;

namespace {

struct Case {
  const char *name;
  std::function<void(fb::ProgramT &)> spoil;
  const char *message; // a part of the error
};

// The first kernel with a geometry of one axis, which is then spoiled.
void spoilGeometry(fb::ProgramT &program, const std::function<void(fb::LaunchGeometryT &)> &spoil) {
  auto geometry = std::make_unique<fb::LaunchGeometryT>();
  geometry->block = 128;
  geometry->grid.push_back(std::make_unique<fb::GridAxisT>());
  spoil(*geometry);
  program.targets[0]->kernels[0]->geometry = std::move(geometry);
}

// Weights are placed by the writer, so what is wrong with them is written over in the finished file (DamageTest).
const Case cases[] = {
    {"vocab", [](fb::ProgramT &p) { p.model->vocab = 0; }, "model has vocab 0"},
    {"context", [](fb::ProgramT &p) { p.model->max_context = UINT32_MAX; }, "model has max_context 4294967295"},
    {"rows", [](fb::ProgramT &p) { p.model->max_rows = 0; }, "model has max_rows 0"},
    {"no_target", [](fb::ProgramT &p) { p.targets.clear(); }, "it has no target"},
    {"code", [](fb::ProgramT &p) { p.targets[0]->code_section = 1; }, "its code section 1 does not exist"},
    {"cache_empty", [](fb::ProgramT &p) { p.kv_caches[0]->heads = 0; }, "kv cache 0 has no size"},
    {"cache_small", [](fb::ProgramT &p) { p.kv_caches[0]->page_bytes = 64; }, "kv cache 0 has pages of 64 bytes"},
    {"cache_overflow", [](fb::ProgramT &p) { p.kv_caches[0]->heads = p.kv_caches[0]->dim = UINT32_MAX; },
     "kv cache 0 has no size"},
    {"cache_block_overflow",
     [](fb::ProgramT &p) {
       p.kv_caches[0]->page_size = 1 << 30;
       p.kv_caches[0]->dim = uint32_t(1) << 31; // 2^64 bytes of a head
       p.kv_caches[0]->page_bytes = 0;
     },
     "kv cache 0 has no size"},
    {"cache_page_overflow",
     [](fb::ProgramT &p) {
       p.kv_caches[0]->page_size = 1 << 30;
       p.kv_caches[0]->heads = p.kv_caches[0]->dim = 1 << 30;
     },
     "kv cache 0 has pages of 512 bytes"},
    {"rope_dim", [](fb::ProgramT &p) { p.rope_tables[0]->dim = 6; }, "rope table 0 has 2 frequencies for dim 6"},
    {"rope_nan", [](fb::ProgramT &p) { p.rope_tables[0]->inv_freq[1] = NAN; },
     "rope table 0 has values that are not finite"},
    {"arena", [](fb::ProgramT &p) { p.targets[0]->arena_bytes -= 64; }, "buffer 'y' lies at 384"},
    {"arena_offset", [](fb::ProgramT &p) { p.targets[0]->buffers[12]->offset = UINT64_MAX - 63; }, "buffer 'y' lies"},
    {"activation_overflow", [](fb::ProgramT &p) { p.targets[0]->buffers[11]->columns = UINT64_MAX; },
     "buffer 'x' lies at 0"},
    {"activation_of_sequences", [](fb::ProgramT &p) { p.targets[0]->buffers[11]->rows = fb::Dim::sequences; },
     "activation 'x' is sized by sequences, which may change at load"},
    {"weight_index", [](fb::ProgramT &p) { p.targets[0]->buffers[7]->index = 2; },
     "buffer 'table' of kind 3 has index 2, which there is not"},
    {"cache_index", [](fb::ProgramT &p) { p.targets[0]->buffers[9]->index = 7; }, "buffer 'cache' of kind 4"},
    {"rope_index", [](fb::ProgramT &p) { p.targets[0]->buffers[10]->index = 1; }, "buffer 'rope' of kind 5"},
    {"input_name", [](fb::ProgramT &p) { p.targets[0]->buffers[0]->name = "tokens"; },
     "buffer 'tokens' is no input of a step"},
    {"input_twice", [](fb::ProgramT &p) { p.targets[0]->buffers[1]->name = "ids"; }, "buffer 'ids' is there twice"},
    {"output_width", [](fb::ProgramT &p) { p.targets[0]->buffers[15]->columns = 12; },
     "buffer 'logits' is no output of a step"},
    {"no_output", [](fb::ProgramT &p) { p.targets[0]->buffers.pop_back(); }, "it has no output 'sampled'"},
    {"operand", [](fb::ProgramT &p) { p.targets[0]->launches[4]->operands[1] = 17; },
     "launch 'sample' has operand 17, but there are 17 buffers"},
    {"kernel", [](fb::ProgramT &p) { p.targets[0]->launches[2]->variants[1]->stages[1]->kernel = 6; },
     "launch 'attend' has kernel 6, but there are 6"},
    {"no_stage", [](fb::ProgramT &p) { p.targets[0]->launches[0]->variants[0]->stages.clear(); },
     "launch 'embedding' has a variant without stages"},
    {"no_variant", [](fb::ProgramT &p) { p.targets[0]->launches[0]->variants.clear(); },
     "launch 'embedding' has no variant for every value"},
    {"last_variant", [](fb::ProgramT &p) { p.targets[0]->launches[1]->variants[0]->max_value = 8; },
     "launch 'append' has no variant for every value"},
    {"variant_order", [](fb::ProgramT &p) { p.targets[0]->launches[0]->variants[0]->max_value = UINT32_MAX; },
     "launch 'embedding' has variants that are not in ascending order"},
    {"scratch", [](fb::ProgramT &p) { p.targets[0]->kernels[0]->scratch_bytes = UINT64_MAX; },
     "kernel 0 has no symbol, or 18446744073709551615 bytes of scratch"},
    {"no_threads", [](fb::ProgramT &p) { spoilGeometry(p, [](fb::LaunchGeometryT &g) { g.block = 0; }); },
     "kernel 'toy_embedding' has blocks of 0 threads"},
    {"many_threads", [](fb::ProgramT &p) { spoilGeometry(p, [](fb::LaunchGeometryT &g) { g.block = 1025; }); },
     "kernel 'toy_embedding' has blocks of 1025 threads"},
    {"cluster", [](fb::ProgramT &p) { spoilGeometry(p, [](fb::LaunchGeometryT &g) { g.cluster = 0; }); },
     "in clusters of 0 along 1 axes"},
    {"shared", [](fb::ProgramT &p) { spoilGeometry(p, [](fb::LaunchGeometryT &g) { g.shared_bytes = 2 << 20; }); },
     "with 2097152 bytes"},
    {"grid_dim",
     [](fb::ProgramT &p) {
       spoilGeometry(p, [](fb::LaunchGeometryT &g) { g.grid[0]->dim = static_cast<fb::Dim>(4); });
     },
     "kernel 'toy_embedding' has an axis over unknown dims"},
    {"grid_divide", [](fb::ProgramT &p) { spoilGeometry(p, [](fb::LaunchGeometryT &g) { g.grid[0]->divide = 0; }); },
     "or divided by 0"},
    {"dim", [](fb::ProgramT &p) { p.targets[0]->launches[0]->dim = static_cast<fb::Dim>(9); },
     "launch 'embedding' has unknown dim 9"},
    {"dtype", [](fb::ProgramT &p) { p.targets[0]->buffers[11]->dtype = static_cast<fb::DType>(200); },
     "buffer 'x' has an unknown dtype"},
    {"blocked_activation", [](fb::ProgramT &p) { p.targets[0]->buffers[11]->dtype = fb::DType::q8_0; },
     "buffer 'x' holds q8_0, which only weights are stored as"},
    {"blocked_cache", [](fb::ProgramT &p) { p.kv_caches[0]->dtype = fb::DType::q8_0; }, "kv cache 0 has no size"},
    {"kind", [](fb::ProgramT &p) { p.targets[0]->buffers[11]->kind = static_cast<fb::BufferKind>(9); },
     "buffer 'x' of kind 9"},
};

class ProgramChecksTest : public testing::TestWithParam<Case> {};

TEST_P(ProgramChecksTest, is_refused) {
  toy::TemporaryFolder folder;
  ArtifactContents contents = toy::contents();
  GetParam().spoil(contents.program);
  ASSERT_TRUE(writeArtifact(folder.file("toy.qpu"), std::move(contents)));
  Expected<Artifact> artifact = Artifact::open(folder.file("toy.qpu"));
  ASSERT_FALSE(artifact);
  EXPECT_NE(artifact.error().message.find(GetParam().message), std::string::npos) << artifact.error().message;
}

INSTANTIATE_TEST_SUITE_P(Program, ProgramChecksTest, testing::ValuesIn(cases),
                         [](const auto &info) { return info.param.name; });

// The verifier of FlatBuffers 2.0 lets a vector of doubles begin at a multiple of four. No writer makes one, so the
// field is pointed at a copy of its vector, eight bytes behind the program's end plus four.
TEST(ProgramChecks, numbers_of_eight_bytes_off_their_alignment_are_refused) {
  fb::ProgramT toy = std::move(toy::contents().program);
  Expected<uint64_t> weightBytes = placeWeights(toy);
  ASSERT_TRUE(weightBytes);
  flatbuffers::FlatBufferBuilder builder;
  fb::FinishProgramBuffer(builder, fb::Program::Pack(builder, &toy));
  size_t end = (builder.GetSize() + 7) / 8 * 8, frequencies = toy.rope_tables[0]->inv_freq.size() * sizeof(double);
  std::vector<uint64_t> words((end + 4 + frequencies + 7) / 8);
  auto *bytes = reinterpret_cast<uint8_t *>(words.data());
  std::memcpy(bytes, builder.GetBufferPointer(), builder.GetSize());
  const fb::Program &program = *fb::GetProgram(bytes);
  ASSERT_TRUE(checkProgram(program, 1, *weightBytes));

  const fb::RopeTable *rope = program.rope_tables()->Get(0);
  std::memcpy(bytes + end, rope->inv_freq(), 4 + frequencies); // its length in front
  auto *field = const_cast<uint8_t *>(
      reinterpret_cast<const flatbuffers::Table *>(rope)->GetAddressOf(fb::RopeTable::VT_INV_FREQ));
  flatbuffers::WriteScalar(field, static_cast<flatbuffers::uoffset_t>(bytes + end - field));
  flatbuffers::Verifier verifier(bytes, words.size() * 8);
  ASSERT_TRUE(fb::VerifyProgramBuffer(verifier)) << "then the check is no longer needed";
  Expected<void> result = checkProgram(program, 1, *weightBytes);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "the frequencies of rope table 0 are not aligned");
}

} // namespace
