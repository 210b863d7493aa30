#include "steps/scores.h"

#include <fcntl.h>
#include <torch/torch.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/tensor_file.h"
#include "steps/csv_text.h"

namespace rankflow {

ScoreOptions::ScoreOptions(const Json& parameters)
    : mini_batch_size(parameters.at("mini_batch_size")), all_probabilities(parameters.at("probabilities")) {
  const bool files = parameters.at("output_action") == "append_row";
  const auto wants = [&](const char* format) {
    const Json& formats = parameters.at("formats");
    return files && std::find(formats.begin(), formats.end(), format) != formats.end();
  };
  csv = wants("csv");
  hdf5 = wants("hdf5");
}

void Scores::clear() {
  *this = {};
}

void append_scores(const Predictor& predictor, Range rows, const ScoreOptions& options, Scores& scores) {
  const std::size_t before = scores.size();
  scores.row.resize(before + static_cast<std::size_t>(rows.size()));
  predictor.data().copy("row", rows, scores.row.data() + before);
  const at::Tensor outputs = predictor.predict(rows).contiguous();
  if (predictor.task() == Task::regression) {
    const at::Tensor values = outputs.to(at::kFloat);
    scores.value.insert(scores.value.end(), values.data_ptr<float>(),
                        values.data_ptr<float>() + values.numel());
    return;
  }
  const at::Tensor predicted = outputs.argmax(1);
  scores.predicted.insert(scores.predicted.end(), predicted.data_ptr<std::int64_t>(),
                          predicted.data_ptr<std::int64_t>() + predicted.numel());
  at::Tensor probability = outputs.exp().to(at::kFloat);
  if (!options.all_probabilities) probability = probability.gather(1, predicted.unsqueeze(1)).contiguous();
  scores.width = probability.size(1);
  scores.probability.insert(scores.probability.end(), probability.data_ptr<float>(),
                            probability.data_ptr<float>() + probability.numel());
}

std::string csv_header(const std::vector<std::string>& classes, const ScoreOptions& options) {
  std::string text = "row,prediction";
  if (!classes.empty() && !options.all_probabilities) text += ",probability";
  if (options.all_probabilities) {
    for (const auto& c : classes) text += ',', append_csv(text, "p_" + c);
  }
  return text + '\n';
}

std::string csv_lines(const Scores& scores, const std::vector<std::string>& classes) {
  std::string text;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    append_number(text, scores.row[i]);
    text += ',';
    if (classes.empty()) {
      append_number(text, scores.value[i]);
    } else {
      append_csv(text, classes.at(static_cast<std::size_t>(scores.predicted[i])));
    }
    const auto width = static_cast<std::size_t>(scores.width);
    for (std::size_t c = 0; c < width; ++c)
      text += ',', append_number(text, scores.probability[i * width + c]);
    text += '\n';
  }
  return text;
}

ScoreFiles::ScoreFiles(std::string folder, const Predictor& predictor, const ScoreOptions& options,
                       Communicator& comm)
    : folder_(std::move(folder)),
      predictor_(predictor),
      options_(options),
      comm_(comm),
      counts_(predictor.classes().size()) {
  run_together(comm_, [&] {
    if (comm_.rank() != 0 || !options_.csv) return;
    csv_ = File(folder_ + "/scores.csv", O_WRONLY | O_CREAT | O_EXCL);
    csv_.write_all(csv_header(predictor_.classes(), options_));
  });
}

void ScoreFiles::append(const Scores& mine) {
  std::vector<char> text;
  if (options_.csv) {
    const std::string lines = csv_lines(mine, predictor_.classes());  // made on all ranks at once
    text = gather_on_first(comm_, std::vector<char>(lines.begin(), lines.end()));
  }
  Scores round;
  round.predicted = gather_on_first(comm_, mine.predicted);
  round.value = gather_on_first(comm_, mine.value);
  if (options_.hdf5) {
    round.row = gather_on_first(comm_, mine.row);
    round.probability = gather_on_first(comm_, mine.probability);
  }
  run_together(comm_, [&] {
    if (comm_.rank() != 0) return;
    if (options_.csv) csv_.write_all({text.data(), text.size()});
    count(round);
  });
}

void ScoreFiles::count(const Scores& round) {
  rows_ += static_cast<std::int64_t>(round.predicted.size() + round.value.size());
  for (const auto c : round.predicted) ++counts_.at(static_cast<std::size_t>(c));
  for (const auto v : round.value) sum_ += v;
  if (!options_.hdf5) return;
  const auto join = [](auto& all, const auto& more) { all.insert(all.end(), more.begin(), more.end()); };
  join(all_.row, round.row);
  join(all_.predicted, round.predicted);
  join(all_.value, round.value);
  join(all_.probability, round.probability);
}

Json ScoreFiles::finish() {
  Json result;
  run_together(comm_, [&] {
    if (comm_.rank() != 0) return;
    if (rows_ != predictor_.data().rows()) {
      throw Error(ExitStatus::internal, str("scored ", rows_, " of ", predictor_.data().rows(), " rows"));
    }
    if (options_.csv) csv_.close();
    if (options_.hdf5) write_hdf5();
    result = summary();
    write_file_atomically(folder_ + "/summary.json", result.dump(2) + "\n", /*durable=*/false);
  });
  return result;
}

void ScoreFiles::write_hdf5() {
  const auto n = rows_;
  std::vector<TensorView> tensors = {{"row", DType::i64, {n}, all_.row.data()}};
  Json attributes = {{"task", name(predictor_.task())}};
  if (predictor_.task() == Task::regression) {
    tensors.push_back({"prediction", DType::f32, {n}, all_.value.data()});
  } else {
    tensors.push_back({"prediction", DType::i64, {n}, all_.predicted.data()});
    attributes["classes"] = predictor_.classes();
    const auto classes = static_cast<std::int64_t>(predictor_.classes().size());
    if (options_.all_probabilities)
      tensors.push_back({"probabilities", DType::f32, {n, classes}, all_.probability.data()});
    else
      tensors.push_back({"probability", DType::f32, {n}, all_.probability.data()});
  }
  write_tensor_file(folder_ + "/scores.h5", tensors, attributes);
}

Json ScoreFiles::summary() const {
  Json all = {{"task", name(predictor_.task())},
              {"rows", rows_},
              {"mini_batch_size", options_.mini_batch_size},
              {"mini_batches", ceil_div(rows_, options_.mini_batch_size)}};
  if (predictor_.task() == Task::regression) {
    all["mean_prediction"] = rows_ > 0 ? Json(sum_ / static_cast<double>(rows_)) : Json();
    return all;
  }
  for (std::size_t c = 0; c < counts_.size(); ++c)
    all["rows_per_class"][predictor_.classes()[c]] = counts_[c];
  return all;
}

}  // namespace rankflow
