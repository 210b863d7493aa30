// From what a pipeline's input refers to, to where the data lie: registered datasets, datastores, globs and lists. Loading a pipeline only
// notes the reference; this looks it up in the store and in the site file.
#pragma once

#include <string>

#include "io/store_layout.h"
#include "runtime/pipeline.h"

namespace rankflow {

/// Whether the text of an input says by its form that it is a dataset: `dataset:NAME`, `dataset:NAME@latest`, `dataset:NAME:3`, or
/// one of the last two without "dataset:" before it.
bool names_dataset(const std::string& text);
/// Notes that the input is a dataset: one of these forms, or a name alone. Throws Error (configuration) for a name or version that
/// can't be, and for a text that could as well be a file in `folder`.
void note_dataset(const std::string& text, const std::string& folder, PipelineInput& input);
/// The path as it was written where it may be one in a datastore, `NAME:path`; otherwise "".
std::string noted_datastore(const std::string& written);

/// Gives every output that is published to a datastore its folder or location, every input with a reference its path or location,
/// those that are datasets their version and content, globs and lists the files and folders that they name now, and steps that write
/// to a datastore (StepSpec::places) where that is. Where an earlier attempt of the same run resolved a reference (`pinned`: what
/// describe_inputs() gave), it stays at that version. Throws ConfigError at the input's place for names and versions that there
/// aren't, and for a glob that matches nothing.
void resolve_inputs(Pipeline& pipeline, const StoreLayout& store, const Json& pinned = Json::object());
/// What an earlier attempt of a run noted of its inputs; an empty object where there was none, or no such run.
Json pinned_inputs(const StoreLayout& store, const std::string& run);

/// {input: {path, reference, dataset, content; paths and matched of a glob or a list}} of what the run's record keeps; only keys that mean something.
Json describe_inputs(const Pipeline& pipeline);

}  // namespace rankflow
