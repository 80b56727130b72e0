// What holds for every family: the registry, the configurations of published models, and those that today's
// transformers writes.
#include "test/GoldenCheckpoints.h"
#include "test/SharedData.h"
#include "test/models/families/ParsedConfig.h"

#include <set>

using namespace quipu;
using namespace quipu::models;

namespace {

TEST(AllFamilies, no_architecture_has_two_rows) {
  std::set<std::string_view> types, files;
  for (const Family *family : families()) {
    for (const Architecture &architecture : family->architectures)
      EXPECT_TRUE(types.insert(architecture.modelType).second) << architecture.modelType;
    for (const GgufArchitecture &architecture : family->ggufArchitectures)
      EXPECT_TRUE(files.insert(architecture.name).second) << architecture.name;
  }
  for (const RefusedArchitecture &refused : refusedArchitectures())
    EXPECT_TRUE(types.insert(refused.architecture.modelType).second) << refused.architecture.modelType;
}

TEST(AllFamilies, what_is_refused_says_why) {
  EXPECT_EQ(test::messageOf(test::smallModel("DeepseekV2ForCausalLM", "deepseek_v2")),
            "config.json: DeepseekV2ForCausalLM (deepseek_v2) is not supported: attention over a latent (MLA)");
  EXPECT_EQ(test::messageOf({{"model_type", "deepseek_v2"}}),
            "config.json: DeepseekV2ForCausalLM (deepseek_v2) is not supported: attention over a latent (MLA)");
}

// The goldens have saves of every family by save_pretrained.
TEST(AllFamilies, a_clean_save_gives_no_warning) {
  size_t saved = 0;
  for (const std::string &folder : test::goldenCheckpoints()) {
    auto checkpoint = Checkpoint::open(folder);
    ASSERT_TRUE(checkpoint) << checkpoint.error().message;
    auto model = checkModel(**checkpoint);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->warnings, std::vector<std::string>()) << folder;
    saved += folder.find("saved") != folder.npos;
  }
  EXPECT_GE(saved, 5u);
}

TEST(AllFamilies, published_configurations_are_taken_or_refused_with_a_reason) {
  std::string folder = test::sharedData("hf-configs");
  if (folder.empty())
    GTEST_SKIP() << "shared data is absent";
  size_t taken = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder)) {
    auto config = ModelConfig::load(entry.path().string());
    ASSERT_TRUE(config) << config.error().message;
    auto model = describeModel(*config);
    taken += bool(model);
    if (!model)
      EXPECT_NE(model.error().message.find("is not supported: "), std::string::npos) << model.error().message;
    else
      EXPECT_EQ(model->warnings, std::vector<std::string>()) << entry.path();
  }
  EXPECT_GE(taken, 35u);
}

} // namespace
