#include "steps/optimizer.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

class Sgd : public Optimizer {
 public:
  Sgd(const Json& spec, std::int64_t n)
      : learning_rate_(spec.at("learning_rate")),
        momentum_(spec.at("momentum")),
        weight_decay_(spec.at("weight_decay")),
        nesterov_(spec.at("nesterov")) {
    if (momentum_ > 0) buffer_ = torch::zeros({n});
  }

  void step(at::Tensor& values, const at::Tensor& gradients) override {
    at::Tensor p = values, g = gradients, b = buffer_;
    // A buffer of zeros makes the first step like all others: PyTorch's special case gives the same without
    // dampening.
    at::_fused_sgd_({p}, {g}, buffer_.defined() ? std::vector<at::Tensor>{b} : std::vector<at::Tensor>{},
                    weight_decay_, momentum_, learning_rate_, /*dampening=*/0, nesterov_, /*maximize=*/false,
                    /*is_first_step=*/false);
  }

  std::vector<NamedTensor> state() const override {
    if (!buffer_.defined()) return {};
    return {{"momentum", buffer_}};
  }

 private:
  double learning_rate_, momentum_, weight_decay_;
  bool nesterov_;
  at::Tensor buffer_;
};

class AdamW : public Optimizer {
 public:
  AdamW(const Json& spec, std::int64_t n)
      : learning_rate_(spec.at("learning_rate")),
        weight_decay_(spec.at("weight_decay")),
        beta1_(spec.at("beta1")),
        beta2_(spec.at("beta2")),
        epsilon_(spec.at("epsilon")),
        mean_(torch::zeros({n})),
        square_(torch::zeros({n})),
        steps_(torch::zeros({})) {}

  void step(at::Tensor& values, const at::Tensor& gradients) override {
    steps_ += 1;
    at::Tensor p = values, g = gradients, m = mean_, s = square_, k = steps_;
    at::_fused_adamw_({p}, {g}, {m}, {s}, {}, {k}, learning_rate_, beta1_, beta2_, weight_decay_, epsilon_,
                      /*amsgrad=*/false, /*maximize=*/false);
  }

  std::vector<NamedTensor> state() const override { return {{"exp_avg", mean_}, {"exp_avg_sq", square_}}; }
  std::vector<NamedTensor> scalars() const override { return {{"step", steps_}}; }

 private:
  double learning_rate_, weight_decay_, beta1_, beta2_, epsilon_;
  at::Tensor mean_, square_, steps_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const Json& spec, std::int64_t n) {
  const std::string type = spec.at("type");
  if (type == "sgd") return std::make_unique<Sgd>(spec, n);
  if (type == "adamw") return std::make_unique<AdamW>(spec, n);
  throw Error(ExitStatus::configuration, str("optimizer type ", type, " has no code in this program"));
}

}  // namespace rankflow
