#include "steps/prepare_script.h"

#include "base/text.h"
#include "collectives/agreement.h"
#include "collectives/ticket_counter.h"
#include "io/ipc_rows.h"
#include "steps/entry_program.h"
#include "steps/hand_out.h"
#include "steps/mini_batch_ledger.h"
#include "steps/mini_batch_retries.h"
#include "steps/table_keys.h"

namespace rankflow {
namespace {

class ScriptRowsMaker {
 public:
  ScriptRowsMaker(StepContext& context, const std::string& scratch)
      : context_(context),
        mini_batch_size_(context.parameters.at("mini_batch_size")),
        max_retries_(context.parameters.at("retry_settings").at("max_retries")),
        input_(open_script_input(context.comm, context.inputs.at("data"), table_options(context.parameters),
                                 {}, scratch + "/unpacked")),
        ledger_(context, {{"format", 1}, {"rows", input_->rows()}, {"mini_batch_size", mini_batch_size_}}) {
    run_together(context.comm, [&] { program_ = make_entry_program(context, ProgramRows::table); });
  }

  /// Puts the rows into files in `folder`.
  void run(const std::string& folder) {
    {
      const TimedSpan span(context_.timeline, "entry script", context_.step);
      run_program();
    }
    input_->check_unchanged(context_.comm);
    const auto made = context_.comm.all_reduce_value<std::int64_t>(write_rows(folder), ReduceOp::sum);
    if (context_.first()) context_.report.result("script_input_rows", input_->rows());
    if (made == 0)
      throw Error(ExitStatus::bad_data,
                  str("run() of ", program_->path(), " gave no rows for ", input_->rows(), " of the input"));
  }

 private:
  std::int64_t mini_batches() const { return ceil_div(input_->rows(), mini_batch_size_); }
  Range rows_of(std::int64_t mini_batch) const {
    return {mini_batch * mini_batch_size_, std::min(input_->rows(), (mini_batch + 1) * mini_batch_size_)};
  }

  void run_program() {
    missing_ = ledger_.restore(mini_batches());
    const auto tickets = make_ticket_counter(context_.comm);
    run_together(context_.comm, [&] {
      try {
        work(*tickets);
      } catch (const Stopped&) {
        tickets->end();  // the flag is set: all ranks leave below
      } catch (...) {
        tickets->end();
        throw;
      }
    });
    tickets->close();
    if (!context_.comm.all_agree(!context_.stop.requested())) throw Stopped();
  }

  void work(TicketCounter& tickets) {
    const HandOut runs(std::ssize(missing_), context_.comm.size());
    for (;;) {
      const Range run = runs.run(tickets.take());
      if (run.size() == 0) return;
      for (std::int64_t i = run.begin; i < run.end; ++i) {
        if (context_.stop.requested()) throw Stopped();
        const std::int64_t mini_batch = missing_[static_cast<std::size_t>(i)];
        std::string made = try_to_run(mini_batch);
        input_->check_unchanged(rows_of(mini_batch));
        ledger_.keep({mini_batch, mini_batch + 1}, rows_of(mini_batch).size(), {{"arrow", std::move(made)}},
                     nullptr);
        if (context_.first()) report_progress(i + 1);
      }
    }
  }

  void report_progress(std::int64_t position) const {
    const auto done =
        std::min(input_->rows(), (mini_batches() - std::ssize(missing_) + position) * mini_batch_size_);
    context_.report.progress(static_cast<double>(done), static_cast<double>(input_->rows()), "rows",
                             "entry script", Json::object());
  }

  /// Rows of this rank's share. Collective.
  std::int64_t write_rows(const std::string& folder) {
    const TimedSpan span(context_.timeline, "write rows", context_.step);
    const auto chunks = ledger_.gather();
    std::int64_t made = 0;
    run_together(context_.comm, [&] {
      IpcRows rows(folder);
      const Range mine = partition(std::ssize(chunks), context_.comm.size(), context_.comm.rank());
      for (std::int64_t i = mine.begin; i < mine.end; ++i) {
        const ResultChunk& chunk = chunks[static_cast<std::size_t>(i)];
        made += rows.write(chunk.units.begin, read_piece(chunk.sections.at("arrow")));
      }
      rows.close();
    });
    return made;
  }

  std::string try_to_run(std::int64_t mini_batch) {
    const Range rows = rows_of(mini_batch);
    return with_retries(
        max_retries_, context_.stop, [&] { return program_->run(*input_, rows); },
        [&](const Error& error) -> std::string {
          throw Error(error.status(),
                      str(failed_mini_batch_text(mini_batch, rows, context_.comm.rank(), max_retries_), ": ",
                          error.message()),
                      error.hint());
        });
  }

  StepContext& context_;
  const std::int64_t mini_batch_size_, max_retries_;
  std::unique_ptr<ScriptInput> input_;
  MiniBatchLedger ledger_;
  std::vector<std::int64_t> missing_;  // numbers of mini-batches
  std::unique_ptr<EntryProgram> program_;
};

std::string folder_of_rows(const std::string& scratch) {
  return scratch + "/rows";
}

}  // namespace

void naming_mini_batches(const std::string& scratch, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& e) {
    if (e.status() != ExitStatus::bad_data) throw;  // a disk's fault is one at a path
    std::string message = e.message();
    const int named = IpcRows::name_mini_batches(folder_of_rows(scratch), message);
    if (named == 0) throw;
    // Two that do not fit together.
    const bool differ = named > 1;
    throw Error(e.status(), message,
                differ ? "give the rows of every mini-batch the same columns, of the same types: "
                         "frame.astype({...})"
                       : e.hint());
  }
}

std::string rows_of_script(StepContext& context, const std::string& scratch) {
  std::string folder = folder_of_rows(scratch);
  ScriptRowsMaker(context, scratch).run(folder);
  return folder;
}

}  // namespace rankflow
