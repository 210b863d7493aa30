// A communicator to derive made-up ranks from: what a test does not expect fails it.
#pragma once

#include <gtest/gtest.h>

#include "collectives/communicator.h"

namespace rankflow {

class LonelyCommunicator : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void all_reduce(void*, std::size_t, DType, ReduceOp) override { unexpected("all_reduce"); }
  void reduce_scatter_unequal(void*, std::span<const std::int64_t>, DType, ReduceOp) override {
    unexpected("reduce_scatter");
  }
  void broadcast(void*, std::size_t, int) override { unexpected("broadcast"); }
  void all_gather(const void*, std::size_t, void*) override { unexpected("all_gather"); }
  void all_gather_unequal(const void*, std::span<const std::int64_t>, void*) override {
    unexpected("all_gather_unequal");
  }
  void gather_unequal(const void*, std::span<const std::int64_t>, void*, int) override {
    unexpected("gather_unequal");
  }
  std::unique_ptr<Communicator> split(int) override {
    unexpected("split");
    return nullptr;
  }
  void barrier() override {}
  void close() override {}

 private:
  static void unexpected(const char* call) { ADD_FAILURE() << "the call of " << call << " went through"; }
};

}  // namespace rankflow
