"""Fails on a document that no longer fits the project: check_documents.py ROOT

A link to a file that is not there. (That the references of keys and commands are what the tables make is a unit test;
that the README's pipeline runs is integration/test_documents.py.)"""
import re
import sys
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
FOLDERS = [".", "docs", "benchmarks", "tests", "configs", "configs/data", "slurm"]


def broken_links(root):
    for folder in FOLDERS:
        for document in sorted((root / folder).glob("*.md")):
            for number, line in enumerate(document.read_text().splitlines(), 1):
                for target in LINK.findall(line):
                    if "://" not in target and not (document.parent / target).exists():
                        yield f"{document.relative_to(root)}:{number}: no file {target}"


root = Path(sys.argv[1])
found = list(broken_links(root))
print("\n".join(found))
sys.exit(1 if found else 0)
