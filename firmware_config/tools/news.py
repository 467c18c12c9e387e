"""The headlines of a news feed (RSS): free, and without a key; the BBC's, until you name another.

The feed's server learns the address of your network. Let the tools reach it:
[own_tools] addresses = ["any"], then `sudo bittern mcp allow`.
"""

import html
import re
import urllib.request
from typing import Any

FEED = "https://feeds.bbci.co.uk/news/world/rss.xml"
WITHIN_S = 4.0
LONGEST = 500_000
_ITEM = re.compile(r"<item\b.*?</item>", re.DOTALL)
_TITLE = re.compile(r"<title>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</title>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def get_news(count: int = 3) -> dict[str, Any]:
    """Tell the latest headlines of the world's news.

    Args:
        count: How many, 1 to 10.
    """
    asked = urllib.request.Request(FEED, headers={"User-Agent": "Bittern"})
    with urllib.request.urlopen(asked, timeout=WITHIN_S) as got:
        feed = got.read(LONGEST).decode("utf-8", "replace")
    titles = [found[1] for item in _ITEM.findall(feed) if (found := _TITLE.search(item))]
    headlines = [_TAG.sub("", html.unescape(title)).strip() for title in titles]
    if not headlines:
        raise ValueError("there are no headlines in the feed")
    return {"headlines": headlines[: max(1, min(count, 10))]}
