#include "steps/model_outputs.h"

#include <torch/torch.h>

#include <limits>

#include "base/text.h"
#include "io/optional_key.h"
#include "runtime/step_failure.h"
#include "steps/tensors.h"

namespace rankflow {
namespace {

constexpr double rounding = 1e-4;         // of sums of probabilities
constexpr std::int64_t telling_rows = 3;  // logits of one row may sum to 1 by chance

/// [rows]: which rows hold probabilities.
at::Tensor rows_of_probabilities(const at::Tensor& outputs) {
  return (outputs >= 0).all(1).logical_and((outputs.sum(1) - 1).abs() <= rounding);
}

std::string for_rows(std::int64_t rows, Range batch) {
  return str("for ", rows, " of the ", batch.size(), " rows from ", batch.begin, " on");
}

StepFailure other_width(const at::Tensor& outputs, const OutputMeaning& meaning) {
  const bool one = outputs.dim() == 1 || outputs.size(1) == 1;
  const std::string what = str("the model gives ", one ? 1 : outputs.size(1), one ? " output" : " outputs",
                               " for each row, not ", meaning.width());
  if (!one || meaning.width() != 2) {
    return {
        ExitStatus::bad_data,
        str(what, meaning.task == Task::classification ? ", one for each class" : ", the predicted number"),
        meaning.from_elsewhere ? "a model for this data's classes, or its number" : ""};
  }
  return {ExitStatus::bad_data, str(what, ", one for each class"),
          "two logits for each row: torch.stack([torch.zeros_like(z), z], 1) of one logit z for the second "
          "class"};
}

/// [rows, width].
at::Tensor in_columns(const at::Tensor& outputs, const OutputMeaning& meaning, std::int64_t rows,
                      Range batch) {
  if (outputs.dim() < 1 || outputs.dim() > 2 || outputs.size(0) != rows) {
    throw StepFailure(
        ExitStatus::bad_data,
        str("the model gave outputs of shape ", shape_text(outputs.sizes()), " ", for_rows(rows, batch)),
        str("a model that takes any number of rows (torch.export: a dynamic first dimension), and gives "
            "[rows, ",
            meaning.width(), "]"));
  }
  if ((outputs.dim() == 1 ? 1 : outputs.size(1)) != meaning.width() ||
      (outputs.dim() == 1 && meaning.task == Task::classification))
    throw other_width(outputs, meaning);
  return outputs.dim() == 1 ? outputs.unsqueeze(1) : outputs;
}

at::Tensor log_of_probabilities(const at::Tensor& outputs, Range batch) {
  const at::Tensor others = rows_of_probabilities(outputs).logical_not();
  if (others.any().item<bool>()) {
    const at::Tensor row = outputs[others.nonzero()[0].item<std::int64_t>()];
    throw StepFailure(ExitStatus::bad_data,
                      str("model_outputs says probabilities, but among the ", batch.size(), " rows from ",
                          batch.begin, " on the model gave a row from ", row.min().item<double>(), " to ",
                          row.max().item<double>(), " whose sum is ", row.sum().item<double>()),
                      "model_outputs: logits");
  }
  return outputs.clamp_min(std::numeric_limits<double>::min()).log();
}

void refuse_probabilities(const at::Tensor& outputs, Range batch) {
  if (outputs.size(0) < telling_rows || !rows_of_probabilities(outputs).all().item<bool>()) return;
  throw StepFailure(ExitStatus::bad_data,
                    str("the model gave probabilities for the ", batch.size(), " rows from ", batch.begin,
                        " on (none is negative, and the sum of each row is 1), not logits"),
                    "model_outputs: probabilities");
}

}  // namespace

std::optional<ModelOutputs> wanted_outputs(const Json& parameters) {
  const Json& wanted = value_or_null(parameters, "model_outputs");
  if (wanted.is_null()) return std::nullopt;
  return wanted == "probabilities" ? ModelOutputs::probabilities : ModelOutputs::logits;
}

at::Tensor in_units_of_target(const at::Tensor& outputs, const OutputMeaning& meaning, std::int64_t rows,
                              Range batch) {
  const at::Tensor columns = in_columns(outputs, meaning, rows, batch);
  if (!columns.isfinite().all().item<bool>()) {
    throw Error(ExitStatus::bad_data,
                str("the model's outputs for the ", batch.size(), " rows from ", batch.begin,
                    " on are not all finite"),
                "look for missing or infinite values in these rows");
  }
  const at::Tensor wide = columns.to(at::kDouble);
  if (meaning.task == Task::regression) return wide * meaning.target.scale + meaning.target.mean;
  if (meaning.outputs == ModelOutputs::probabilities) return log_of_probabilities(wide, batch);
  if (meaning.from_elsewhere) refuse_probabilities(wide, batch);
  return wide.log_softmax(1);
}

}  // namespace rankflow
