// Prepares images and labels from IDX files or from folders of PNG and JPEG files: they stay uint8 until they are on the device.
#pragma once

#include "steps/dataset_writer.h"

namespace rankflow {

/// Collective. Images become `images` u8 [channels, height, width]; labels, where they are given, `target`
/// i64.
PreparedData prepare_images(StepContext& context);

}  // namespace rankflow
