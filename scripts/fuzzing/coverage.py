"""Damaged files that are led by coverage: what reaches code that no file reached before is damaged further.

Owns the run of atheris over the stage that decodes photos, in this process, which libFuzzer ends. Without a server.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit("There is no atheris for this Python and system. Without --coverage files are damaged at random.")

# What is imported here tells libFuzzer which of its branches are taken.
with atheris.instrument_imports(include=["objectcut.photo", "PIL", "pillow_heif"]):
    from objectcut.photo import decode

from fuzzing.files import originals
from objectcut.errors import CutError
from objectcut.settings import Settings

_PREVIEW_SIDE = 64  # px, so that large JPEGs are read both ways
_LONGEST = 100_000  # bytes of a file; the originals have 60,000 at most
_SLOW_S = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, required=True, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, required=True, help="another one makes other inputs")
    parser.add_argument(
        "--keep", type=Path, required=True, metavar="DIR", help="files that failed; in corpus/ those to go on from"
    )
    options = parser.parse_args()
    corpus = options.keep / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in originals().items():
        (corpus / name.replace(" ", "-")).write_bytes(data)
    warnings.simplefilter("ignore")  # libraries warn of almost every file
    logging.disable()
    settings = Settings()

    def decoded(data: bytes) -> None:
        try:
            decode.preview(data, settings, _PREVIEW_SIDE)
            decode.load(data, settings)
        except CutError:
            pass

    atheris.Setup(
        [
            sys.argv[0],
            f"-runs={options.inputs}",
            f"-seed={options.seed}",
            f"-max_len={_LONGEST}",
            f"-timeout={_SLOW_S}",
            f"-artifact_prefix={options.keep}/",
            "-print_final_stats=1",
            "-close_fd_mask=2",  # of the libraries; libFuzzer's own lines are told
            str(corpus),
        ],
        decoded,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
