// RoPE inverse frequencies against transformers; make_rope_goldens.py made the numbers.
#include "models/config/DecoderConfig.h"
#include "models/config/JsonFile.h"
#include "models/config/ModelConfig.h"

#include <gtest/gtest.h>

using namespace quipu::models;

namespace {

void expectClose(const std::vector<double> &computed, const nlohmann::json &golden, double tolerance) {
  ASSERT_EQ(computed.size(), golden.size());
  for (size_t i = 0; i < computed.size(); ++i)
    EXPECT_NEAR(computed[i], golden[i].get<double>(), tolerance * golden[i].get<double>()) << "pair " << i;
}

TEST(RopeGoldens, frequencies_are_those_of_transformers) {
  auto goldens = readJsonObject("test/models/llama/rope_goldens.json", 1 << 20);
  ASSERT_TRUE(goldens) << goldens.error().message;
  ASSERT_EQ((*goldens)["cases"].size(), 14u);
  for (const nlohmann::json &golden : (*goldens)["cases"]) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    auto llama = parseDecoder({golden["config"], nlohmann::json::object(), "config.json", ""});
    ASSERT_TRUE(llama) << llama.error().message;
    EXPECT_TRUE(llama->warnings.empty());
    expectClose(llama->kinds[0].rope->inverseFrequencies, golden["float64"]["inverse_frequencies"], 1e-14);
    expectClose(llama->kinds[0].rope->inverseFrequencies, golden["float32"]["inverse_frequencies"], 5e-7);
    EXPECT_NEAR(llama->kinds[0].rope->attentionScaling, golden["float64"]["attention_scaling"].get<double>(), 1e-15);
  }
}

} // namespace
