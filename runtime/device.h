// On what a step's tensors are computed: the key `resources.device`, what this program was built for, and what a host has.
// Light: no CUDA is loaded to plan a pipeline. Which GPUs there are is read from the names of the driver's device files and
// from CUDA_VISIBLE_DEVICES.
#pragma once

#include <string>
#include <vector>

#include "runtime/pipeline.h"

namespace rankflow {

/// Whether this program has code for CUDA (the build's RANKFLOW_CUDA).
bool built_with_cuda();

/// GPUs that a process may use, by what tells them apart: the numbers of /dev/nvidia0, 1, … (`device_files`) or, where
/// CUDA_VISIBLE_DEVICES (`visible`; null: not set) names some, those in its order, up to the first that does not exist, as
/// CUDA does. "" and "-1" hide all.
std::vector<std::string> usable_gpus(const std::vector<std::string>& device_files, const char* visible);
/// Of this process on this host.
std::vector<std::string> usable_gpus();

/// What a rank may use, and where it is: its host, and its number among the ranks there.
struct RankGpus {
  int node = 0, local_rank = 0;
  std::vector<std::string> gpus;
};
/// Whether each rank has a GPU that no other has: rank i of a host takes number i of those that it may use, and begins again
/// after the last.
bool each_has_a_gpu(const std::vector<RankGpus>& ranks);

/// What `device: auto` means where `ranks` ranks run on this host: "cuda" where this program has code for it and each has a
/// GPU of its own, otherwise "cpu".
std::string automatic_device(int ranks);
/// The same for the ranks of a job, from what each may use.
std::string automatic_device(const std::vector<RankGpus>& ranks);

/// "cpu" or "cuda", for the fingerprint and the ranks: `automatic` where the step leaves it open and its type has code for
/// GPUs. Throws Error (configuration) where the step asks for a device that its type, its parameters or this program
/// can't use.
std::string device_of(const PipelineStep& step, const std::string& automatic);

}  // namespace rankflow
