#include "runtime/bind.h"

#include "base/error.h"
#include "base/text.h"
#include "runtime/binding.h"

namespace rankflow {
namespace {

class Binder {
 public:
  Binder(const Planner& planner, const StoreLayout& store, const std::map<std::string, std::string>& staging)
      : planner_(planner), store_(store), staging_(staging) {}

  std::string path(const std::string& text) const {
    return replace_bindings(text, [&](const Binding& b) { return value(b); });
  }

  // Every text in a parameter tree; what is no text stays.
  Json all(const Json& value) const {
    if (value.is_string()) return path(value.get<std::string>());
    Json out = value;
    if (value.is_array() || value.is_object()) {
      for (auto& element : out) element = all(element);
    }
    return out;
  }

 private:
  std::string value(const Binding& b) const {
    const Pipeline& pipeline = planner_.pipeline();
    switch (b.kind) {
      case Binding::Kind::input:
        return pipeline.find_input(b.name)->path;
      case Binding::Kind::step_output:
        return store_.artifact_data(planner_.steps()[pipeline.index_of(b.step)].outputs.at(b.name));
      case Binding::Kind::own_output:
        return staging_.at(b.name) + "/data";
      case Binding::Kind::literal:
      case Binding::Kind::parameter:
        break;
    }
    throw Error(ExitStatus::internal, str("a binding to ", b.name, " was left unresolved"));
  }

  const Planner& planner_;
  const StoreLayout& store_;
  const std::map<std::string, std::string>& staging_;
};

}  // namespace

WorkOrder make_work_order(const Planner& planner, std::size_t index, const StoreLayout& store,
                          const RunLayout& run, const std::map<std::string, std::string>& staging) {
  const PipelineStep& step = planner.pipeline().steps[index];
  const Binder binder(planner, store, staging);
  WorkOrder order;
  order.step = step.name;
  order.type = step.type;
  order.parameters = binder.all(step.parameters);
  for (const auto& [name, text] : step.inputs) order.inputs[name] = binder.path(text);
  order.outputs = staging;
  order.fingerprint = planner.steps()[index].fingerprint;
  order.checkpoints = store.checkpoints(order.fingerprint);
  order.log_folder = run.step_logs(step.name);
  order.folder = planner.pipeline().folder;
  return order;
}

}  // namespace rankflow
