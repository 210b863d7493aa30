// Starting from weights that are there: every name and shape has to fit, and what is frozen stays.
#include "steps/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdio>
#include <fstream>

#include "base/error.h"
#include "tests/unit/heavy/train_fixture.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

std::vector<NamedTensor> two_tensors(double value) {
  return {{"a.weight", torch::full({2, 3}, value)}, {"b.count", torch::full({}, 4, at::kLong)}};
}

std::string message_of(const std::function<void()>& work, ExitStatus status = ExitStatus::bad_data) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), status) << e.message();
    return e.message();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Weights, RoundTripThroughSafetensorsAndHdf5) {
  TemporaryFolder folder;
  save_weights(folder / "a.safetensors", two_tensors(1.5));
  write_tensors(folder / "a.h5", two_tensors(1.5), Json::object());
  for (const char* name : {"a.safetensors", "a.h5"}) {
    auto target = two_tensors(0);
    load_weights(StoredWeights(folder / name), target);
    EXPECT_TRUE(torch::equal(target[0].tensor, torch::full({2, 3}, 1.5))) << name;
    EXPECT_EQ(target[1].tensor.item<std::int64_t>(), 4) << name;
  }
}

TEST(Weights, FloatsAreConverted) {
  TemporaryFolder folder;
  for (const auto type : {at::kHalf, at::kBFloat16, at::kDouble}) {
    save_weights(folder / "a", {{"x", torch::tensor({0.5, -2.0}).to(type)}});
    std::vector<NamedTensor> target = {{"x", torch::zeros({2})}};
    load_weights(StoredWeights(folder / "a"), target);
    EXPECT_TRUE(torch::equal(target[0].tensor, torch::tensor({0.5F, -2.0F}))) << at::toString(type);
  }
  save_weights(folder / "a", {{"x", torch::ones({2}, at::kLong)}});
  EXPECT_THAT(message_of([&] {
                load_weights(StoredWeights(folder / "a"), {{"x", torch::zeros({2})}});
              }),
              HasSubstr("x is i64 [2], but the model's is f32 [2]"));
}

/// What the memory at `address` is mapped from.
std::string file_at(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) == 2 && begin <= wanted && wanted < end)
      return line.substr(std::min(line.size(), line.find('/')));
  }
  return "nothing";
}

TEST(Weights, AreSharedWithThePageCacheWhereTheyAreOfTheModelsType) {
  TemporaryFolder folder;
  save_weights(folder / "a.safetensors", two_tensors(1.5));
  std::vector<NamedTensor> target = {{"a.weight", torch::zeros({2, 3})},
                                     {"b.count", torch::zeros({}, at::kLong)}};
  share_weights(std::make_shared<const StoredWeights>(folder / "a.safetensors"), target);
  EXPECT_TRUE(torch::equal(target[0].tensor, torch::full({2, 3}, 1.5)));
  EXPECT_EQ(file_at(target[0].tensor.const_data_ptr()), folder / "a.safetensors");
  EXPECT_EQ(target[1].tensor.item<std::int64_t>(), 4);

  std::vector<NamedTensor> wider = {{"a.weight", torch::zeros({2, 3}, at::kDouble)},
                                    {"b.count", torch::zeros({}, at::kLong)}};
  share_weights(std::make_shared<const StoredWeights>(folder / "a.safetensors"), wider);
  EXPECT_EQ(wider[0].tensor.scalar_type(), at::kDouble);
  EXPECT_TRUE(torch::equal(wider[0].tensor, torch::full({2, 3}, 1.5, at::kDouble)));
}

TEST(Weights, KeepTheirStridesWhereTheyAreShared) {
  const TemporaryFolder folder;
  const at::Tensor stored = torch::arange(72, at::kFloat).reshape({8, 1, 3, 3});
  save_weights(folder / "a.safetensors", {{"w", stored}});
  const at::Tensor channels_last = torch::empty_strided({8, 1, 3, 3}, {9, 1, 3, 1});
  share_weights(std::make_shared<const StoredWeights>(folder / "a.safetensors"), {{"w", channels_last}});
  EXPECT_TRUE(at::equal(channels_last, stored));
  EXPECT_EQ(channels_last.strides(), at::IntArrayRef({9, 1, 3, 1}));
}

TEST(Weights, NamesWhatIsMissingAndUnexpectedAndCopiesNothing) {
  TemporaryFolder folder;
  save_weights(folder / "a", {{"b", torch::ones({1})}, {"c", torch::ones({1})}});
  const std::vector<NamedTensor> target = {{"a", torch::zeros({1})}, {"b", torch::zeros({1})}};
  const StoredWeights weights(folder / "a");
  EXPECT_THAT(message_of([&] { load_weights(weights, target); }),
              HasSubstr("it lacks a; the model has no c"));
  EXPECT_EQ(target[1].tensor.item<float>(), 0);
  EXPECT_THAT(message_of([&] { load_weights(weights, target, {"a"}); }), HasSubstr("the model has no c"));
  EXPECT_THAT(message_of([&] { load_weights(weights, target, {"x*"}); }, ExitStatus::configuration),
              HasSubstr("x*"));
  EXPECT_THAT(message_of([&] {
                load_weights(weights, {{"b", torch::zeros({3})}, {"c", torch::zeros({1})}});
              }),
              HasSubstr("b is f32 [1], but the model's is f32 [3]"));
}

