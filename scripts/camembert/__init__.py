"""CAMeMBERT's library. Whoever imports it computes offline: model libraries fetch nothing behind a job's back.

`hub.py` alone switches the hub on again, in the jobs whose purpose is a download, unless it was off before.
"""

import os

SWITCHED_OFF = "CAMEMBERT_SWITCHED_HUB_OFF"
"""Set where this package switched the hub off, and not the user."""

if os.environ.get("HF_HUB_OFFLINE", "0").upper() not in ("1", "ON", "YES", "TRUE"):
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", SWITCHED_OFF: "1"}
