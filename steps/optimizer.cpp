#include "steps/optimizer.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/path_pattern.h"
#include "base/text.h"

namespace rankflow {
namespace {

using Tensors = std::vector<at::Tensor>;

/// One group's pieces of the flat buffers.
struct Piece {
  at::Tensor values, gradients;
  double weight_decay;
  Range elements;
};

std::vector<Piece> cut(const at::Tensor& values, const at::Tensor& gradients,
                       const std::vector<DecayGroup>& groups, double weight_decay) {
  std::vector<Piece> pieces;
  for (const auto& group : groups) {
    const Range r = group.elements;
    if (r.size() == 0) continue;
    pieces.push_back({part(values, r), part(gradients, r), group.decayed ? weight_decay : 0, r});
  }
  return pieces;
}

class Sgd : public Optimizer {
 public:
  Sgd(const Json& spec, const at::Tensor& values, std::vector<Piece> pieces)
      : momentum_(spec.at("momentum")), nesterov_(spec.at("nesterov")), pieces_(std::move(pieces)) {
    if (momentum_ > 0) buffer_ = torch::zeros_like(values);
  }

  void step(double learning_rate) override {
    for (const Piece& piece : pieces_) {
      // A buffer of zeros makes the first step like all others: PyTorch's special case gives the same without
      // dampening.
      at::_fused_sgd_({piece.values}, {piece.gradients},
                      momentum_ > 0 ? Tensors{part(buffer_, piece.elements)} : Tensors{}, piece.weight_decay,
                      momentum_, learning_rate, /*dampening=*/0, nesterov_, /*maximize=*/false,
                      /*is_first_step=*/false);
    }
  }

  std::vector<NamedTensor> state() const override {
    if (!buffer_.defined()) return {};
    return {{"momentum", buffer_}};
  }

 private:
  double momentum_;
  bool nesterov_;
  std::vector<Piece> pieces_;
  at::Tensor buffer_;
};

class Adam : public Optimizer {
 public:
  /// `decoupled`: AdamW.
  Adam(const Json& spec, bool decoupled, const at::Tensor& values, std::vector<Piece> pieces)
      : decoupled_(decoupled),
        beta1_(spec.at("beta1")),
        beta2_(spec.at("beta2")),
        epsilon_(spec.at("epsilon")),
        pieces_(std::move(pieces)),
        mean_(torch::zeros_like(values)),
        square_(torch::zeros_like(values)),
        steps_(torch::zeros({})) {}

  void step(double learning_rate) override {
    steps_ += 1;
    const auto kernel =
        decoupled_ ? static_cast<Kernel>(at::_fused_adamw_) : static_cast<Kernel>(at::_fused_adam_);
    for (const Piece& piece : pieces_) {
      kernel({piece.values}, {piece.gradients}, Tensors{part(mean_, piece.elements)},
             Tensors{part(square_, piece.elements)}, {}, {steps_}, learning_rate, beta1_, beta2_,
             piece.weight_decay, epsilon_, /*amsgrad=*/false,
             /*maximize=*/false, {}, {});
    }
  }

  std::vector<NamedTensor> state() const override { return {{"exp_avg", mean_}, {"exp_avg_sq", square_}}; }
  std::vector<NamedTensor> scalars() const override { return {{"step", steps_}}; }

 private:
  using Kernel = void (*)(at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList,
                          at::TensorList, double, double, double, double, double, bool, bool,
                          const std::optional<at::Tensor>&, const std::optional<at::Tensor>&);
  bool decoupled_;
  double beta1_, beta2_, epsilon_;
  std::vector<Piece> pieces_;
  at::Tensor mean_, square_, steps_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const Json& spec, const at::Tensor& values,
                                          const at::Tensor& gradients,
                                          const std::vector<DecayGroup>& groups) {
  const std::string type = spec.at("type");
  auto pieces = cut(values, gradients, groups, spec.at("weight_decay"));
  if (type == "sgd") return std::make_unique<Sgd>(spec, values, std::move(pieces));
  if (type == "adam") return std::make_unique<Adam>(spec, false, values, std::move(pieces));
  if (type == "adamw") return std::make_unique<Adam>(spec, true, values, std::move(pieces));
  throw Error(ExitStatus::configuration, str("optimizer type ", type, " has no code in this program"));
}

bool excluded_from_decay(const Json& optimizer, const std::string& name, const at::Tensor& parameter) {
  const bool bias = name == "bias" || name.ends_with(".bias");
  for (const std::string rule : optimizer.at("weight_decay_excludes")) {
    if (rule == "bias" ? bias : rule == "norm" ? parameter.dim() == 1 && !bias : glob_matches(rule, name))
      return true;
  }
  return false;
}

}  // namespace rankflow
