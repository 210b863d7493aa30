#include "base/error.h"
#include "steps/image_keys.h"

namespace rankflow {

Field image_field() {
  const ImageKeys otherwise;
  return object(
      "image",
      {between(integer("height",
                       "Every image gets this height and `width`, in pixels, by bilinear interpolation "
                       "that averages when it shrinks (as Pillow and torchvision with antialiasing). "
                       "Without it, all images must have one size"),
               1, 65536),
       between(integer("width", "See `height`"), 1, 65536),
       between(integer("channels",
                       "1: grey, 3: red, green, blue; images that are otherwise are converted. "
                       "Without it, all must have as many"),
               1, 3),
       with_default(
           choice("label", {"auto", "folder", "none"},
                  "Without the input `labels`: an image's class is the name of the first folder on its "
                  "path (folder), or there are no labels (none). auto: none where all images lie in the "
                  "folder itself"),
           otherwise.label),
       with_default(text("file_column", "Input `labels`: the column of file names, relative to the folder"),
                    otherwise.file_column),
       with_default(text("label_column", "Input `labels`: the column of classes"), otherwise.label_column),
       with_default(
           between(integer("most_damaged",
                           "So many images may be damaged: they are left out and listed in damaged.csv "
                           "beside the parts. Above 0, images are decoded twice"),
                   0, 1e9),
           otherwise.most_damaged)},
      "Folders of images: what is made of them");
}

ImageKeys image_keys(const Json& key) {
  ImageKeys keys;
  if (key.is_null()) return keys;
  keys.height = key.value("height", keys.height);
  keys.width = key.value("width", keys.width);
  keys.channels = key.value("channels", keys.channels);
  keys.label = key.value("label", keys.label);
  keys.file_column = key.value("file_column", keys.file_column);
  keys.label_column = key.value("label_column", keys.label_column);
  keys.most_damaged = key.value("most_damaged", keys.most_damaged);
  if ((keys.height == 0) != (keys.width == 0))
    throw Error(ExitStatus::configuration, "image: height and width go together", "give both");
  if (keys.channels == 2)
    throw Error(ExitStatus::configuration,
                "image: channels is 2; it must be 1 (grey) or 3 (red, green, blue)");
  return keys;
}

}  // namespace rankflow
