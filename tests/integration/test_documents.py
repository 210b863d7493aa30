"""What the documents tell a newcomer to type works."""
import re

from support import CONFIGURATION, SOURCE

README = (SOURCE / "README.md").read_text()


def test_the_first_pipeline_of_the_readme_runs(rankflow):
    pipelines = re.findall(r"```yaml\n(name:.*?)```", README, re.DOTALL)
    assert pipelines, "the README shows a pipeline"
    rankflow.write("data/answers.txt", (SOURCE / "configs/data/answers.txt").read_text())
    for text in pipelines:
        rankflow.write("readme.yaml", text)
        rankflow("run", "readme.yaml")
        rankflow("run", "readme.yaml")
        assert set(rankflow.statuses().values()) == {"reused"}


def test_the_commands_of_the_readme_exist(rankflow):
    named = set(re.findall(r"`rankflow ([a-z]+)\b", README))
    listed = set(re.findall(r"^  ([a-z]+)(?: [a-z]+)?  ", rankflow("help").out, re.MULTILINE))
    assert named and named <= listed


def test_the_error_that_the_readme_shows(rankflow):
    shown = re.search(r"rankflow: error: (broken\.yaml:.*)", README).group(1)
    rankflow.write("broken.yaml", "name: broken\nsteps:\n  a:\n    type: command\n    comand: [true]\n")
    assert shown in rankflow("run", "broken.yaml", code=CONFIGURATION).err
