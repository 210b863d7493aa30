#include "launchers/options.h"

namespace rankflow {
namespace {

using Kind = Option::Kind;

const std::vector<std::string> pipeline_commands = {"run", "plan", "why"};
const std::vector<std::string> rank_commands = {"run", "plan", "why", "dataset profile"};

}  // namespace

const std::vector<Command>& command_table() {
  static const std::vector<Command> table = {
      {"run", "PIPELINE", 1, 1, "run a pipeline: what is unchanged is reused, the rest runs",
       "Under mpirun or srun the job's ranks run the pipeline. Elsewhere rankflow plans first; where there "
       "is nothing to "
       "do it says so at once, otherwise it starts the ranks (--ranks), shows what they do, turns SIGTERM, "
       "SIGUSR1, "
       "SIGUSR2 and Ctrl-C into an orderly stop, and starts them again after a crash. Running the same "
       "command again goes on "
       "from where a run stopped."},
      {"plan", "PIPELINE", 1, 1, "show what `run` would do and why", ""},
      {"why", "[PIPELINE] STEP", 1, 2, "say why a step would run again, or what it is reused from",
       "Compares with the newest run of the same pipeline file that has the step, and names what changed: a "
       "parameter "
       "from what to what, an input, the code. Without PIPELINE (or --file) it is the pipeline file of the "
       "latest run."},
      {"runs", "", 0, 0, "list the runs in the store, newest first", ""},
      {"show", "[RUN]", 0, 1, "show a run: its steps, metrics and outputs",
       "RUN is a run's id, the beginning of one, or `latest` (the default)."},
      {"logs", "[STEP]", 0, 1, "print what a step's ranks logged; without STEP: list the logs",
       "For a reused step these are the logs of the run that made it."},
      {"download", "RUN STEP.OUTPUT FOLDER", 3, 3,
       "copy an output's files to a folder, checked against their checksums",
       "Files that are there already are never overwritten."},
      {"dataset register", "NAME PATH|URL|ARTIFACT|RUN [STEP.OUTPUT]", 2, 3,
       "give data a name and the next version number",
       "The data are a file or folder, what a glob in quotes or a list `[a.csv, b.csv]` names now, what lies "
       "in "
       "an object store (`s3://BUCKET/KEY`, or `DATASTORE:path`) or on a web server (with --sha256), an "
       "artifact of the store (its digest or folder), or an output of a "
       "run. "
       "Content that is unchanged since the newest version makes no new one. A file or folder outside the "
       "store is registered "
       "by reference: its path and the digest of its content, which is checked whenever it is used (in an "
       "object "
       "store names, sizes and ETags stand for the content); --copy "
       "puts a copy into the "
       "store. Pipelines name the data `{dataset: NAME@latest}` or `{dataset: NAME:3}`."},
      {"dataset list", "[NAME]", 0, 1, "list the registered datasets, or the versions of one", ""},
      {"dataset show", "NAME[:VERSION]", 1, 1,
       "show a version of a dataset: where it lies, its files and columns, its tags, what made it",
       "Without VERSION: the newest."},
      {"dataset profile", "NAME[:VERSION]", 1, 1,
       "show types, missing and distinct values, quantiles and histograms of every column",
       "Made by the step type `profile` on --ranks ranks, and kept in the store for as long as the content "
       "is the same. What the run "
       "shows goes to standard error."},
      {"dataset diff", "NAME[:VERSION] [NAME[:VERSION]]", 1, 2,
       "show what differs between two versions: rows, columns, files, and values where both are profiled",
       "With one: the version before it is compared with it; without VERSION it is the newest."},
      {"datastore list", "", 0, 0, "list the named places for data that the site file declares",
       "The site file is $RANKFLOW_SITE, otherwise ~/.config/rankflow/site.yaml and /etc/rankflow/site.yaml "
       "together (docs/datasets.md)."},
      {"new", "[TEMPLATE] [FILE]", 0, 2,
       "write a pipeline to start from; without TEMPLATE: list the templates",
       "FILE is TEMPLATE.yaml unless given; `-` prints it. A file that exists is not overwritten."},
      {"schema", "", 0, 0, "print the JSON Schema of pipeline files, for editors", ""},
      {"reference", "commands|pipeline", 1, 1, "print the reference part of the documents as Markdown", "",
       true},
      {"version", "", 0, 0, "print the version", ""},
      {"help", "[COMMAND]", 0, 2, "explain a command", ""},
  };
  return table;
}

const std::vector<Option>& option_table() {
  static const std::vector<Option> table = {
      {"ranks", 'n', Kind::integer, "N", "",
       "number of ranks to start or plan for; inside an MPI job the job's own ranks are used, and this is "
       "refused. "
       "Default: the tasks of the Slurm allocation, otherwise 1",
       rank_commands, 1},
      {"set", 0, Kind::list, "NAME=VALUE", "",
       "change a pipeline parameter (`epochs=3`) or a step's key (`train.optimizer.rate=0.1`); VALUE is YAML",
       pipeline_commands},
      {"input", 0, Kind::list, "NAME=PATH", "",
       "the file or folder of a pipeline input; a glob in quotes, or a list `[a.csv, b.csv]`",
       pipeline_commands},
      {"only", 0, Kind::list, "STEP", "", "this step and what it needs", pipeline_commands},
      {"from", 0, Kind::list, "STEP", "",
       "run this step and all that follow again; what comes before is reused where it can be",
       pipeline_commands},
      {"force", 0, Kind::list, "STEP", "", "run this step again though nothing changed", pipeline_commands},
      {"force-all", 0, Kind::flag, "", "", "run every step again", pipeline_commands},
      {"fail-fast",
       0,
       Kind::flag,
       "",
       "",
       "stop all steps when one fails; otherwise independent ones go on",
       {"run"}},
      {"restarts", 0, Kind::integer, "N", "3", "how often to start again after a rank died", {"run"}},
      {"hang-limit",
       0,
       Kind::number,
       "SECONDS",
       "300",
       "end the ranks when one of them gave no sign of life, or did not enter a collective that others wait "
       "in, for "
       "so long",
       {"run"},
       1},
      {"run-id", 0, Kind::text, "RUN", "", "the run to go on with", {"run"}, 0, true},
      {"file", 'f', Kind::text, "PIPELINE", "", "the pipeline file", {"why"}},
      {"run", 0, Kind::text, "RUN", "latest", "a run's id, the beginning of one, or `latest`", {"logs"}},
      {"rank", 0, Kind::integer, "R", "", "only this rank's log", {"logs"}},
      {"option",
       0,
       Kind::list,
       "KEY=VALUE",
       "",
       "how the data are written, or what the profile shows: a key of the step type `profile`, such as "
       "header=false. It is remembered for "
       "this version",
       {"dataset profile"}},
      {"html",
       0,
       Kind::text,
       "FILE",
       "",
       "write the profile as a page with plots, which needs no other file",
       {"dataset profile"}},
      {"tag",
       0,
       Kind::list,
       "KEY=VALUE",
       "",
       "a note on the version; registering the same content again may change it",
       {"dataset register"}},
      {"description", 0, Kind::text, "TEXT", "", "what the data are, for people", {"dataset register"}},
      {"copy",
       0,
       Kind::flag,
       "",
       "",
       "copy the file or folder into the store, so that it can't change",
       {"dataset register"}},
      {"sha256", 0, Kind::text, "DIGEST", "", "of the file at the URL", {"dataset register"}},
      {"all", 0, Kind::flag, "", "", "all runs, not the newest 20", {"runs"}},
      {"quiet", 'q', Kind::flag, "", "", "show errors and the last line only", {"run"}},
      {"json",
       0,
       Kind::flag,
       "",
       "",
       "print JSON (`run`: one event a line)",
       {"run", "plan", "why", "runs", "show", "dataset register", "dataset list", "dataset show",
        "dataset profile", "dataset diff", "datastore list"}},
      {"color",
       0,
       Kind::text,
       "WHEN",
       "auto",
       "colours: auto, always or never; auto is on a terminal where NO_COLOR is not set",
       {"run", "plan", "runs", "show", "dataset list", "dataset show", "dataset profile", "dataset diff"}},
      {"store",
       0,
       Kind::text,
       "FOLDER",
       "",
       "the store on shared storage. Default: $RANKFLOW_STORE, otherwise .rankflow in the working directory",
       {"run", "plan", "why", "runs", "show", "logs", "download", "dataset register", "dataset list",
        "dataset show", "dataset profile", "dataset diff"}},
      {"help", 'h', Kind::flag, "", "", "explain the command", {}},
  };
  return table;
}

}  // namespace rankflow
