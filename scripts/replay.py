"""A recorded session, shown as it went, run again and compared, or held under another setting.

  scripts/replay.py last --speed 4                        as it went, four times as fast
  scripts/replay.py FOLDER --check                        run again: exit status 1 unless the log is the same
  scripts/replay.py last --json --speed 0 | jq .kind      its events

It is `sotto replay`; `sotto sessions list` names the sessions, and a session's folder is one too.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ui.cli.main import main

if __name__ == "__main__":
    if sys.argv[1:2] in (["-h"], ["--help"]):
        print(__doc__)
    sys.argv[1:1] = ["replay"]
    main()
