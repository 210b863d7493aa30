// Which images of a folder a run takes over from an earlier run's datasets instead of decoding them: those whose content that run has
// prepared, whatever they are called. What became of an image hangs on its content and the keys only; its class, its number and its split
// are this run's. The datasets have the bytes that decoding all would give.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"
#include "runtime/step.h"
#include "steps/earlier_rows.h"
#include "steps/image_folder.h"

namespace rankflow {

class ImageTakeover {
 public:
  /// `images`: the column that the datasets are to have. Collective. Throws Error (bad_data, io) where a file or the earlier datasets
  /// can't be read.
  ImageTakeover(StepContext& context, std::shared_ptr<const ImageFolder> folder, const ColumnInfo& images);

  bool knows(std::int64_t row) const { return rows_ && places_[static_cast<std::size_t>(row)] >= 0; }
  /// Writes the pixels of a row that it knows. Thread-safe.
  void copy(std::int64_t row, std::byte* out) const;

  /// When the datasets are written: leaves notes for later runs, and says how many images were taken over. Collective. Throws Error
  /// (bad_data) where an image changed since it was recognised.
  void finish(StepContext& context) const;

 private:
  void open(const StepContext& context, const ColumnInfo& images);
  void check_unchanged(Communicator& comm) const;

  std::shared_ptr<const ImageFolder> folder_;
  std::vector<FileStamp> stamps_;      // of this rank's share of the files, before they were recognised
  std::string digests_;                // of all files, one after the other
  std::vector<std::int64_t> places_;   // of each row in the earlier datasets, -1: in none
  std::string obstacle_;               // why none is taken over; "" where some could be
  std::unique_ptr<EarlierRows> rows_;  // null where none is known
  OutputColumn earlier_;               // reads rows_
};

}  // namespace rankflow
