// A folder that all ranks share, and prepare steps run in it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "steps/registry.h"
#include "steps/specs.h"
#include "tests/mpi/test_world.h"
#include "tests/step_harness.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {

/// A folder that all ranks share, made and removed by rank 0; and prepare run in it.
class PrepareTest : public ::testing::Test {
 protected:
  PrepareTest() {
    if (first()) folder_.emplace();
    path_ = comm().broadcast_text(first() ? folder_->path() : "");
  }
  ~PrepareTest() override { comm().barrier(); }

  static Communicator& comm() { return test_world().all(); }
  static bool first() { return comm().rank() == 0; }
  std::string at(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& content) const {
    if (first()) write_file_atomically(at(name), content, false);
    comm().barrier();
  }

  Json prepare_on(Communicator& ranks, const Json& parameters,
                  const std::map<std::string, std::string>& inputs, const std::string& out) const {
    const StepSpecs specs = all_step_specs();
    const auto step = step_factory()("prepare");
    return run_step(*step, *specs.find("prepare"), ranks, parameters, inputs, at(out));
  }
  Json prepare(const Json& parameters, const std::map<std::string, std::string>& inputs,
               const std::string& out = "out") const {
    return prepare_on(comm(), parameters, inputs, out);
  }
  /// The message of the error with which the step fails; every rank must fail. "" on ranks whose own work was
  /// fine.
  std::string failure(const Json& parameters, const std::map<std::string, std::string>& inputs,
                      ExitStatus expected) const {
    try {
      prepare(parameters, inputs);
    } catch (const PeerFailed&) {
      return "";
    } catch (const Error& e) {
      EXPECT_EQ(code(e.status()), code(expected)) << e.message();
      return e.message();
    }
    ADD_FAILURE() << "prepare did not fail";
    return "";
  }
  /// Prepares on all ranks and on one; the files are the same.
  void expect_bytes_of_one_rank(const Json& parameters, const std::map<std::string, std::string>& inputs,
                                const std::string& out = "all") const {
    prepare(parameters, inputs, out);
    if (!first()) return;
    const auto alone = make_self_communicator();
    prepare_on(*alone, parameters, inputs, out + "-one");
    expect_same_files(out + "-one", out);
  }
  void expect_same_files(const std::string& a, const std::string& b) const {
    int files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(at(a))) {
      if (!entry.is_regular_file()) continue;
      const auto name = std::filesystem::relative(entry.path(), at(a)).string();
      EXPECT_EQ(read_file(entry.path().string()), read_file(at(b) + "/" + name)) << name;
      ++files;
    }
    EXPECT_GT(files, 0);
    EXPECT_FALSE(exists(at(b) + "/train/.scratch") || exists(at(b) + "/data/.scratch"));
  }

  template <typename T>
  static std::vector<T> column(const Dataset& data, const std::string& name) {
    std::vector<T> values(static_cast<std::size_t>(data.rows() * data.info().at(name).elements()));
    data.copy(name, {0, data.rows()}, values.data());
    return values;
  }

 private:
  std::optional<TemporaryFolder> folder_;
  std::string path_;
};

}  // namespace rankflow
