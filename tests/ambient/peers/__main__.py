"""Prints as Markdown how this library and its peers do in the same cases.

python -m tests.ambient.peers                     the whole table
python -m tests.ambient.peers --library Sentry    one library's verdicts as JSON, the reasons on stderr
"""

import argparse
import json
import sys
from importlib import import_module

from .cases import CASES
from .libraries import LIBRARIES
from .table import lines
from .verdict import judge_apart


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", choices=LIBRARIES)
    name = parser.parse_args().library
    if name is None:
        for line in lines():
            print(line)
        return
    import_module(LIBRARIES[name].module)  # once, for all the children
    verdicts = {}
    for title, probe in CASES.items():
        verdicts[title], reason = judge_apart(probe, LIBRARIES[name].peer)
        if reason:
            print(f"{verdicts[title]}: {title}\n{reason}", file=sys.stderr)
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()
