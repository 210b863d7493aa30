// What tests of one step type's keys share: keys completed by its table, and what its check says of them.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/error.h"
#include "runtime/field.h"
#include "steps/specs.h"

namespace rankflow {

class SpecTest : public ::testing::Test {
 protected:
  explicit SpecTest(const std::string& type) : type_(type), spec_(specs_.find(type)) {}

  Json complete(const Json& keys) const {
    return validate(Node::from_json(keys), spec_->fields, "test.yaml", type_);
  }
  std::string message(const Json& keys) const {
    try {
      spec_->check(complete(keys));
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      return e.message();
    }
    return "no error";
  }

  /// What is said of inputs of these names.
  std::string inputs_message(const Json& keys, const std::set<std::string>& inputs) const {
    try {
      spec_->check_inputs(complete(keys), inputs);
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      return e.message();
    }
    return "no error";
  }

  const std::string type_;
  const StepSpecs specs_ = all_step_specs();
  const StepSpec* spec_;
};

}  // namespace rankflow
