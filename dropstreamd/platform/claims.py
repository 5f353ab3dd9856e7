"""What one account of a platform must have for itself."""

import msgspec


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Something that no two accounts of a platform may both use, as they are set: a sequence of numbers, say,
    that is counted for each account by itself.

    `what` tells it apart and is shown; `key` is the setting that says it, dotted, below the plugin's table;
    `hint` is what to do where two have it.
    """

    key: str
    what: str
    hint: str
