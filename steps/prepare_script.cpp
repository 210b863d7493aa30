#include "steps/prepare_script.h"

#include <new>

#include "base/text.h"
#include "collectives/agreement.h"
#include "collectives/ticket_counter.h"
#include "io/ipc_rows.h"
#include "steps/entry_program.h"
#include "steps/hand_out.h"
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
        rows_(scratch + "/rows") {
    run_together(context.comm, [&] { program_ = make_entry_program(context, ProgramRows::table); });
  }

  void run() {
    const TimedSpan span(context_.timeline, "entry script", context_.step);
    const auto tickets = make_ticket_counter(context_.comm);
    run_together(context_.comm, [&] {
      try {
        work(*tickets);
        rows_.close();
      } catch (const Stopped&) {
        tickets->end();  // the flag is set: all ranks leave below
      } catch (...) {
        tickets->end();
        throw;
      }
    });
    tickets->close();
    if (!context_.comm.all_agree(!context_.stop.requested())) throw Stopped();
    input_->check_unchanged(context_.comm);
    const auto made = context_.comm.all_reduce_value<std::int64_t>(made_, ReduceOp::sum);
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

  void work(TicketCounter& tickets) {
    const HandOut runs(mini_batches(), context_.comm.size());
    for (;;) {
      const Range run = runs.run(tickets.take());
      if (run.size() == 0) return;
      for (std::int64_t i = run.begin; i < run.end; ++i) {
        if (context_.stop.requested()) throw Stopped();
        made_ += rows_.write(i, try_to_run(i));
        if (context_.first())
          context_.report.progress(static_cast<double>(rows_of(i).end), static_cast<double>(input_->rows()),
                                   "rows", "entry script", Json::object());
      }
    }
  }

  std::string try_to_run(std::int64_t mini_batch) {
    const Range rows = rows_of(mini_batch);
    for (std::int64_t attempt = 0;; ++attempt) {
      try {
        return program_->run(*input_, rows);
      } catch (const Stopped&) {
        throw;
      } catch (const std::bad_alloc&) {
        throw;
      } catch (const std::exception& e) {
        if (attempt < max_retries_ && !context_.stop.requested()) continue;
        const Error error = as_error(e);
        throw Error(error.status(),
                    str("mini-batch ", mini_batch, " (rows ", rows.begin, " to ", rows.end - 1, ", rank ",
                        context_.comm.rank(), ") failed",
                        max_retries_ > 0 ? str(" ", max_retries_ + 1, " times") : "", ": ", error.message()),
                    error.hint());
      }
    }
  }

  StepContext& context_;
  const std::int64_t mini_batch_size_, max_retries_;
  std::unique_ptr<ScriptInput> input_;
  IpcRows rows_;
  std::unique_ptr<EntryProgram> program_;
  std::int64_t made_ = 0;  // rows, on this rank
};

}  // namespace

std::string rows_of_script(StepContext& context, const std::string& scratch) {
  ScriptRowsMaker(context, scratch).run();
  return scratch + "/rows";
}

}  // namespace rankflow
