"""Write the tastes as sets of events, plays and watched seconds have them."""

import hashlib
import zipfile
from pathlib import Path

from tests.dags.marquee.ingest.own_data import shape_samples as samples
from tests.shapes.scales import lines, moment
from tests.shapes.tastes import OwnData, taste

KINDS = (
    "용감한",
    "고요한",
    "어두운",
    "푸른",
    "마지막",
    "잃어버린",
    "숨겨진",
    "차가운",
    "불타는",
    "작은",
    "거대한",
    "오래된",
)
THINGS = (
    "기사단",
    "바다",
    "도시",
    "숲",
    "왕국",
    "제국",
    "별",
    "사막",
    "탑",
    "섬",
    "정원",
    "기차",
    "전설",
    "마을",
    "폭풍",
)
SERIES = ("", " 2", ": 확장판")


def game(item: int) -> str:
    """Return a Korean title, of which a few have a comma."""
    places = sorted(taste().titles)
    place = places.index(item)
    kind, rest = place % len(KINDS), place // len(KINDS)
    comma = "," if place % 11 == 0 else ""
    return f"{KINDS[kind]}{comma} {THINGS[rest % len(THINGS)]}{SERIES[rest // len(THINGS)]}"


def steam(folder: Path) -> OwnData:
    """No header, titles as ids, an action and hours: in CP949, in a zip of a Korean Windows."""
    found = OwnData(folder / "steam.zip", timed=False)
    names = {item: game(item) for item in taste().titles}
    assert len(set(names.values())) == len(names)
    rows: list[list[object]] = []
    for one in taste().ratings:
        user, title = 151603700 + one.user, names[one.item]
        rows.append([user, title, "purchase", 1.0, 0])
        if one.stars >= 2:
            rows.append([user, title, "play", round(one.stars**3 / 3, 1), 0])
        found.add(str(user), title, 1 + (one.stars >= 2))
    info = zipfile.ZipInfo("x")
    info.filename = "게임\\steam-200k.csv".encode("cp949").decode("cp437")
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(found.archive, "w") as archive:
        archive.writestr(info, lines(rows).encode("cp949"))
    return found


def lastfm(folder: Path) -> OwnData:
    """Tabs, SHA-1 users, counts of plays, empty fields, no header, and a table of the users next to it, in a tar.xz."""
    found = OwnData(folder / "lastfm-dataset-360K.tar.xz", timed=False)
    plays = ""
    for one in taste().ratings:
        user = hashlib.sha1(f"user {one.user}".encode()).hexdigest()
        artist = taste().titles[one.item].lower()
        of_brainz = "" if one.item % 17 == 0 else f"{one.item:08x}-3905-4f3a-97e2-8b341527f805"
        plays += f"{user}\t{of_brainz}\t{artist}\t{int(one.stars**4) + one.item % 7 + 1}\n"
        found.add(user, artist)
    profiles = "".join(
        f"{user}\t{'fm'[place % 2]}\t{20 + place % 40 if place % 3 else ''}\tGermany\tFeb {place % 28 + 1}, 2007\n"
        for place, user in enumerate(found.seen)
    )
    packed = {
        "lastfm-dataset-360K/usersha1-artmbid-artname-plays.tsv": plays.encode(),
        "lastfm-dataset-360K/usersha1-profile.tsv": profiles.encode(),
        "lastfm-dataset-360K/README.txt": b"This dataset contains user, artist-mbid, artist-name, plays.\n",
    }
    samples.tarred(found.archive, packed, "xz")
    return found


def retailrocket(folder: Path) -> OwnData:
    """Several events of a pair, in milliseconds; properties of items and a tree next to it; a zip in a folder."""
    data = folder / "shop"
    found = OwnData(data)
    rows: list[list[object]] = [["timestamp", "visitorid", "event", "itemid", "transactionid"]]
    for place, one in enumerate(taste().ratings):
        events = ["view", "addtocart", "transaction"][: 1 + (one.stars >= 3.5) + (one.stars >= 4.5)]
        for step, event in enumerate(events):
            order = 4000 + place if event == "transaction" else ""
            rows.append([one.time * 1000 + step * 60_000 + 117, one.user, event, one.item, order])
        found.add(str(one.user), str(one.item), len(events))
    properties = [
        ["timestamp", "itemid", "property", "value"],
        *([1435460400000, item, "categoryid", item % 9] for item in taste().titles),
    ]
    tree = [["categoryid", "parentid"], *([kind, 1] for kind in range(9))]
    samples.zipped(
        data / "ecommerce-dataset.zip",
        {
            "events.csv": lines(rows).encode(),
            "item_properties_part1.csv": lines(properties).encode(),
            "category_tree.csv": lines(tree).encode(),
        },
    )
    return found


def kuairec(folder: Path) -> OwnData:
    """A ratio of what was watched, three columns of time, a smaller matrix of the same columns, features of the items."""
    found = OwnData(folder / "KuaiRec.zip")
    head = ["user_id", "video_id", "play_duration", "video_duration", "time", "date", "timestamp", "watch_ratio"]
    rows: list[list[object]] = [[*head]]
    for one in taste().ratings:
        day, ratio = moment(one), one.stars / 2.5
        times = [f"{day:%Y-%m-%d %H:%M:%S}.438", f"{day:%Y%m%d}", one.time + 0.438]
        rows.append([one.user, one.item, int(ratio * 10_000), 10_000, *times, ratio])
        found.add(str(one.user), str(one.item))
    features: list[list[object]] = [
        ["video_id", "date", "author_id", "video_type", "play_cnt", "play_user_num", "like_cnt"]
    ]
    features += [[item, 20200705, item % 50, "NORMAL", 15, 12, 3] for item in taste().titles]
    people: list[list[object]] = [["user_id", "user_active_degree", "is_live_streamer", "follow_user_num"]]
    people += [[user, "high_active", 0, 5] for user in found.seen]
    kinds: list[list[object]] = [["video_id", "feat"], *([item, "[8, 9]"] for item in taste().titles)]
    files = {"small_matrix": [*rows[:1], *rows[1::9]], "big_matrix": rows, "item_daily_features": features}
    files |= {"user_features": people, "item_categories": kinds}
    samples.zipped(
        found.archive, {f"KuaiRec 2.0/data/{name}.csv": lines(rows).encode() for name, rows in files.items()}
    )
    return found
