"""List the names by which people call the columns of ratings and events."""

from __future__ import annotations

import re

ROLES = ("user", "item", "value", "time", "event", "title", "genres", "year")
# After lower case and without anything but letters and digits. Earlier names win where a file has several.
KNOWN: dict[str, tuple[str, ...]] = {
    "user": (
        *("userid", "reviewerid", "visitorid", "customerid", "memberid", "accountid", "clientid", "personid", "uid"),
        *("user", "visitor", "customer", "member", "reviewer", "usersha1", "useridx", "userno", "username"),
        *("profilename", "rater", "buyerid", "sessionid"),
    ),
    "item": (
        *("itemid", "movieid", "filmid", "bookid", "isbn", "animeid", "asin", "parentasin", "businessid", "videoid"),
        *("productid", "trackid", "songid", "artistid", "artistmbid", "gameid", "appid", "articleid", "jokeid"),
        *("showid", "recipeid", "sku", "iid", "mid", "item", "movie", "product", "artist", "track", "book", "game"),
        *("contentid", "goodsid", "newsid", "itemidx", "itemno"),
    ),
    "value": (
        *("rating", "overall", "stars", "bookrating", "score", "ratings", "userrating", "reviewscore", "star", "rate"),
        *("watchratio", "plays", "playcount", "playcounts", "listencount", "weight", "hours", "hoursplayed"),
        *("playtimeforever", "playtime", "count", "quantity", "qty", "strength", "value", "listens", "clicks"),
    ),
    "time": (
        *("timestamp", "unixreviewtime", "unixtime", "datetime", "time", "date", "createdat", "ratedat", "eventtime"),
        *("reviewtime", "reviewdate", "ts", "created", "timestampms", "updatedat", "visittime", "ratingdate", "when"),
        *("ratingtimestamp", "sorttimestamp", "day"),
    ),
    "event": ("event", "eventname", "eventtype", "action", "behavior", "behaviour", "behaviortype", "type", "activity"),
    "title": (
        *("title", "movietitle", "booktitle", "name", "itemname", "productname", "artistname", "artname", "gametitle"),
        *("originaltitle", "displayname", "itemtitle", "trackname", "songname"),
    ),
    "genres": ("genres", "genre", "categories", "category", "class", "tags", "moviegenres", "itemcategory"),
    "year": (
        "year",
        "releaseyear",
        "yearofpublication",
        "originalpublicationyear",
        "releasedate",
        "published",
        "released",
    ),
}
STRENGTHS = frozenset(
    {"watchratio", "plays", "playcount", "playcounts", "listencount", "weight", "hours", "hoursplayed"}
    | {"playtimeforever", "playtime", "count", "quantity", "qty", "strength", "listens", "clicks"}
)
# Weights for names of events that shops and players use. What is not here counts as a look.
WEIGHTS = {
    **dict.fromkeys(("view", "pv", "click", "play", "impression", "visit", "open", "listen", "watch"), 1.0),
    **dict.fromkeys(("like", "fav", "favorite", "favourite", "wishlist", "save", "share", "bookmark"), 2.0),
    **dict.fromkeys(("cart", "addtocart", "basket", "addtobasket"), 3.0),
    **dict.fromkeys(("purchase", "buy", "transaction", "order", "checkout", "sale"), 5.0),
    **dict.fromkeys(("dislike", "skip", "hide", "return", "refund", "removefromcart"), 0.0),
}
INDEX_NAMES = frozenset({"", "unnamed0", "unnamed01", "index", "id", "rowid", "rownumber", "x"})
TYPED = re.compile(r"(?P<name>[^:]+):(?P<type>token|token_seq|float|float_seq)")


def plain(name: str) -> str:
    """Return a name as ``KNOWN`` has it.

    `User-ID` becomes `userid`, `rating:float` becomes `rating`.
    """
    typed = TYPED.fullmatch(name.strip())
    return "".join(letter for letter in (typed["name"] if typed else name).lower() if letter.isalnum())


def role_of_name(name: str) -> tuple[str, int] | None:
    """Return the role that a name speaks of, and its place in KNOWN, or None."""
    key = plain(name.rsplit(".", 1)[-1]) if "." in name and plain(name) not in INDEX_NAMES else plain(name)
    for role, names in KNOWN.items():
        if key in names:
            return role, names.index(key)
    return None


def words_of(name: str) -> set[str]:
    """Return the words of a name: `custNo` and `cust_no` have `cust` and `no`."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
