// Prepares folders of PNG and JPEG files: images of one size and number of channels, decoded when a part is written, so that
// memory holds a few of them at a time.
#pragma once

#include "steps/dataset_writer.h"

namespace rankflow {

/// Collective. Columns as prepare_images has them. Beside the parts lies files.csv, which names the file of each row, and
/// damaged.csv where damaged images were left out.
PreparedData prepare_image_folder(StepContext& context);

}  // namespace rankflow