TEST(Weights, RefusesWhatHoldsNone) {
  TemporaryFolder folder;
  EXPECT_THAT(message_of([&] { StoredWeights(folder.path()); }), HasSubstr("neither"));
  EXPECT_THAT(message_of([&] { StoredWeights(folder / "missing"); }), HasSubstr("missing"));
  write_file_atomically(folder / "text", "no weights at all", false);
  EXPECT_THAT(message_of([&] { StoredWeights(folder / "text"); }), HasSubstr("no safetensors file"));
}

class FineTuning : public Train {
 protected:
  StepRun from(const std::string& name, const std::string& weights, Json keys) {
    keys["epochs"] = 1;
    return {
        *comm_, "train", keys, folder_ / name, {{"train", folder_ / "clouds"}, {"initial_weights", weights}}};
  }
  at::Tensor stored(const std::string& name, const std::string& tensor) {
    const StoredWeights weights(folder_ / (name + "/model"));
    for (const auto& t : weights.tensors()) {
      if (t.name == tensor)
        return torch::from_blob(const_cast<std::byte*>(t.data), t.shape, scalar_type(t.dtype)).clone();
    }
    ADD_FAILURE() << tensor;
    return {};
  }
};

TEST_F(FineTuning, GoesOnFromAModelArtifact) {
  auto first = prepare("first", {{"model", small_mlp}, {"epochs", 5}}, "clouds", "clouds_test");
  first.run();
  auto next = from("next", first.output(),
                   {{"model", small_mlp}, {"optimizer", {{"learning_rate", 1e-9}, {"type", "sgd"}}}});
  next.run();
  EXPECT_TRUE(
      torch::allclose(stored("next", "layers.0.weight"), stored("first", "layers.0.weight"), 1e-5, 1e-6));
}

TEST_F(FineTuning, FrozenWeightsKeepTheirBitsAndOthersLearn) {
  auto first = prepare("first", {{"model", small_mlp}, {"epochs", 1}}, "clouds");
  first.run();
  auto next = from("next", first.output(), {{"model", small_mlp}, {"freeze", {"layers.0.*"}}});
  next.run();
  EXPECT_TRUE(torch::equal(stored("next", "layers.0.weight"), stored("first", "layers.0.weight")));
  EXPECT_TRUE(torch::equal(stored("next", "layers.0.bias"), stored("first", "layers.0.bias")));
  EXPECT_FALSE(torch::equal(stored("next", "layers.3.weight"), stored("first", "layers.3.weight")));
}

TEST_F(FineTuning, ANewHeadForOtherClasses) {
  toy_clouds(200, 4, 5).write(folder_ / "other");
  StepRun first(*comm_, "train", {{"model", small_mlp}, {"epochs", 1}}, folder_ / "first",
                {{"train", folder_ / "other"}});
  first.run();
  auto strict = from("strict", first.output(), {{"model", small_mlp}});
  EXPECT_THAT(failure(strict).message(),
              HasSubstr("layers.3.weight is f32 [4,16], but the model's is f32 [3,16]"));
  auto next = from("next", first.output(),
                   {{"model", small_mlp}, {"new_weights", {"layers.3.*"}}, {"freeze", {"layers.0.*"}}});
  next.run();
  EXPECT_EQ(stored("next", "layers.3.weight").size(0), 3);
  EXPECT_TRUE(torch::equal(stored("next", "layers.0.weight"), stored("first", "layers.0.weight")));
}

TEST_F(FineTuning, RefusesWeightsThatMeanSomethingElse) {
  ToyDataset other = toy_clouds(200, 3, 5);
  std::swap(other.info.schema["classes"][0], other.info.schema["classes"][1]);
  other.write(folder_ / "other");
  StepRun first(*comm_, "train", {{"model", small_mlp}, {"epochs", 1}}, folder_ / "first",
                {{"train", folder_ / "other"}});
  first.run();
  auto scrambled = from("scrambled", first.output(), {{"model", small_mlp}});
  const Error error = failure(scrambled);
  EXPECT_THAT(error.message(), HasSubstr("the classes cloud, 1, cloud, 0, cloud, 2"));
  EXPECT_THAT(error.hint(), HasSubstr("initial_weights_as_they_are: true"));
  auto wanted = from("wanted", first.output(), {{"model", small_mlp}, {"initial_weights_as_they_are", true}});
  wanted.run();
}

TEST_F(FineTuning, SaysWhatCannotBe) {
  auto unknown = prepare("a", {{"model", small_mlp}, {"freeze", {"layer.*"}}}, "clouds");
  EXPECT_EQ(failure(unknown).status(), ExitStatus::configuration);
  auto all = prepare("b", {{"model", small_mlp}, {"freeze", {"*"}}}, "clouds");
  EXPECT_THAT(failure(all).message(), HasSubstr("no parameters to train"));
  auto without = prepare("c", {{"model", small_mlp}, {"new_weights", {"*"}}}, "clouds");
  EXPECT_THAT(failure(without).message(), HasSubstr("initial_weights"));
}

}  // namespace
}  // namespace rankflow
