// The fingerprint of a step: SHA-256 of its ingredients, everything that its outputs depend on and nothing
// else.
//
// Ingredients, a JSON object whose canonical dump is hashed:
//   format      1
//   type, version   of the step type
//   parameters  the step's own keys, complete with defaults, less those that never change a result
//   (Field::cosmetic).
//               In texts, `${{inputs.x}}` and the path below it that follows become "<content DIGEST>" of
//               what lies at that very place, `${{steps.s.outputs.o}}` becomes "<artifact DIGEST>",
//               `${{outputs.o}}` "<output o>"
//   inputs      {name: "content:DIGEST" or "artifact:DIGEST/path/below"; "remote:DIGEST/path/below" of what lies in an
//               object store, where names, sizes and versions (ETags) stand for the content unless a SHA-256 is declared}
//   outputs     their names
//   device      "cpu" or "cuda" (runtime/device.h)
//   ranks       only where the step type says that results depend on it
//   program     digest of the program that a command runs, found as execvp(3) finds it in the command's
//   working
//               directory (key `folder`) and PATH (as `env` may declare it), unless a binding says where it
//               is
//   code        {relative path: digest} of the files that a command's `code` and `hash` name
//   env         {name: value} that a command declares
//
// Not in it: paths, names of steps, times, users, hosts.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include "runtime/pipeline.h"
#include "runtime/plan_disk.h"

namespace rankflow {

struct Fingerprint {
  std::string digest;  // 64 hexadecimal digits
  std::string
      work;  // of the ingredients without keys that only judge it (Field::judging): where its checkpoints are
  std::string family;  // of the ingredients without the inputs StepSpec::by_file; "": it has none of them
  Json ingredients;
  Json labels;  // {"content DIGEST": "${{inputs.x}}/below", "artifact DIGEST": …}: names for people; not
                // hashed
};

/// Digest of the artifact that `step` gave as `output`.
using OutputDigest = std::function<std::string(const std::string& step, const std::string& output)>;

/// Makes the fingerprints of one pipeline's steps. What it has read from the disk it reads no second time: a
/// plan sees one state of the inputs.
class Fingerprinter {
 public:
  Fingerprinter(const Pipeline& pipeline, PlanDisk& disk, int world, std::string device);

  /// Throws Error: io where an input file is missing, configuration where an input has no path or the program
  /// or code of a command can't be found.
  Fingerprint of(const PipelineStep& step, const OutputDigest& output_digest);
  /// What stands for the content of an input that lies on no path: its declared SHA-256, or the digest of its listing.
  const std::string& remote_digest(const PipelineInput& input);
  /// Throws what `of` would, before the outputs that the step needs are known.
  void check(const PipelineStep& step);
  /// Digest of what lies at a path, as fingerprints have it.
  const std::string& content_at(const std::string& path) { return digest_at(path); }
  /// Throws Error (bad_data) where something else lies there now, (io) where nothing does.
  void check_unchanged(const std::string& path);

 private:
  friend class IngredientsBuilder;
  const std::string& digest_at(const std::string& path);
  /// Planning makes no folders of links: what lies in that of a selection is looked up at its own place.
  std::string content_now(const std::string& path);
  std::string content_of(const PipelineInput& input, const std::string& below);
  /// `named_by`: the step's key that names it, for messages.
  const Json& code_of(const std::string& pattern, const std::string& named_by, bool skip_ignored,
                      const PipelineStep& step);
  const std::string& program(const std::string& name, const std::string& search_path,
                             const std::string& named_by, const PipelineStep& step);

  const Pipeline& pipeline_;
  PlanDisk& disk_;
  int world_;
  std::string device_;
  std::unordered_map<std::string, std::string> digests_;  // by path, or URL
  std::unordered_map<std::string, Json> code_;  // by pattern, after 'c' or 'h': {relative path: digest}
  std::unordered_map<std::string, std::string> programs_;  // by name, folder and search path: digest
};

}  // namespace rankflow
